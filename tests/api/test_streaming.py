"""`Scorer`: frames pushed in as they are made."""

import gc
import threading
import time

import numpy as np
import pytest

import vqa_harness as vqa
from tests.api.fakes import Slow, registry_of
from tests.api.test_scoring import planes_of, rgb_of
from vqa_harness import Scorer, Video
from vqa_harness.api.pushed import AHEAD

METRICS = ("psnr", "ssim", "niqe")


def chunks(video, size):
    for start in range(0, len(video), size):
        yield Video(video.info, [s[start : start + size] for s in video._stacks], packed=False)


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one.frames[name], other.frames[name])


@pytest.mark.parametrize("size", [1, 7, 30])
def test_chunks_give_what_all_at_once_gives(clips, size):
    encode, original = (planes_of(clips / f"{n}.mkv") for n in ("encode", "original"))
    scorer = Scorer(METRICS)
    for pair in zip(chunks(encode, size), chunks(original, size), strict=True):
        scorer.update(*pair)
    found = scorer.compute()
    same(found, vqa.score(encode, original, METRICS))
    assert found.alignment["pairs"] == 30
    assert found.alignment["model"] == "index"
    assert found.warnings == []
    np.testing.assert_allclose(found.frames.times, np.arange(30) / 25)
    assert scorer.compute() is found


@pytest.mark.parametrize("window", ["0.5", "0.44", "2"])
def test_clipvqa_in_chunks(clips, window):
    pytest.importorskip("torch")
    rgb = rgb_of(clips / "encode.mkv")
    declared = {"fps": 25, "matrix": "bt601", "full_range": False}
    metric = f"clipvqa:window={window}"
    scorer = Scorer(metric, **declared)
    for start in range(0, 30, 8):
        scorer.update(rgb[start : start + 8])
    found, at_once = scorer.compute(), vqa.score(Video.from_rgb(rgb, **declared), metrics=metric)
    same(found, at_once)
    assert found.windows == at_once.windows


def test_a_window_over_the_whole_video_needs_the_number_of_frames(clips, monkeypatch):
    registry = registry_of(monkeypatch)
    video = planes_of(clips / "encode.mkv")
    scorer = Scorer("clips:window=0", frames=30, registry=registry)
    scorer.update(video)
    same(scorer.compute(), vqa.score(video, metrics="clips:window=0", registry=registry))
    scorer = Scorer("clips:window=0", registry=registry)
    scorer.update(video)
    with pytest.raises(vqa.MetricError, match="needs its number of frames"):
        scorer.compute()


def test_arrays_may_be_used_again_at_once(monkeypatch):
    buffer = np.zeros((1, 16, 16, 3), np.uint8)
    with Scorer(
        "brightness", fps=25, matrix="bt601", full_range=True, registry=registry_of(monkeypatch)
    ) as scorer:
        for value in range(40):
            buffer[:] = value
            scorer.update(buffer)
        assert scorer.compute().frames["brightness"].tolist() == list(range(40))


def test_memory_is_bounded(monkeypatch):
    Slow.gate = threading.Event()
    scorer = Scorer("slow", threads=1, registry=registry_of(monkeypatch))
    pushed = []

    def push():
        for number in range(50):
            scorer.update(_gray(1))
            pushed.append(number)

    thread = threading.Thread(target=push, daemon=True)
    thread.start()
    time.sleep(0.5)
    assert 0 < len(pushed) <= AHEAD + 5
    Slow.gate.set()
    thread.join()
    assert len(scorer.compute().frames.numbers) == 50


def test_sizes_are_made_equal_and_told(clips):
    rng = np.random.default_rng(1)
    small, large = (rng.integers(0, 256, (3, n, n, 3), np.uint8) for n in (32, 64))
    scorer = Scorer("psnr", fps=25, matrix="bt709", full_range=True)
    scorer.update(small, large)
    result = scorer.compute()
    assert result.alignment["format"]["distorted"]["size"] == [32, 32]
    assert result.log.size == (64, 64)


