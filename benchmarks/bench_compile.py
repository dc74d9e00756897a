"""What the first use of a metric on a machine costs, and what loading its kernels costs later.

    python benchmarks/bench_compile.py [--rounds 3] [--save]

Every round has a cache folder of its own. In it, `vqa-harness run` scores a clip of eight frames
twice for each set of metrics: the first time it compiles, the second time it loads. Then one more
process compiles every kernel, one after the other. Processor and wall seconds; the smallest of the
rounds. XPSNR needs no kernels and shows what start-up is; paired by content, it needs those of the
pairing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from facts import save

from vqa_harness.testing.synthetic import make_video

RUNS = {
    "xpsnr": "-m xpsnr --align index",
    "xpsnr, paired by content": "-m xpsnr --align content",
    "psnr": "-m psnr --align index",
    "psnr, ssim": "-m psnr -m ssim --align index",
    "psnr, ssim, ms_ssim": "-m psnr -m ssim -m ms_ssim --align index",
    "ssimulacra2": "-m ssimulacra2 --align index",
    "butteraugli": "-m butteraugli --align index",
    "niqe": "-m niqe",
    "brisque": "-m brisque",
    "niqe, brisque": "-m niqe -m brisque",
}
"""Options of the runs by name; those that pair frames have a reference."""

KERNELS = """
import json, time
import numpy as np
from vqa_metrics import brisque, psnr, ssim_kernels
from vqa_metrics.nss import distance, luma, sums
from vqa_metrics.reference import packed
from vqa_metrics.ssim import TAPS

small = packed(np.zeros((16, 16), np.uint8))
deep, single = packed(small.astype(np.uint16)), packed(small.astype(np.float32))
one = np.float32(1)
zeros = np.zeros
calls = {
    "Numba itself": lambda: distance._solve_norm(np.eye(2), zeros(2)),
    "scale_sums (NIQE, BRISQUE)": lambda: sums.nss_sums(zeros((96, 96), np.uint8)),
    "covariance (NIQE)": lambda: distance._pooled_covariance(
        zeros((1, 2)), zeros(2), np.eye(2), np.eye(2)
    ),
    "weighted_kernels (BRISQUE)": lambda: brisque.weighted_kernels(
        zeros((1, 2)), zeros(1), 1.0, zeros(2)
    ),
    "luma of 8 bits": lambda: luma.luma_from_plane(zeros((2, 2), np.uint8), 8, full_range=False),
    "luma of 10 bits": lambda: luma.luma_from_plane(
        zeros((2, 2), np.uint16), 10, full_range=False
    ),
    "luma of RGB": lambda: luma.luma_from_rgb(zeros((2, 2, 3), np.uint8)),
    "psnr of 8 bits": lambda: psnr.squared_error(small, small),
    "psnr of 10 bits": lambda: psnr.squared_error(deep, deep),
    "ssim of 8 bits": lambda: ssim_kernels.ssim_sums(small, small, TAPS, one, one),
    "ssim of 10 bits": lambda: ssim_kernels.ssim_sums(deep, deep, TAPS, one, one),
    "ssim of smaller scales": lambda: ssim_kernels.ssim_sums(single, single, TAPS, one, one),
    "halving of 8 bits": lambda: ssim_kernels.halve(small),
    "halving of smaller scales": lambda: ssim_kernels.halve(single),
}
found = {}
for name, call in calls.items():
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    found[name] = [time.process_time() - cpu, time.perf_counter() - wall]
print(json.dumps(found))
"""

Cost = tuple[float, float]


def run_process(command: list[str], cache: Path) -> tuple[Cost, str]:
    """Processor and wall seconds of a command, and what it printed."""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "OPENBLAS_NUM_THREADS": "1"}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (spent, wall), done.stdout


def command_of(options: str, clip: Path) -> list[str]:
    reference = ["--reference", str(clip)] if "--align" in options else []
    command = [sys.executable, "-m", "vqa_harness", "run", "--quiet", str(clip)]
    return command + reference + options.split()


def one_round(clip: Path) -> tuple[dict[str, list[Cost]], dict[str, Cost]]:
    """First and second use of each set of metrics, and each kernel in a process of its own."""
    runs: dict[str, list[Cost]] = {}
    for name, options in RUNS.items():
        with tempfile.TemporaryDirectory() as cache:
            command = command_of(options, clip)
            runs[name] = [run_process(command, Path(cache))[0] for _ in range(2)]
    with tempfile.TemporaryDirectory() as cache:
        printed = run_process([sys.executable, "-c", KERNELS], Path(cache))[1]
    return runs, {name: tuple(cost) for name, cost in json.loads(printed).items()}


def smallest(costs: list[Cost]) -> dict[str, float]:
    cpu, wall = (round(min(values), 2) for values in zip(*costs, strict=True))
    return {"cpu_s": cpu, "wall_s": wall}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        make_video(clip, 8, width=384, height=288)
        rounds = [one_round(clip) for _ in range(options.rounds)]
    runs: dict[str, dict[str, Any]] = {}
    for name in rounds[0][0]:
        first, second = (smallest([found[name][i] for found, _ in rounds]) for i in range(2))
        runs[name] = {"first": first, "later": second}
    kernels = {name: smallest([found[name] for _, found in rounds]) for name in rounds[0][1]}
    print(f"{'run of eight frames':<30}{'first cpu':>10}{'wall':>8}{'later cpu':>11}{'wall':>8}")
    for name, row in runs.items():
        first, later = row["first"], row["later"]
        print(
            f"  {name:<28}{first['cpu_s']:>10.2f}{first['wall_s']:>8.2f}"
            f"{later['cpu_s']:>11.2f}{later['wall_s']:>8.2f}"
        )
    print(f"{'kernel, compiled':<30}{'cpu':>10}{'wall':>8}")
    for name, row in kernels.items():
        print(f"  {name:<28}{row['cpu_s']:>10.2f}{row['wall_s']:>8.2f}")
    if options.save:
        versions = {name: version(name) for name in ("numba", "llvmlite")}
        results = {"runs": runs, "kernels": kernels, "versions": versions}
        print(save("compile", {"rounds": options.rounds, **results}).name)


if __name__ == "__main__":
    main()
