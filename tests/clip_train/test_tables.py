"""Tables of opinion scores, what is left out of them, and how they are split."""

import csv

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

from vqa_harness.bench.bad_rows import summary
from vqa_harness.errors import UsageError
from vqa_harness.testing.synthetic import make_video
from vqa_plugin_clip.train import survey as survey_module
from vqa_plugin_clip.train.dataset import Tables, read_ratings
from vqa_plugin_clip.train.opinion_table import TableForm, read_table
from vqa_plugin_clip.train.split import group_column, groups, split


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def table_of(folder, text, files=("a.mp4", "b.mp4")):
    for name in files:
        (folder / name).write_bytes(b"x")
    path = folder / "mos.csv"
    path.write_text(text, encoding="utf-8")
    return path


def looked(*_):
    pass


def read(clips, out, form=None, batch=2, **options):
    out.mkdir(exist_ok=True)
    form = form or TableForm(root=clips)
    tables = Tables(options.pop("table", clips / "mos.csv"), form, **options)
    return read_ratings(tables, 1, batch, out, 1, looked)


def test_rows_are_read_and_bad_ones_named(tmp_path):
    text = (
        "\ufefffile, score\na.mp4,3.5\nb.mp4,x\nb.mp4,7\nc.mp4,2\n,2\na.mp4,4\nb.mp4,nan\nb.mp4\n"
    )
    good, bad = read_table(table_of(tmp_path, text), TableForm())
    assert [(o.name, o.score, o.line) for o in good] == [("a.mp4", 3.5, 2)]
    assert [(row.line, row.reason) for row in bad] == [
        (3, "score 'x' is not a number"),
        (4, "score 7 is outside the scale 1 to 5"),
        (5, "no such file"),
        (6, "no file name"),
        (7, "listed in line 2 already"),
        (8, "score 'nan' is not a number"),
        (9, "no score"),
    ]
    assert summary(bad, 1) == "line 3, b.mp4: score 'x' is not a number; and 6 more"


def test_columns_suffix_and_scale_can_be_named(tmp_path):
    path = table_of(tmp_path, "Video,MOS,scene\na,80,s1\n")
    form = TableForm("Video", "MOS", (0, 100), suffix=".mp4", group_column="scene")
    good, bad = read_table(path, form)
    assert (good[0].path.name, good[0].score, good[0].group, bad) == ("a.mp4", 80, "s1", [])
    with pytest.raises(
        UsageError, match=r"no column 'score' \(Video, MOS, scene\).*--score-column"
    ):
        read_table(path, TableForm("Video"))
    with pytest.raises(UsageError, match="--split-by"):
        read_table(path, TableForm("Video", "MOS", group_column="shot"))
    with pytest.raises(UsageError, match="--scale 5 1"):
        TableForm(scale=(5, 1))
    with pytest.raises(UsageError, match="cannot be read as a CSV table"):
        read_table(tmp_path / "none.csv", TableForm())
    with pytest.raises(UsageError, match="it is empty"):
        read_table(table_of(tmp_path, ""), TableForm())


def test_contents_stay_together_and_the_split_is_seeded():
    names = [f"c{i % 10}" for i in range(50)]
    chosen = split(names, 0.3, seed=1)
    taken = {name for name, mine in zip(names, chosen, strict=True) if mine}
    left = {name for name, mine in zip(names, chosen, strict=True) if not mine}
    assert not taken & left
    assert sum(chosen) == 15
    assert split(names, 0.3, seed=1) == chosen
    assert any(split(names, 0.3, seed=seed) != chosen for seed in range(2, 6))
    assert sum(split(["a", "b"], 0.01, seed=0)) == 1
    assert sum(split(["a", "b"], 0.99, seed=0)) == 1
    with pytest.raises(UsageError, match="1 content cannot be split"):
        split(["a", "a"], 0.5, seed=0)
    with pytest.raises(UsageError, match="between 0 and 1"):
        split(names, 1.0, seed=0)


