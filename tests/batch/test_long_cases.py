"""Long cases, which are scored in pieces: nothing tells it afterwards."""

import json

import pytest

from tests.batch.helpers import TIMES, HereEngine, run_here, settings_of
from vqa_harness.batch import divide, run
from vqa_harness.batch.case import Part
from vqa_harness.batch.store import Store
from vqa_harness.errors import InputError, MetricError, UsageError
from vqa_harness.testing.synthetic import make_video


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(run, "_PAUSES", (0.0,))


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A manifest of one case of 25 frames, a second, and one of 5, with references."""
    folder = tmp_path_factory.mktemp("long")
    for name, crf in (("reference", "4"), ("long", "38")):
        options = {"crf": crf, "x264-params": "open-gop=1:keyint=5:bframes=2"}
        make_video(folder / f"{name}.mp4", 25, width=96, height=64, options=options)
    make_video(folder / "short.mp4", 5, width=96, height=64)
    rows = "file,reference,crf\nlong.mp4,reference.mp4,38\nshort.mp4,short.mp4,9\n"
    (folder / "cases.csv").write_text(rows)
    return folder / "cases.csv"


def documents(out):
    """Rows and logs as they lie on the disk, but for times."""
    found = {}
    for path in sorted(out.glob("rows/*/*.json")) + sorted(out.glob("logs/*/*.json")):
        document = json.loads(path.read_text())
        for name in TIMES if "rows" in path.parts else ("fps",):
            document.pop(name)
        harness = document.get("vqa_harness", {})
        for name in ("created", "seconds", "cpu_seconds"):
            harness.pop(name, None)
        for metric in harness.get("metrics", {}).values():
            metric.pop("seconds", None)
        found[str(path.relative_to(out))] = json.dumps(document)
    return found


def test_rows_and_logs_are_those_of_whole_cases(long, tmp_path):
    metrics = "psnr,xpsnr,siti,ssim"
    whole, pieces = settings_of(tmp_path / "whole", metrics), tmp_path / "pieces"
    run_here(long, whole, None)
    settings = settings_of(pieces, metrics, split_longer_than=0.3)
    engine, tally = run_here(long, settings, None)
    assert [file for file, _ in engine.seen] == ["long.mp4", "short.mp4"]
    assert engine.parts == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert (tally.done, tally.frames, tally.divided) == (2, 30, [])
    assert documents(pieces) == documents(whole.out)
    engine, tally = run_here(long, settings, None)
    assert (engine.seen, tally.kept) == ([], 2)


def test_what_cannot_be_split_is_told_in_the_row(long, tmp_path):
    for metrics, told in (
        ("siti,blockiness", "blockiness: scored in one piece, as it cannot be split"),
        ("blockiness", "scored in one piece: blockiness: cannot be split"),
    ):
        out = tmp_path / metrics
        run_here(long, settings_of(out, metrics, split_longer_than=0.3), None)
        rows = {row.file: row for row in Store(out).rows()}
        assert rows["long.mp4"].undivided == told
        assert rows["short.mp4"].undivided == ""
        assert rows["long.mp4"].frames == 25


def test_pieces_that_are_lost_are_tried_again(long, tmp_path, monkeypatch):
    whole = settings_of(tmp_path / "whole", "psnr")
    run_here(long, whole, None)
    settings = settings_of(tmp_path / "out", "psnr", split_longer_than=0.3)

    def lose(part):
        if part.number in (1, 2) and part.attempt < 3:
            return MetricError("the process that scored it died")
        return None

    monkeypatch.setattr(HereEngine, "lose", staticmethod(lose), raising=False)
    engine, tally = run_here(long, settings, None)
    assert sorted(engine.parts) == [(0, 1), *((n, a) for n in (1, 2) for a in (1, 2, 3)), (3, 1)]
    assert (tally.done, tally.retried) == (2, 4)
    assert documents(settings.out) == documents(whole.out)


def test_a_piece_that_is_lost_too_often_fails_its_case_once(long, tmp_path, monkeypatch):
    settings = settings_of(tmp_path / "out", "psnr", split_longer_than=0.21, retries=0)
    died = lambda part: MetricError("died") if part.number < 2 else None  # noqa: E731
    monkeypatch.setattr(HereEngine, "lose", staticmethod(died), raising=False)
    engine, tally = run_here(long, settings, None)
    assert (tally.done, tally.failed) == (1, 1)
    assert len(engine.parts) < 5  # of five: the others are not handed out any more
    row = next(row for row in Store(settings.out).rows() if row.status == "failed")
    assert (row.file, row.exit_code, row.message) == ("long.mp4", 5, "died")
    again = settings_of(tmp_path / "out", "psnr", split_longer_than=0.21, failed_only=True)
    monkeypatch.setattr(HereEngine, "lose", staticmethod(lambda _: None))
    assert run_here(long, again, None)[1].done == 1


def test_pieces_that_cannot_be_trusted_are_given_up(long, tmp_path, monkeypatch):
    """A video whose packets turn out not to tell its frames is scored whole, and that is told."""
    from vqa_harness.batch import pieces
    from vqa_harness.split.piece import PieceResult

    settings = settings_of(tmp_path / "out", "siti", split_longer_than=0.3)
    monkeypatch.setattr(pieces, "score_piece", lambda *_: PieceResult(promised=False))
    engine, tally = run_here(long, settings, None)
    assert tally.done == 2
    assert engine.seen.count(("long.mp4", 1)) == 2
    row = next(row for row in Store(settings.out).rows() if row.file == "long.mp4")
    assert row.undivided.startswith("scored in one piece: its frames are not those")
    assert row.frames == 25


def test_a_piece_that_cannot_be_read_fails_the_case_with_what_is_wrong(long, tmp_path, monkeypatch):
    from vqa_harness.batch import pieces

    def broken(*_):
        raise InputError("long.mp4: no such file")

    settings = settings_of(tmp_path / "out", "siti", split_longer_than=0.3)
    monkeypatch.setattr(pieces, "score_piece", broken)
    _, tally = run_here(long, settings, None)
    assert (tally.done, tally.failed) == (1, 1)
    assert tally.failures[0]["message"] == "long.mp4: no such file"


def test_progress_tells_pieces(long, tmp_path, monkeypatch):
    seen = []

    def look(part):
        assert isinstance(part, Part)
        return

    class Watched(HereEngine):
        def finished(self, seconds):
            seen.append(self.tally.to_json()["divided"])
            return super().finished(seconds)

    monkeypatch.setattr(HereEngine, "lose", staticmethod(look), raising=False)
    monkeypatch.setattr("tests.batch.helpers.HereEngine", Watched)
    run_here(long, settings_of(tmp_path / "out", "siti", split_longer_than=0.3), None)
    counts = [one["done"] for shown in seen for one in shown]
    assert counts == sorted(counts)
    assert max(counts) == 4
    assert {(one["file"], one["pieces"]) for shown in seen for one in shown} == {("long.mp4", 4)}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("2 min", 120), ("0.5", 0.5)]
)
def test_durations(text, seconds):
    assert divide.parse_duration(text, "x") == seconds


@pytest.mark.parametrize("text", ["", "m", "-1s", "1d", "0", "1e3", "nan"])
def test_what_is_no_duration(text):
    with pytest.raises(UsageError, match="is no duration; write one such as 90s"):
        divide.parse_duration(text, "x")
