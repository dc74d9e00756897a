"""A plugin with metrics that are quick, fail, or read files."""

from tests.plugins import module_with, registry_with
from vqa_harness import Feature, Metric, MetricSpec, Param, Sampling, StreamScores, hookimpl


class Brightness(Metric):
    def measure(self, frame, ref):
        return {"brightness": float(frame.luma.mean())}


class Broken(Metric):
    def measure(self, frame, ref):
        raise RuntimeError("no\ngood")


class FileSize(Metric):
    def measure(self, video, ref):
        return StreamScores([{"file_size": float(video.stat().st_size)}] * 30)


class Clips(Metric):
    batch_size = 2

    def __init__(self, *, window):
        self.sampling = Sampling(3, window or None)

    def prepare(self, frame, ref):
        return float(frame.rgb.mean())

    def measure(self, clips):
        return [{"clips": sum(clip.data)} for clip in clips]


class Even(Metric):
    """Undefined on odd frames."""

    def measure(self, frame, ref):
        return {"even": None if frame.index % 2 else 1.0}


class Slow(Metric):
    """Waits until a test lets it go."""

    gate = None

    def measure(self, frame, ref):
        Slow.gate.wait(30)
        return {"slow": 1.0}


def registry_of(monkeypatch, told=None):
    """A registry with these metrics; ``told`` gets the logs of runs."""
    module_with(monkeypatch, "api_fakes", Brightness, Broken, FileSize, Clips, Even, Slow)
    window = Param("window", 0.4, "seconds; 0 for the whole video", changes_score=False)
    found = registry_with(
        MetricSpec("brightness", "api_fakes:Brightness", (Feature("brightness"),)),
        MetricSpec("broken", "api_fakes:Broken", (Feature("broken"),)),
        MetricSpec("even", "api_fakes:Even", (Feature("even"),)),
        MetricSpec("slow", "api_fakes:Slow", (Feature("slow"),)),
        MetricSpec("file_size", "api_fakes:FileSize", (Feature("file_size"),), kind="file"),
        MetricSpec("clips", "api_fakes:Clips", (Feature("clips"),), kind="clip", params=(window,)),
    )

    class Listener:
        @hookimpl
        def vqa_run_finished(self, log):
            told.append(log)

    if told is not None:
        found.register(Listener(), "listener")
    return found