def test_contents_by_name_pattern_and_column(clips):
    form = TableForm(group_column="content")
    opinions, _ = read_table(clips / "mos.csv", form)
    assert len(set(groups(opinions, ""))) == 16
    assert groups(opinions, "name")[:5] == ["c0"] * 4 + ["c1"]
    assert groups(opinions, "content")[0] == "content0"
    assert set(groups(opinions, r"name:_(\d+)")) == {"18", "34", "44", "51"}
    assert set(groups(opinions, "name:c[01]")) == {"c0", "c1", *(o.name for o in opinions[8:])}
    with pytest.raises(UsageError, match="not a regular expression"):
        groups(opinions, "name:(")
    assert [group_column(by) for by in ("", "name", "name:x", "content")] == ["", "", "", "content"]


def test_what_cannot_be_used_is_listed_and_the_rest_split(clips, tmp_path):
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "text.mp4").write_text("no video")
    make_video(folder / "short.mp4", 3, width=64, height=48)
    text = (clips / "mos.csv").read_text()
    text = text.replace("\nc", f"\n{clips}/c") + "text.mp4,3,x\nshort.mp4,3,x\ngone.mp4,3,x\n"
    (folder / "mos.csv").write_text(text)
    out = tmp_path / "out"
    form = TableForm()
    options = {"split_by": "content", "val_share": 0.25, "min_frames": 10}
    found = read(folder, out, form, table=folder / "mos.csv", **options)
    assert (len(found.training), len(found.validation)) == (12, 4)
    reasons = {row["file"]: row["reason"] for row in rows_of(out / "bad_rows.csv")}
    assert reasons["gone.mp4"] == "no such file"
    assert reasons["short.mp4"] == "3 frames, a video needs 10"
    assert "cannot be opened as a video" in reasons["text.mp4"]
    written = rows_of(out / "split.csv")
    parts = {row["group"]: row["part"] for row in written}
    assert sorted(parts.values()) == ["training"] * 3 + ["validation"]
    assert {row["frames"] for row in written} == {"14"}
    assert found.training[0].share == pytest.approx((found.training[0].score - 1) / 4)


def test_a_still_counts_as_it_is(clips, tmp_path):
    for index in range(6):
        make_video(tmp_path / f"{index}.png", 1, codec="png", pix_fmt="rgb24", width=64, height=48)
    lines = [f"{index}.png,{1 + index / 2}" for index in range(6)]
    (tmp_path / "mos.csv").write_text("\n".join(["file,score", *lines]))
    found = read(tmp_path, tmp_path / "out", val_share=0.5)
    assert {file.frames for file in found.training} == {1}
    assert not (tmp_path / "out" / "bad_rows.csv").exists()


def test_too_few_files_are_fatal_and_say_why(clips, tmp_path):
    with pytest.raises(UsageError, match=r"0 can be used.*16 rows are left out \(line 2, c0_18"):
        read(clips, tmp_path, TableForm(scale=(0, 1), root=clips))
    with pytest.raises(UsageError, match="training files: 12 can be used, 13 are needed"):
        read(clips, tmp_path, split_by="content", val_share=0.25, batch=13)
    with pytest.raises(UsageError, match="validation files: 2 can be used, 3 are needed"):
        read(clips, tmp_path, val_share=0.1)


def test_a_validation_table_is_taken_as_it_is(clips, tmp_path):
    lines = (clips / "mos.csv").read_text().splitlines()
    (tmp_path / "val.csv").write_text("\n".join([lines[0], *lines[5:9]]))
    found = read(clips, tmp_path, validation=tmp_path / "val.csv", split_by="content")
    assert [file.name for file in found.validation] == [line.split(",")[0] for line in lines[5:9]]
    assert len(found.training) == 12
    assert [row.reason for row in found.bad] == ["also in the validation table"] * 4


def test_files_are_looked_at_again_only_when_they_change(clips, tmp_path, monkeypatch):
    first = read(clips, tmp_path)
    counted = []
    real = survey_module._count
    monkeypatch.setattr(survey_module, "_count", lambda *a: counted.append(a[0]) or real(*a))
    assert read(clips, tmp_path) == first
    assert counted == []
    (tmp_path / "files.json").write_text("no facts")
    assert read(clips, tmp_path).fingerprint() == first.fingerprint()
    assert len(counted) == 16
