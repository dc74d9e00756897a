import contextlib
import io
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.plugins import module_with, registry_with
from vqa_harness import Feature, Metric, MetricSpec, Sampling, StreamScores, interruption
from vqa_harness.errors import MissingBackend, UsageError
from vqa_harness.media.source import FileObject
from vqa_harness.pipeline import runner as pipeline_module
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.testing import sample_frames, stream_info

FRAMES = 60


class Mean(Metric):
    def measure(self, frame, ref):
        time.sleep(0.001 * (frame.index % 3))
        return {"mean": float(frame.luma.mean()), "mean_rows": float(frame.height)}

    def close(self):
        return {"mean_of_all": 1.0}

    def info(self):
        return {"device": "cpu"}

    def warnings(self):
        return ["beware"]


class Fragile(Metric):
    def measure(self, frame, ref):
        if frame.index == 7:
            raise RuntimeError("frame\n7 is odd")
        return {"fragile": 1.0}


class Windows(Metric):
    batch_size = 2

    def __init__(self):
        self.threads = set()

    def open(self, run):
        self.sampling = Sampling(2, 0.8)

    def prepare(self, frame, ref):
        return float(frame.luma.mean())

    def measure(self, clips):
        self.threads.add(threading.get_ident())
        assert len(self.threads) == 1
        assert len(clips) <= 2
        return [{"windows": float(np.mean(clip.data))} for clip in clips]


class Ordered(Metric):
    def __init__(self):
        self.indices = []

    def measure(self, frame, ref):
        self.indices.append(frame.index)

    def close(self):
        assert self.indices == sorted(self.indices)
        return StreamScores([{"ordered": float(i)} for i in self.indices], {"last": 1.0})


class Short(Ordered):
    aborted = False

    def close(self):
        return StreamScores([{"short": 1.0}])

    def abort(self):
        Short.aborted = True


class OfFile:
    def measure(self, video, ref):
        return StreamScores([{"of_file": float(len(video.name))}] * FRAMES)


KINDS = {
    "mean": (Mean, "frame", (Feature("mean"), Feature("mean_rows", None, diagnostic=True))),
    "fragile": (Fragile, "frame", (Feature("fragile"),)),
    "windows": (Windows, "clip", (Feature("windows"),)),
    "ordered": (Ordered, "stream", (Feature("ordered"),)),
    "short": (Short, "stream", (Feature("short"),)),
    "of_file": (OfFile, "file", (Feature("of_file"),)),
}


@pytest.fixture
def registry(monkeypatch):
    module_with(monkeypatch, "fake_metrics", *(cls for cls, _, _ in KINDS.values()))
    made = [
        MetricSpec(name, f"fake_metrics:{cls.__name__}", features, kind=kind)
        for name, (cls, kind, features) in KINDS.items()
    ]
    needs_ref = replace(made[0], name="compare", reference=True)
    absent = replace(made[0], name="absent", requires=("no_such_module",), extra="x[y]")
    return registry_with(*made, needs_ref, absent)


class Stream:
    """Stands for a video of 60 frames; ``promised`` is what its header says."""

    promised = FRAMES
    fail_at = None
    most_alive = 0
    reference = None

    def __init__(self, path, stated=None):
        self.frames = sample_frames(FRAMES, 32, 32)
        self.distorted = replace(stream_info(self.frames), expected_frames=self.promised)
        self.expected = self.promised

    def __iter__(self):
        for frame in self.frames:
            if frame.index == self.fail_at:
                raise KeyboardInterrupt
            alive = sum(f.source is not None for f in self.frames[: frame.index])
            type(self).most_alive = max(self.most_alive, alive)
            yield frame, None

    def reading(self):
        return {"distorted": {"frames": FRAMES}}

    def alignment(self):
        return {}

    def warnings(self):
        return ["from the reader"]

    def close(self):
        pass


@pytest.fixture
def score(registry, monkeypatch, tmp_path):
    video = tmp_path / "video.bin"
    video.write_bytes(b"abc")

    def score(*names, stream=Stream, **options):
        monkeypatch.setattr(pipeline_module, "SingleStream", stream)
        requests = [registry.request(name) for name in names]
        return run(video, requests, registry, RunOptions(**options))

    return score


