"""A short job, where start-up counts most: PSNR, SSIM and VMAF of 30 frames of 1280x720.

    python benchmarks/bench_short_job.py [--rounds 9] [--save]

The harness, with the libvmaf of PyAV (where there is one) and with an ffmpeg program, beside
ffmpeg-quality-metrics, which starts the same program, on the same files. Seconds are those of all
processes of a command. The ways take turns, after one run of each that does not count; what is
printed is the median. Results of several versions of Python are saved side by side.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
from pathlib import Path

from bench_vmaf import make_pair, seconds
from facts import RESULTS, save

from vqa_metrics.presence import library_is_there
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg

SIZE = (1280, 720)
FRAMES = 30
LIBRARY, PROGRAM = "vmaf:backend=library", "vmaf:backend=program"


def commands(folder, reference, distorted):
    """The command of each way, by name."""
    harness = [sys.executable, "-m", "vqa_harness", "run", "--quiet", str(distorted)]
    harness += ["--reference", str(reference), "--output", str(folder / "log.json")]
    backends = [LIBRARY] * library_is_there() + [PROGRAM]
    asked = [["psnr", "ssim", backend] for backend in backends]
    asked += [[backends[0]], ["psnr", "ssim"], ["psnr"], ["ssim"]]
    ways = {
        ", ".join(metrics): [*harness, *(f"--metric={metric}" for metric in metrics)]
        for metrics in asked
    }
    theirs = [sys.executable, "-m", "ffmpeg_quality_metrics", str(distorted), str(reference)]
    theirs += ["--ffmpeg-path", str(find_ffmpeg()), "--output-file", str(folder / "theirs.json")]
    for metrics in (["psnr", "ssim", "vmaf"], ["vmaf"], ["psnr", "ssim"]):
        ways["theirs: " + ", ".join(metrics)] = [*theirs, "--metrics", *metrics]
    return ways


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        ways = commands(folder, *make_pair(folder, SIZE, FRAMES, 1))
        rows = [
            {way: seconds(command) for way, command in ways.items()}
            for _ in range(1 + arguments.rounds)
        ][1:]
    found = {}
    for way in ways:
        cpu = statistics.median(row[way][0] for row in rows)
        wall = statistics.median(row[way][1] for row in rows)
        found[way] = {"cpu_seconds": round(cpu, 3), "wall_seconds": round(wall, 3)}
        print(f"{way:36} {cpu:6.2f} s processor {wall:6.2f} s wall")
    if arguments.save:
        path = RESULTS / "short_job.json"
        before = json.loads(path.read_text())["pythons"] if path.exists() else {}
        version = ".".join(platform.python_version_tuple()[:2])
        save("short_job", {"pythons": before | {version: found}})


if __name__ == "__main__":
    main()
