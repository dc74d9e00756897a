"""`batch` on this machine: beside `run`, on tiny cases, and a million rows through its tables.

    python benchmarks/bench_batch.py speed [--clips 100] [--engine pool] [--save]
    python benchmarks/bench_batch.py tiny [--cases 20000] [--engine dask] [--save]
    python benchmarks/bench_batch.py collect [--rows 1000000] [--save]

``speed`` scores the same clips with ``run`` (one process, all cores) and with ``batch`` (a process
per core), start-up included, and prints the ratio of the throughputs, in seconds of wall time and
of all processes' processor time. ``tiny`` scores clips of one frame: what a case costs beside its
scoring, and how much memory the command, and in it Dask's scheduler, has early and at the end.
``collect`` writes the parts of a table of simulated rows, through the file in between.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from facts import save

from vqa_harness.batch.collect import Spool, _spooled, _write_cases
from vqa_harness.batch.row import Row
from vqa_harness.testing.synthetic import make_video


def timed(command, folder, watch=None):
    """Wall and processor seconds of a command with all its processes; its exit code must be 0."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "vqa_harness", *command],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while watch is not None and process.poll() is None:
        watch(process.pid)
        time.sleep(0.5)
    _, err = process.communicate()
    if process.returncode:
        sys.exit(f"{' '.join(command)}: {err}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": round(time.perf_counter() - begin, 2), "cpu": round(cpu, 2)}


def speed(arguments, folder):
    """Throughput beside that of ``run``."""
    names = []
    for n in range(arguments.clips):
        name = f"{n:03}.mp4"
        if n < 10:
            size = {"width": 640, "height": 360}
            options = {"preset": "ultrafast", "crf": str(18 + 2 * n)}
            make_video(folder / name, 50, options=options, **size)
        else:  # of other bytes, so that no log is there already
            content = (folder / f"{n % 10:03}.mp4").read_bytes()
            free = (8 + n).to_bytes(4, "big") + b"free" + bytes(n)
            (folder / name).write_bytes(content + free)
        names.append(name)
    rows = "".join(f"{name},000.mp4\n" for name in names)
    (folder / "cases.csv").write_text(f"file,reference\n{rows}")
    metrics = ["-m", arguments.metrics, "-q"]
    result = {"clips": len(names), "frames": 50, "metrics": arguments.metrics}
    result["engine"] = arguments.engine
    batch = ["batch", "cases.csv", "--engine", arguments.engine, *metrics]
    for turn in range(arguments.rounds):
        ways = {
            "run": ["run", *names, "-r", "000.mp4", *metrics, "-o", f"logs{turn}/"],
            "batch": [*batch, "-o", f"out{turn}"],
        }
        for way, command in ways.items():
            result.setdefault(way, []).append(timed(command, folder))
    best = {w: {k: min(one[k] for one in result[w]) for k in ("wall", "cpu")} for w in ways}
    for kind in ("wall", "cpu"):
        result[f"throughput_{kind}"] = round(best["run"][kind] / best["batch"][kind], 3)
    return result


def tiny(arguments, folder):
    """What a case costs, and whether memory grows."""
    make_video(folder / "one.mp4", 1, width=64, height=48)
    rows = "".join(f"{n}.mp4\n" for n in range(arguments.cases))
    for n in range(arguments.cases):
        (folder / f"{n}.mp4").symlink_to("one.mp4")
    (folder / "cases.csv").write_text(f"file\n{rows}")
    sizes, out = [], folder / "out"
    begin = time.monotonic()

    def watch(number):
        if time.monotonic() - begin > 2 * len(sizes):
            pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
            sizes.append(round(pages * resource.getpagesize() / 2**20, 1))

    options = ["-m", "siti", "-q", "--engine", arguments.engine, "-o", str(out)]
    found = timed(["batch", "cases.csv", *options], folder, watch)
    resumed = timed(["batch", "cases.csv", *options], folder)
    count = len(sizes)
    return {
        "cases": arguments.cases,
        "engine": arguments.engine,
        **found,
        "milliseconds_of_processor_a_case": round(1000 * found["cpu"] / arguments.cases, 2),
        "resumed": resumed,
        "client_mib_at_tenths": [sizes[count * k // 10] for k in range(1, 10)]
        if count > 20
        else sizes,
    }


def collect(arguments, folder):
    """A million rows into Parquet."""
    pooled = {
        f"f{k}": dict.fromkeys(("mean", "harmonic_mean", "min", "max", "p5"), 50.5)
        for k in range(6)
    }
    base = {"frames": 1500, "seconds": 12.5, "host": "host", "finished": "2026-01-01T00:00:00Z"}
    inputs = {"distorted": {"files": 1, "size": 1234567, "changed": 1700000000000000000}}

    def rows():
        for n in range(arguments.rows):
            key = f"{n * 2654435761 % 2**64:064x}"
            columns = {"crf": n % 52, "title": f"title {n % 997}"}
            name = f"encodes/{n % 997}/{n}.mp4"
            yield Row(
                key, "s", name, "", "done", columns, log=key, pooled=pooled, inputs=inputs, **base
            )

    begin, cpu = time.perf_counter(), time.process_time()
    place = folder / "cases"
    place.mkdir()
    with _spooled(rows(), folder / "spool") as spool:
        assert isinstance(spool, Spool)
        spooled = time.perf_counter() - begin
        count = _write_cases(spool, place, {"features": {}}, 1_000_000)
    sizes = [path.stat().st_size for path in place.iterdir()]
    return {
        "rows": count,
        "wall": round(time.perf_counter() - begin, 1),
        "cpu": round(time.process_time() - cpu, 1),
        "spooling": round(spooled, 1),
        "parts": len(sizes),
        "megabytes": round(sum(sizes) / 1e6, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "tiny", "collect"])
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--metrics", default="psnr,ssim,niqe")
    parser.add_argument("--engine", choices=["pool", "dask"], default="dask")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        ways = {"speed": speed, "tiny": tiny, "collect": collect}
        result = ways[arguments.what](arguments, Path(place))
    for name, value in result.items():
        print(f"{name:36} {value}")
    if arguments.save:
        name = "-".join(["batch", arguments.what, *result.get("engine", "").split()])
        print("saved", save(name, result))


if __name__ == "__main__":
    main()
