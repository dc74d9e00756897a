"""What a manifest may hold, and what is said of one that is wrong."""

import json

import pytest

from vqa_harness.batch.case import case_of, in_shard
from vqa_harness.batch.manifest import Manifest
from vqa_harness.errors import InputError, UsageError


def entries(*inputs, reference=None, told=None):
    return list(Manifest([str(one) for one in inputs], reference, told or (lambda _: None)))


def written(tmp_path, text, name="cases.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_keep_their_columns_and_paths_are_relative_to_the_manifest(tmp_path):
    path = written(tmp_path, "crf,file,reference\n007,a/x.mp4,r.mp4\n,y.mp4,\n")
    first, second = entries(path)
    assert (first.file, first.reference, first.columns) == ("a/x.mp4", "r.mp4", {"crf": "007"})
    assert first.distorted_path == tmp_path / "a" / "x.mp4"
    assert first.reference_path == tmp_path / "r.mp4"
    assert second.reference_path is None
    assert second.place == "cases.csv, row 2"


def test_json_lines_and_parquet_say_the_same(tmp_path):
    rows = [
        {"file": "x.mp4", "reference": None, "mos": 3.5, "ok": True},
        {"file": "y.mp4", "reference": "r.mp4", "mos": None, "ok": False},
    ]
    lines = written(tmp_path, "".join(json.dumps(row) + "\n\n" for row in rows), "c.jsonl")
    made = entries(lines)
    assert [(e.file, e.reference) for e in made] == [("x.mp4", ""), ("y.mp4", "r.mp4")]
    assert [e.columns for e in made] == [{"mos": 3.5, "ok": True}, {"mos": None, "ok": False}]
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "c.parquet")
    again = entries(tmp_path / "c.parquet")
    assert [(e.file, e.columns) for e in again] == [(e.file, e.columns) for e in made]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "video\nx.mp4\n", "a.csv, row 1: has no column 'file'"),
        ("a.csv", "file,crf\nx.mp4,1\ny.mp4\n", "row 2 (line 3): has 1 cells for 2 columns"),
        ("a.csv", "file,crf\nx.mp4,1\n,3\n", "row 2: names no file"),
        ("a.csv", 'file\n"x.mp4\n', "is no CSV"),
        ("a.csv", "file,file\nx,y\n", "column 'file' is given twice"),
        ("a.csv", "", "a column without a name, or no header"),
        (
            "a.csv",
            "file\ns3://b/x.mp4\n",
            "row 1: s3://b/x.mp4: URLs are not opened",
        ),
        ("a.jsonl", '{"file": "x"}\n{"file"\n', "a.jsonl, row 2: is no JSON"),
        ("a.jsonl", '{"file": "x", "mos": NaN}\n', "row 1: is no JSON: NaN is no number"),
        ("a.jsonl", '{"file": "x", "file": "y"}\n', "a name is there twice"),
        ("a.jsonl", '["x"]\n', "is no JSON object"),
        ("a.jsonl", '{"file": 3}\n', "3 is no name of a file"),
        ("a.jsonl", '{"file": "x", "tags": [1]}\n', "'tags': holds several values"),
        ("a.parquet", "no table", "is no Parquet"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, name, text, says):
    if name == "a.parquet":
        pytest.importorskip("pyarrow")
    with pytest.raises(UsageError) as raised:
        entries(written(tmp_path, text, name))
    assert says in str(raised.value)


def test_folders_globs_and_videos(clips, tmp_path, monkeypatch):
    monkeypatch.chdir(clips)
    whole = [f"c{n}.mp4" for n in range(8)]
    assert [e.file.rpartition("/")[2] for e in entries(clips)] == whole
    assert [e.file for e in entries("c[0-2].mp4", "c7.mp4")] == [*whole[:3], "c7.mp4"]
    (one,) = entries("c1.mp4", reference=clips / "c0.mp4")
    assert one.reference_path == clips / "c0.mp4"
    with pytest.raises(InputError, match="matches no file"):
        entries("*.mkv")
    with pytest.raises(UsageError, match="cannot be read"):
        entries(tmp_path / "none.csv")


def test_the_same_files_again_are_another_case(tmp_path):
    path = written(tmp_path, "file,crf\nx.mp4,1\ny.mp4,2\nx.mp4,3\nx.mp4,4\n")
    made = entries(path)
    assert [entry.repeat for entry in made] == [0, 0, 1, 2]
    assert len({case_of(entry, "s").key for entry in made}) == 4


def test_parts_are_a_partition(tmp_path):
    rows = "".join(f"{n}.mp4\n" for n in range(300))
    keys = [case_of(entry, "s").key for entry in entries(written(tmp_path, f"file\n{rows}"))]
    counts = [sum(in_shard(key, (part, 7)) for key in keys) for part in range(1, 8)]
    assert sum(counts) == 300
    assert min(counts) > 20
    assert all(sum(in_shard(key, (part, 7)) for part in range(1, 8)) == 1 for key in keys)
