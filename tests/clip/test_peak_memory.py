"""The peak of memory does not grow with the length of a video, whatever runs the network."""

import os
import subprocess
import sys

import pytest

from vqa_harness.media.writer import copy_packets
from vqa_harness.testing.synthetic import make_video, moving_pattern

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="measures glibc's memory"),
]
MARGIN = 40
"""MiB that two runs may differ by."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """One clip of 20 s, and its packets eight times."""
    folder = tmp_path_factory.mktemp("long")
    short, long = folder / "20.mp4", folder / "160.mp4"
    make_video(short, moving_pattern(25, 320, 180) * 20, options={"preset": "ultrafast", "g": "50"})
    copy_packets(str(short), str(long), repeat=8)
    return short, long


def peak(clip, backend):
    """Peak resident size of a run in MiB."""
    log = str(clip.with_suffix(".json"))
    metric = f"clipvqa:backend={backend}"
    command = ["-m", "vqa_harness", "run", "-q", "-m", metric, str(clip), "-o", log]
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024


@pytest.mark.parametrize(("backend", "library"), [("torch", "torch"), ("onnx", "onnxruntime")])
def test_the_peak_does_not_grow_with_length(backend, library, clips):
    pytest.importorskip(library, reason=f"needs {library}")
    short, long = (peak(clip, backend) for clip in clips)
    assert long < short + MARGIN
