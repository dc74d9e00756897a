"""Rungs scored in step: their logs are those of single runs, and a failure is that rung's alone."""

import time
from functools import partial

import pytest

from tests.plugins import module_with, registry_with
from vqa_harness import Feature, Metric, MetricSpec
from vqa_harness.errors import AlignError, InputError, MissingBackend
from vqa_harness.ladder import scoring
from vqa_harness.ladder.apart import score_all
from vqa_harness.ladder.scoring import Measuring, groups
from vqa_harness.logs.log import Log
from vqa_harness.media import in_step, shared
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.registry import Registry
from vqa_harness.testing.synthetic import make_video, moving_pattern

SIZE = (160, 96)
CHANGING = ("created", "seconds", "command")
"""Keys of a log that differ from run to run."""


def pattern(count, seed=0):
    return list(moving_pattern(count, *SIZE, seed))


@pytest.fixture(scope="module")
def ladder(tmp_path_factory):
    """A reference, rungs of its size that pair with it in different ways, and one of another."""
    folder = tmp_path_factory.mktemp("ladder")
    frames = pattern(48)
    reference = folder / "reference.mp4"
    make_video(reference, frames, options={"crf": "10"})
    rungs = {
        "good": frames,
        "worse": frames,
        "late": frames[6:],
        "dropped": frames[:20] + frames[23:],
        "short": frames[:30],
    }
    for number, (name, some) in enumerate(rungs.items()):
        make_video(folder / f"{name}.mp4", some, options={"crf": str(22 + 4 * number)})
    half = [resize_planes(planes, "420", 8, (SIZE[0] // 2, SIZE[1] // 2)) for planes in frames]
    make_video(folder / "small.mp4", half)
    return reference, [folder / f"{name}.mp4" for name in (*rungs, "small")]


def scored(paths, reference, **how):
    registry = Registry.installed()
    requests = registry.requests(("psnr", "ssim"))
    told = {}
    how = Measuring(registry, **how)
    found = score_all(paths, reference, requests, how, lambda n, log: told.setdefault(n, log))
    assert told == {n: log for n, log in enumerate(found) if isinstance(log, Log)}
    return found


def facts(log):
    extra = {key: value for key, value in log.extra.items() if key not in CHANGING}
    extra["metrics"] = {
        label: {k: v for k, v in metric.items() if k != "seconds"}
        for label, metric in extra["metrics"].items()
    }
    return log.columns, log.pooled, log.frame_numbers, extra


@pytest.fixture
def decodings(monkeypatch):
    """The names of the files that were opened to be shared."""
    names = []

    class Counted(VideoReader):
        def __init__(self, path, **options):
            names.append(path.name)
            super().__init__(path, **options)

    monkeypatch.setattr(shared, "VideoReader", Counted)
    return names


def test_logs_in_step_are_those_of_single_runs(ladder):
    reference, paths = ladder
    single = scored(paths, reference, at_once=1)
    together = scored(paths, reference)
    assert all(isinstance(log, Log) for log in single)
    models = [log.view.alignment.model for log in single]
    assert len(set(models)) > 1  # some need a search, and so more than one reading
    for one, other in zip(single, together, strict=True):
        assert facts(one) == facts(other)


def test_the_reference_is_decoded_once_for_all_rungs_of_a_size(ladder, decodings):
    reference, paths = ladder
    scored([paths[0], paths[1], paths[0]], reference)
    assert decodings == ["reference.mp4"]


def test_rungs_whose_offset_has_to_be_found_share_each_reading(ladder, decodings, monkeypatch):
    reference, paths = ladder
    monkeypatch.setattr(in_step, "MOST", 8)
    monkeypatch.setattr(in_step, "PATIENCE", 60)
    begin = time.monotonic()
    found = scored([paths[2]] * 3, reference)
    assert time.monotonic() - begin < 30  # nobody waited for a reader that is not used
    passes = 1 + len(found[0].extra["alignment"]["passes"])
    assert decodings == ["reference.mp4"] * passes


def test_a_rung_that_fails_does_not_take_the_others_down(ladder, tmp_path):
    reference, paths = ladder
    stranger = tmp_path / "stranger.mp4"
    make_video(stranger, pattern(48, seed=9))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(paths[0].read_bytes()[:3000])
    found = scored([paths[0], stranger, cut, paths[1]], reference)
    alone = scored([paths[0], paths[1]], reference, at_once=1)
    assert isinstance(found[1], AlignError)
    assert isinstance(found[2], InputError)
    assert [facts(found[0]), facts(found[3])] == [facts(log) for log in alone]


def test_a_reference_that_cannot_be_read_fails_every_rung(ladder, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    assert [type(x) for x in scored(ladder[1][:3], broken)] == [InputError] * 3


def grouped(paths, reference, *metrics, **how):
    registry = Registry.installed()
    return groups(paths, reference, registry.requests(metrics), Measuring(registry, **how))


def test_groups_are_of_one_size_and_bounded_in_number_and_memory(ladder, monkeypatch, tmp_path):
    reference, paths = ladder
    assert grouped(paths, reference, "psnr") == [[0, 1, 2, 3, 4], [5]]
    assert grouped(paths, reference, "psnr", at_once=2) == [[0], [1, 2], [3, 4], [5]]
    assert grouped(paths, None, "niqe") == [[n] for n in range(6)]
    assert grouped(paths, reference, "niqe") == [[n] for n in range(6)]
    missing = [*paths[:2], tmp_path / "gone.mp4"]
    assert grouped(missing, reference, "psnr") == [[0, 1], [2]]
    picture = SIZE[0] * SIZE[1] * 2
    held = scoring.held_at_start(2 * picture) + scoring.AHEAD
    monkeypatch.setattr(scoring, "MEMORY", 3 * picture * held)
    assert grouped(paths, reference, "psnr") == [[0, 1], [2, 3, 4], [5]]
    monkeypatch.setattr(scoring, "MEMORY", 0)
    assert grouped(paths, reference, "psnr") == [[n] for n in range(6)]


class Needy(Metric):
    """Its model turns out to be missing when the run begins."""

    def __init__(self):
        raise MissingBackend("no model")


def test_a_missing_model_ends_the_whole_ladder(ladder, monkeypatch):
    module_with(monkeypatch, "step_test_metrics", Needy)
    spec = MetricSpec("needy", "step_test_metrics:Needy", (Feature("needy"),), reference=True)
    registry = registry_with(spec)
    requests = registry.requests(("needy",))
    with pytest.raises(MissingBackend, match="no model"):
        score_all(ladder[1][:3], ladder[0], requests, Measuring(registry), lambda *_: None)


def test_progress_counts_the_frames_of_all_rungs(ladder):
    reference, paths = ladder
    shown = []

    scored(paths[:2], reference, bar=partial(Bar, shown))
    assert shown[0] == "2 rungs, good.mp4 ..."
    assert shown[-1] == (96, 96)
    assert shown[1:] == sorted(shown[1:], key=lambda pair: pair[0])


class Bar:
    """Writes down its label and what it is told."""

    def __init__(self, shown, label):
        self.shown = shown
        shown.append(label)

    def __enter__(self):
        return lambda done, expected: self.shown.append((done, expected))

    def __exit__(self, *_):
        pass
