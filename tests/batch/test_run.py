"""The way of a corpus to its end, with an engine that does as it is told."""

import json

import pytest

from tests.batch.helpers import payloads, run_here, settings_of
from vqa_harness.batch import run
from vqa_harness.batch.case import Outcome
from vqa_harness.batch.score import score_case
from vqa_harness.batch.store import Store
from vqa_harness.errors import InputError, MetricError, MissingBackend, PartialResult, UsageError
from vqa_harness.registry import Registry
from vqa_harness.testing.synthetic import make_video


@pytest.fixture
def score():
    registry = Registry.installed()
    return lambda settings: lambda case: score_case(case, registry, settings)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(run, "_PAUSES", (0.0,))


def test_every_case_has_a_row_and_the_next_call_takes_all_of_them(corpus, tmp_path, score):
    manifest = corpus("a.mp4", "b.mp4", "gone.mp4", crf=[1, 2, 3])
    (tmp_path / "gone.mp4").unlink()
    settings = settings_of(tmp_path / "out")
    engine, tally = run_here(manifest, settings, score(settings))
    assert [file for file, _ in engine.seen] == ["a.mp4", "b.mp4", "gone.mp4"]
    assert (tally.done, tally.failed, tally.frames) == (2, 1, 3 + 4)
    rows = {row.file: row for row in Store(settings.out).rows()}
    assert rows["a.mp4"].columns == {"crf": "1"}
    assert rows["a.mp4"].frames == 3
    assert rows["a.mp4"].pooled["siti_si"]["mean"] > 0
    assert (rows["gone.mp4"].status, rows["gone.mp4"].exit_code) == ("failed", 3)
    assert "no such file" in rows["gone.mp4"].message
    before = payloads(settings.out)
    engine, tally = run_here(manifest, settings, score(settings))
    assert engine.seen == []
    assert (tally.kept, tally.failed) == (2, 1)
    assert payloads(settings.out) == before
    progress = json.loads((settings.out / "progress.json").read_text())
    assert (progress["kept"], progress["failed"], progress["running"]) == (2, 1, 0)


def test_what_has_changed_or_is_there_now_is_scored_again(corpus, clips, tmp_path, score):
    manifest = corpus("a.mp4", "b.mp4", "late.mp4")
    (tmp_path / "late.mp4").unlink()
    settings = settings_of(tmp_path / "out")
    run_here(manifest, settings, score(settings))
    (tmp_path / "late.mp4").symlink_to(clips / "c5.mp4")
    (tmp_path / "b.mp4").unlink()
    (tmp_path / "b.mp4").symlink_to(clips / "c6.mp4")
    engine, tally = run_here(manifest, settings, score(settings))
    assert [file for file, _ in engine.seen] == ["b.mp4", "late.mp4"]
    assert (tally.kept, tally.done, tally.frames) == (1, 2, 9 + 8)
    row = next(row for row in Store(settings.out).rows() if row.file == "a.mp4")
    Store(settings.out).log_path(row.log).unlink()
    engine, _ = run_here(manifest, settings, score(settings))
    assert [file for file, _ in engine.seen] == ["a.mp4"]


def test_only_what_failed(corpus, clips, tmp_path, score):
    settings = settings_of(tmp_path / "out")
    bad = lambda case: MetricError("died") if case.file == "b.mp4" else score(settings)(case)  # noqa: E731
    run_here(corpus("a.mp4", "b.mp4"), settings, bad)
    more = corpus("a.mp4", "b.mp4", "new.mp4")
    again = settings_of(tmp_path / "out", failed_only=True)
    engine, tally = run_here(more, again, score(again))
    assert engine.seen == [("b.mp4", 1)]
    assert (tally.kept, tally.done, tally.left, tally.failed) == (1, 1, 1, 0)


def test_what_may_pass_is_tried_again_and_the_rest_is_not(corpus, tmp_path, score):
    manifest = corpus("fine.mp4", "dies.mp4", "unlucky.mp4", "io.mp4", "long.mp4")
    settings = settings_of(tmp_path / "out", retries=2)

    def answer(case):
        if case.file == "dies.mp4" or (case.file == "unlucky.mp4" and case.attempt < 3):
            return MetricError("the process that scored it died")
        if case.file == "io.mp4" and case.attempt == 1:
            return Outcome(passing=True, message="Input/output error")
        if case.file == "long.mp4":
            return InputError("took longer than the 1 seconds of --timeout; raise it")
        return score(settings)(case)

    engine, tally = run_here(manifest, settings, answer)
    attempts = {file: sum(f == file for f, _ in engine.seen) for file, _ in engine.seen}
    wanted = {"fine.mp4": 1, "dies.mp4": 3, "unlucky.mp4": 3, "io.mp4": 2, "long.mp4": 1}
    assert attempts == wanted
    assert (tally.done, tally.failed, tally.retried) == (3, 2, 5)
    rows = {row.file: row for row in Store(settings.out).rows()}
    assert {f: (r.status, r.exit_code, r.attempt) for f, r in rows.items()} == {
        "fine.mp4": ("done", 0, 1),
        "dies.mp4": ("failed", 5, 3),
        "unlucky.mp4": ("done", 0, 3),
        "io.mp4": ("done", 0, 2),
        "long.mp4": ("failed", 3, 1),
    }


