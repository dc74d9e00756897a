"""Small corpora, and a metric that behaves as badly as a file's name asks it to."""

import csv
import os

import pytest

from vqa_harness.testing.synthetic import make_video

METRIC = """
import ctypes, os, signal, time
from pathlib import Path
from vqa_harness import hookimpl
from vqa_harness.protocols import Metric
from vqa_harness.spec import Feature, MetricSpec

class Moody(Metric):
    def open(self, run):
        name = run.distorted.name
        time.sleep(float(os.environ.get("MOODY_SECONDS", "0")))
        if "crash" in name:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "once" in name:
            mark = Path(os.environ["MOODY_FOLDER"], name)
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        if "slow" in name:
            ctypes.CDLL(None).sleep(100)
        if "broken" in name:
            raise ValueError("no mood")
        if "large" in name:
            self.held = bytearray(os.urandom(1 << 20)) * 800
            time.sleep(5)

    def measure(self, frame, ref):
        return {"mood": float(frame.rgb.mean())}

class Plugin:
    @hookimpl
    def vqa_register_metrics(self):
        feature = Feature("mood", unit="points")
        return [MetricSpec("moody", "moody:Moody", (feature,), context=(0, 0))]

plugin = Plugin()
"""


@pytest.fixture(scope="session")
def moody(tmp_path_factory):
    """Environment in which the metric ``moody`` is installed."""
    site = tmp_path_factory.mktemp("site")
    (site / "moody.py").write_text(METRIC)
    info = site / "moody-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[vqa_harness]\nmoody = moody:plugin\n")
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, "MOODY_FOLDER": str(site)}


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A folder with ``c0.mp4`` to ``c7.mp4``, of 3 to 10 frames."""
    folder = tmp_path_factory.mktemp("clips")
    for n in range(8):
        make_video(folder / f"c{n}.mp4", 3 + n, width=64, height=48)
    return folder


@pytest.fixture
def corpus(clips, tmp_path):
    """Make a manifest in the test's folder: names of the clips under these names."""

    def make(*names, **columns):
        for n, name in enumerate(names):
            if not (tmp_path / name).exists():
                (tmp_path / name).symlink_to(clips / f"c{n % 8}.mp4")
        path = tmp_path / "cases.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", *columns])
            for n, name in enumerate(names):
                writer.writerow([name, *(values[n] for values in columns.values())])
        return path

    return make
