"""libvmaf's features as metrics beside plain ffmpeg: processor seconds, decoding included.

    python benchmarks/bench_libvmaf_features.py [--frames 60] [--rounds 3]
        [--only NAME] [--save]

For each metric, and for all of them with VMAF, ffmpeg's filter and the harness score the same two
720p files with two threads. ffmpeg is told the metric's feature, and computes its default model
besides, as it does for everybody; that it can be told a model that costs nothing is what the
harness makes use of. CIEDE2000 costs more than all others together and has fewer frames.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from bench_vmaf import THREADS, make_pair, seconds
from facts import save

from vqa_metrics.presence import library_is_there
from vqa_metrics.specs.libvmaf import ROWS
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg

SIZE = (1280, 720)
SLOW = 6
"""How many times fewer frames `ciede2000` has."""


def ways_of(names, pair):
    """The command of each way."""
    reference, distorted = map(str, pair)
    texts = [text for name in names if name in ROWS for text in ROWS[name].extractors]
    features = "|".join("name=" + text.replace(":", "\\\\:") for text in texts)
    option = f":feature={features}" if features else ""
    graph = f"[0:v][1:v]libvmaf=n_threads={THREADS}{option}"
    plain = [str(find_ffmpeg()), "-hide_banner", "-i", distorted, "-i", reference]
    ways = {"ffmpeg": [*plain, "-lavfi", graph, "-f", "null", "-"]}
    for backend in ["library"] * library_is_there() + ["program"]:
        harness = [sys.executable, "-m", "vqa_harness", "run", "--quiet", distorted]
        harness += [] if names == ["cambi"] else ["-r", reference]
        for name in names:
            harness += ["-m", f"{name}:threads={THREADS},backend={backend}"]
        ways[backend] = [*harness, "-o", str(pair[0].with_suffix(".json"))]
    return ways


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", help="a metric, or 'all but ciede2000'")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    quick = [name for name in ROWS if name != "ciede2000"]
    tasks = {
        "vmaf": ["vmaf"],
        **{name: [name] for name in ROWS},
        "all but ciede2000": ["vmaf", *quick],
    }
    found = {}
    for task in arguments.only or tasks:
        names = tasks[task]
        frames = arguments.frames // (SLOW if task == "ciede2000" else 1)
        with tempfile.TemporaryDirectory() as folder:
            pair = make_pair(Path(folder), SIZE, frames, 1)
            ways = ways_of(names, pair)
            for command in ways.values():
                seconds(command)
            rows = [{w: seconds(c)[0] for w, c in ways.items()} for _ in range(arguments.rounds)]
        medians = {way: statistics.median(row[way] for row in rows) for way in ways}
        found[task] = {"frames": frames}
        found[task] |= {way: round(value, 2) for way, value in medians.items()}
        print(task, found[task], flush=True)
    if arguments.save:
        save("libvmaf_features", {"size": "1280x720", "cpu_seconds": found})


if __name__ == "__main__":
    main()