def test_enough_failures_end_it(corpus, tmp_path):
    settings = settings_of(tmp_path / "out", retries=0)
    manifest = corpus(*(f"{n}.mp4" for n in range(9)))
    with pytest.raises(PartialResult, match="more than --max-failures 1 cases failed"):
        run_here(manifest, settings, lambda _: InputError("no"), max_failures=1)
    assert len(list(Store(settings.out).rows())) == 2


@pytest.mark.parametrize(("code", "kind"), [(2, UsageError), (6, MissingBackend)])
def test_what_no_case_survives_ends_it_at_once(corpus, tmp_path, code, kind):
    settings = settings_of(tmp_path / "out")
    with pytest.raises(kind, match="disk full"):
        run_here(corpus("a.mp4"), settings, lambda _: Outcome(fatal="disk full", exit_code=code))
    assert list(Store(settings.out).rows()) == []


def test_a_place_that_takes_nothing_is_no_failure_of_the_case(corpus, tmp_path, score, monkeypatch):
    settings = settings_of(tmp_path / "out")

    def full(*_):
        raise UsageError("cannot write x: No space left")

    for part in ("put_log", "put_row"):
        with monkeypatch.context() as patch:
            patch.setattr(Store, part, full)
            with pytest.raises(UsageError, match="No space"):
                run_here(corpus("a.mp4"), settings, score(settings))
        assert list(Store(settings.out).rows()) == []
    _, tally = run_here(corpus("a.mp4"), settings, score(settings))
    assert (tally.done, tally.failed) == (1, 0)


def test_parts_together_are_the_whole(corpus, tmp_path, score):
    manifest = corpus(*(f"{n}.mp4" for n in range(6)))
    whole, parts = settings_of(tmp_path / "whole"), settings_of(tmp_path / "parts")
    run_here(manifest, whole, score(whole))
    counts = [
        run_here(manifest, parts, score(parts), shard=(part, 3))[1].done for part in (1, 2, 3)
    ]
    assert sum(counts) == 6
    assert payloads(whole.out) == payloads(parts.out)


def test_equal_contents_share_a_log_and_have_a_row_each(corpus, clips, tmp_path, score):
    manifest = corpus("a.mp4", "a.mp4", "copy.mp4", crf=[1, 2, 3])
    (tmp_path / "copy.mp4").unlink()
    (tmp_path / "copy.mp4").write_bytes((clips / "c0.mp4").read_bytes())
    settings = settings_of(tmp_path / "out")
    run_here(manifest, settings, score(settings))
    rows = list(Store(settings.out).rows())
    assert sorted(row.columns["crf"] for row in rows) == ["1", "2", "3"]
    assert len({row.log for row in rows}) == 1
    assert len({str(row.pooled) for row in rows}) == 1


def test_a_row_cut_off_counts_as_absent(corpus, tmp_path, score):
    settings = settings_of(tmp_path / "out")
    run_here(corpus("a.mp4"), settings, score(settings))
    (path,) = (settings.out / "rows").rglob("*.json")
    path.write_text(path.read_text()[:50])
    with pytest.raises(InputError, match="is no row of a batch"):
        list(Store(settings.out).rows())
    assert run_here(corpus("a.mp4"), settings, score(settings))[1].done == 1


def test_a_worker_of_another_version_scores_nothing(corpus, tmp_path, score):
    settings = settings_of(tmp_path / "out")
    strange = settings_of(tmp_path / "out", command="x")
    object.__setattr__(strange, "digest", "0" * 16)
    with pytest.raises(MissingBackend, match="this worker has other versions"):
        run_here(corpus("a.mp4"), strange, score(strange))
    del settings


def test_a_metric_that_fails_leaves_the_scores_of_the_others(corpus, tmp_path, score, monkeypatch):
    from vqa_metrics import siti

    def broken(*_):
        raise ValueError("no")

    monkeypatch.setattr(siti.Siti, "measure", broken)
    settings = settings_of(tmp_path / "out", "siti,niqe")
    make_video(tmp_path / "a.mp4", 3)
    run_here(corpus("a.mp4"), settings, score(settings))
    (row,) = Store(settings.out).rows()
    assert (row.status, row.exit_code) == ("failed", 5)
    assert "metric 'siti' failed" in row.message
    assert row.frames == 3
    assert "niqe" in row.pooled
