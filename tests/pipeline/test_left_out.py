"""Runs in which frames are left out because no metric looks at them."""

from dataclasses import replace

import numpy as np
import pytest

from tests.plugins import module_with, registry_with
from vqa_harness import Feature, Metric, MetricSpec, Param, Sampling
from vqa_harness.logs.build import build_log
from vqa_harness.media import reader as reader_module
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.testing.synthetic import make_video

FRAMES = 100


class Windows(Metric):
    """Mean luma of two frames of each window; at 25 frames per second one of 0.4 s holds ten."""

    batch_size = 2

    def __init__(self, *, window, hop, nearby):
        self.sampling = Sampling(2, window, hop or None, nearby)

    def prepare(self, frame, ref):
        return float(frame.luma.mean())

    def measure(self, clips):
        return [{"windows": float(np.mean(clip.data))} for clip in clips]


class Mean(Metric):
    def measure(self, frame, ref):
        return {"mean": float(frame.luma.mean())}


@pytest.fixture
def registry(monkeypatch):
    module_with(monkeypatch, "fake_metrics", Windows, Mean)
    params = (Param("window", 0.4), Param("hop", 0.0), Param("nearby", False))
    spec = MetricSpec(
        "windows", "fake_metrics:Windows", (Feature("windows"),), kind="clip", params=params
    )
    return registry_with(spec, MetricSpec("mean", "fake_metrics:Mean", (Feature("mean"),)))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("left_out") / "clip.mp4"
    make_video(path, FRAMES, width=96, height=64, options={"g": "20", "bf": "3", "crf": "30"})
    return path


@pytest.fixture
def score(registry, clip):
    def score(*names, path=clip, **options):
        requests = [registry.request(name) for name in names]
        return run(path, requests, registry, RunOptions(**options))

    return score


def decoded(result):
    return result.reading["distorted"].get("decoded_frames")


@pytest.mark.parametrize("params", ["", ":window=1", ":hop=0.2", ":hop=1.3", ":window=9", ":hop=8"])
@pytest.mark.parametrize("threads", [1, 3])
def test_results_are_those_of_decoding_everything(score, params, threads):
    some = score(f"windows{params}", threads=threads)
    full = score(f"windows{params}", threads=threads, everything=True)
    assert decoded(full) is None
    assert decoded(some) < FRAMES
    for one, two in zip(some.metrics, full.metrics, strict=True):
        assert one.error is None
        assert one.windows == two.windows != []
        assert one.columns == two.columns
        assert one.warnings == two.warnings == []
    assert some.frame_times == full.frame_times
    assert len(some.frame_times) == some.reading["distorted"]["frames"] == FRAMES
    assert some.warnings == full.warnings == []


def test_two_clip_metrics_get_the_frames_of_both(score):
    both = score("windows", "windows:window=1")
    alone = [score(name).metrics[0] for name in ("windows", "windows:window=1")]
    assert [m.windows for m in both.metrics] == [m.windows for m in alone]
    assert decoded(both) is not None


def test_another_metric_needs_every_frame(score):
    both = score("windows", "mean")
    assert decoded(both) is None
    assert "decoded_frames" not in both.reading["distorted"]
    assert both.metrics[0].windows == score("windows").metrics[0].windows
    assert len(set(both.metrics[1].columns["mean"])) > FRAMES // 2


def test_a_hop_longer_than_the_window_jumps_over_stretches(score):
    whole, some = score("windows"), score("windows:hop=1.6")
    windows = some.metrics[0].windows
    assert [(w.start, w.stop) for w in windows] == [(0, 10), (40, 50), (80, 90)]
    assert windows[1].scores == whole.metrics[0].windows[4].scores
    assert decoded(some) < decoded(whole) / 2
    (entry,) = build_log(some).extra["metrics"].values()
    assert entry["share_in_windows"] == 0.3
    (column,) = some.metrics[0].columns.values()
    assert column[:40] == column[:1] * 40  # between windows the last one's value goes on
    assert len(set(column)) == 3


def test_nothing_is_said_of_the_share_where_windows_hold_all(score):
    (entry,) = build_log(score("windows")).extra["metrics"].values()
    assert "share_in_windows" not in entry


def test_nearby_frames_take_less_decoding(score):
    exact, near = score("windows"), score("windows:nearby=true")
    assert decoded(near) < decoded(exact)
    moved = 0
    for one, two in zip(exact.metrics[0].windows, near.metrics[0].windows, strict=True):
        assert (one.start, one.stop) == (two.start, two.stop)
        assert all(two.start <= i < two.stop for i in two.indices)
        assert all(abs(a - b) <= 4 for a, b in zip(one.indices, two.indices, strict=True))
        moved += one.indices != two.indices
    assert moved
    assert score("windows:nearby=true", threads=3).metrics[0].windows == near.metrics[0].windows


def test_progress_and_times_count_frames_that_were_left_out(score):
    steps = []
    score("windows", progress=lambda done, expected: steps.append((done, expected)))
    assert steps == sorted(steps)
    assert steps[-1][0] > 90
    assert {expected for _, expected in steps} == {FRAMES}


def test_frames_that_do_not_come_as_promised_make_the_run_read_everything(score, monkeypatch):
    class Wrong(reader_module.FrameSelection):
        def number(self, picture):
            number = super().number(picture)
            if number is not None and number > 50:
                raise reader_module.NotAsPromised
            return number

    expected = score("windows")
    monkeypatch.setattr(reader_module, "FrameSelection", Wrong)
    again = score("windows")
    assert decoded(again) is None
    assert again.metrics[0].windows == expected.metrics[0].windows
    assert again.metrics[0].columns == expected.metrics[0].columns


def test_a_video_that_ends_early_is_scored_as_before(score, clip, tmp_path, monkeypatch):
    data = clip.read_bytes()
    path = tmp_path / "short.mp4"
    path.write_bytes(data)
    kept = reader_module.packet_table

    def one_less(source, raw):
        table = kept(source, raw)
        assert table is not None
        table.pts.pop()
        return table

    monkeypatch.setattr(reader_module, "packet_table", one_less)
    assert decoded(score("windows", path=path)) is None


def test_sampling_has_no_other_defaults():
    assert replace(Sampling(4)) == Sampling(4, None, None, False)