def test_reset_begins_again(monkeypatch):
    scorer = Scorer("brightness", registry=registry_of(monkeypatch))
    scorer.update(_gray(3, 10))
    scorer.reset()
    scorer.update(_gray(2, 20))
    assert scorer.compute().frames["brightness"].tolist() == [20, 20]
    with pytest.raises(vqa.UsageError, match=r"reset\(\) begins another video"):
        scorer.update(_gray(1))
    scorer.reset()
    with pytest.raises(vqa.UsageError, match="no frame came"):
        scorer.compute()


def test_a_scorer_that_is_left_alone_ends_its_threads(monkeypatch):
    scorer = Scorer("brightness", registry=registry_of(monkeypatch))
    scorer.update(_gray(1))
    (thread,) = [t for t in threading.enumerate() if t.name == "score"]
    del scorer
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_metrics_that_fail(monkeypatch):
    scorer = Scorer(("broken", "brightness"), registry=registry_of(monkeypatch))
    scorer.update(_gray(9))
    assert scorer.compute().errors == {"broken": "RuntimeError: no good"}
    scorer = Scorer("broken", registry=registry_of(monkeypatch))
    scorer.update(_gray(9))
    with pytest.raises(vqa.MetricError, match="'broken' failed"):
        scorer.compute()


def test_what_cannot_be_pushed(monkeypatch):
    rgb = np.zeros((2, 8, 8, 3), np.uint8)
    scorer = Scorer("psnr")
    with pytest.raises(vqa.UsageError, match=r"say them once, Scorer\(metrics, fps=25"):
        scorer.update(rgb, rgb)
    with pytest.raises(vqa.UsageError, match="type str is not a Video"):
        scorer.update("a.mp4", "b.mp4")
    with pytest.raises(vqa.UsageError, match="'psnr' compares with a reference"):
        scorer.update(_gray(2))
    with pytest.raises(vqa.UsageError, match="2 distorted frames and 3 of the reference"):
        scorer.update(_gray(2), _gray(3))
    scorer.update(_gray(2), _gray(2))
    with pytest.raises(vqa.UsageError, match="width of these frames is 8, of the first it was 16"):
        scorer.update(_gray(1, side=8), _gray(1))
    scorer.reset()
    with pytest.raises(vqa.UsageError, match="frames=0"):
        Scorer("psnr", frames=0)
    with pytest.raises(vqa.UsageError, match="reads the video file by itself"):
        Scorer("file_size", registry=registry_of(monkeypatch))
    with pytest.raises(vqa.UsageError, match="twice"):
        Scorer(("psnr", "psnr"))


def test_frames_that_end_a_run_say_so_where_they_are_pushed(monkeypatch):
    deep = np.full((1, 16, 16), 2000, np.uint16)
    video = Video.from_planes(
        (deep,), fps=25, matrix="bt709", full_range=True, chroma="gray", depth=10
    )
    scorer = Scorer("brightness", registry=registry_of(monkeypatch))
    with pytest.raises(vqa.UsageError, match="holds 2000, beyond 1023"):
        scorer.update(video)
    scorer.reset()


def test_what_ends_a_run_is_raised_where_frames_are_pushed(monkeypatch):
    def stop():
        raise vqa.InputError("the disk is full")

    monkeypatch.setattr("vqa_harness.pipeline.feeding.interruption.check", stop)
    scorer = Scorer("brightness", registry=registry_of(monkeypatch))
    with pytest.raises(vqa.InputError, match="the disk is full"):
        scorer.update(_gray(20))
    with pytest.raises(vqa.InputError, match="the disk is full"):
        scorer.compute()


def test_frames_without_a_rate_are_told(monkeypatch):
    scorer = Scorer(
        "brightness", matrix="bt709", full_range=True, registry=registry_of(monkeypatch)
    )
    scorer.update(np.zeros((2, 8, 8, 3), np.uint8))
    result = scorer.compute()
    assert result.warnings == ["frames: it does not tell its frame rate"]
    assert np.isnan(result.frames.times).all()


def _gray(count, value=0, side=16):
    plane = np.full((count, side, side), value, np.uint8)
    return Video.from_planes((plane,), fps=25, matrix="bt709", full_range=True, chroma="gray")