def test_every_kind_in_one_pass_in_the_order_asked_for(score):
    result = score("windows", "of_file", "mean", "ordered", threads=3)
    assert [m.spec.name for m in result.metrics] == ["windows", "of_file", "mean", "ordered"]
    windows, of_file, mean, ordered = result.metrics
    truth = [float(f.luma.mean()) for f in sample_frames(FRAMES, 32, 32)]
    assert mean.columns == {"mean": truth}
    assert mean.diagnostics == {"mean_rows": [32.0] * FRAMES}
    assert mean.aggregate == {"mean_of_all": 1.0}
    assert mean.info == {"device": "cpu"}
    assert mean.warnings == ["beware"]
    assert ordered.columns == {"ordered": [float(i) for i in range(FRAMES)]}
    assert of_file.columns == {"of_file": [9.0] * FRAMES}
    assert [(w.start, w.stop) for w in windows.windows] == [(0, 20), (20, 40), (40, 60)]
    expected = [np.mean([truth[i] for i in w.indices]) for w in windows.windows]
    assert [w.scores["windows"] for w in windows.windows] == pytest.approx(expected)
    assert windows.columns["windows"][25] == pytest.approx(expected[1])
    assert result.warnings == ["from the reader"]
    assert result.reading == {"distorted": {"frames": FRAMES}}
    assert result.sha256["distorted"].startswith("ba7816bf")
    assert len(result.frame_times) == FRAMES
    assert all(m.seconds > 0 for m in result.metrics)


def test_frames_are_released_as_they_are_done(score):
    Stream.most_alive = 0
    score("mean", "windows", "ordered", threads=2)
    assert 0 < Stream.most_alive <= 2 + 2 + 1


def test_a_metric_that_raises_leaves_the_others(score):
    fragile, mean = score("fragile", "mean").metrics
    assert fragile.error == "RuntimeError: frame 7 is odd"
    assert fragile.columns == {}
    assert mean.error is None
    assert len(mean.columns["mean"]) == FRAMES


def test_a_stream_metric_that_loses_frames_is_an_error(score):
    Short.aborted = False
    (short,) = score("short").metrics
    assert short.error == "gave 1 scores for 60 frames"
    assert Short.aborted


@pytest.mark.parametrize("promised", [200, 45, 21, None])
def test_windows_when_the_header_is_wrong(score, promised):
    class Liar(Stream):
        pass

    Liar.promised = promised
    (windows,) = score("windows", stream=Liar).metrics
    assert windows.error is None
    assert windows.windows[-1].stop == FRAMES
    assert all(i < FRAMES for w in windows.windows for i in w.indices)
    assert None not in windows.columns["windows"]


def test_interruption_stops_every_metric(score):
    class Interrupted(Stream):
        fail_at = 30

    Short.aborted = False
    with pytest.raises(KeyboardInterrupt):
        score("mean", "short", "windows", stream=Interrupted)
    assert Short.aborted
    assert not [t for t in threading.enumerate() if t.name.startswith(("metric", "short"))]


def test_an_interrupt_that_was_swallowed_still_stops_the_run(score):
    class Deaf(Stream):
        def __iter__(self):
            for pair in super().__iter__():
                if pair[0].index == 5:
                    with contextlib.suppress(KeyboardInterrupt):
                        signal.raise_signal(signal.SIGINT)
                yield pair

    with interruption.watched(), pytest.raises(KeyboardInterrupt):
        score("mean", stream=Deaf)


def test_progress_counts_every_frame(score):
    seen = []
    score("mean", progress=lambda done, expected: seen.append((done, expected)))
    assert seen == [(i + 1, FRAMES) for i in range(FRAMES)]


def test_what_cannot_run_is_said_before_decoding(score, registry):
    with pytest.raises(UsageError, match="no metric asked for"):
        score()
    with pytest.raises(UsageError, match="'mean' is given twice"):
        score("mean", "mean")
    with pytest.raises(UsageError, match=r"'compare' compares.*--reference"):
        score("compare")
    with pytest.raises(MissingBackend, match=r"no_such_module; pip install 'x\[y\]'"):
        score("absent")


def test_a_missing_file_is_an_input_error(registry):
    from vqa_harness.errors import InputError

    with pytest.raises(InputError, match=r"nowhere\.mp4"):
        run(Path("nowhere.mp4"), [registry.request("mean")], registry)


@pytest.mark.parametrize(("seconds", "hop"), [(0.8, None), (0.7, None), (0.8, 0.3), (5, None)])
def test_windows_of_a_stream_of_unknown_length_are_those_of_a_known_one(
    score, monkeypatch, seconds, hop
):
    class Unpromised(Stream):
        promised = None

    def open_metric(self, run):
        self.sampling = Sampling(3, seconds, hop)

    monkeypatch.setattr(Windows, "open", open_metric)
    (known,) = score("windows").metrics
    (unknown,) = score("windows", stream=Unpromised).metrics
    assert unknown.error is None
    assert unknown.windows == known.windows
    assert unknown.columns == known.columns


def test_one_window_over_a_stream_of_unknown_length_is_refused(score, monkeypatch):
    class Unpromised(Stream):
        promised = None

    monkeypatch.setattr(Windows, "open", lambda self, run: setattr(self, "sampling", Sampling(3)))
    (windows,) = score("windows", stream=Unpromised).metrics
    assert "needs its number of frames" in windows.error


def test_a_metric_that_reads_files_needs_a_file(registry):
    with pytest.raises(UsageError, match="'of_file' reads the video file by itself; give a path"):
        run(FileObject(io.BytesIO(b"abc")), [registry.request("of_file")], registry)
