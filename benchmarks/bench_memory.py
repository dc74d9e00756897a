"""Peak memory over a short and a long clip: it must not grow with length.

    python benchmarks/bench_memory.py                          # reading alone, 10 s and 10 min
    python benchmarks/bench_memory.py -m niqe --minutes 2      # and "vqa-harness run -m niqe"

The long clip repeats the packets of the short one, so both decode the same pictures. Every
measurement is a process of its own; its peak resident size is what the system says of it. That is
never below the parent's, so this process imports and makes nothing large.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZE = (1920, 1080)
RATE = 25


def read(path: str) -> None:
    from vqa_harness.media.reader import VideoReader

    with VideoReader(path) as reader:
        count = 0
        for frame in reader:
            count += frame.planes[0].shape[0] > 0
            frame.release()
    print(json.dumps({"frames": count}))


def make(folder: Path, seconds: int, minutes: float) -> None:
    from vqa_harness.media.writer import copy_packets
    from vqa_harness.testing.synthetic import make_video, moving_pattern

    short, long = clips(folder)
    frames = moving_pattern(RATE, *SIZE)
    options = {"preset": "ultrafast", "g": "50", "bf": "2"}
    make_video(short, frames * seconds, rate=RATE, options=options)
    copy_packets(str(short), str(long), repeat=round(60 * minutes / seconds))


def clips(folder: Path) -> tuple[Path, Path]:
    return folder / "short.mp4", folder / "long.mp4"


def measure(command: list[str]) -> dict[str, float]:
    """Run a command; its peak resident size in MiB and its wall time in seconds."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[1:4]} failed with status {process.returncode}")
    scale = 2**20 if sys.platform == "darwin" else 2**10
    wall = time.perf_counter() - started
    return {"peak_mib": round(usage.ru_maxrss / scale, 1), "seconds": round(wall, 1)}


def commands(metrics: list[str], clip: Path, folder: Path) -> dict[str, list[str]]:
    run = [sys.executable, "-m", "vqa_harness", "run", str(clip), "--quiet"]
    log = ["--output", str(folder / "log.json")]
    found = {"read": [sys.executable, __file__, "--read", str(clip)]}
    return found | {f"run -m {name}": [*run, *log, "--metric", name] for name in metrics}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--metric", action="append", default=[], help="may be repeated")
    parser.add_argument("--seconds", type=int, default=10, help="length of the short clip")
    parser.add_argument("--minutes", type=float, default=10, help="length of the long clip")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        read(given.read)
    elif given.make:
        make(given.make, given.seconds, given.minutes)
    else:
        compare(given)


def compare(given: argparse.Namespace) -> None:
    labels = f"{given.seconds} s", f"{given.minutes:g} min"
    lengths = ["--seconds", str(given.seconds), "--minutes", str(given.minutes)]
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        subprocess.run([sys.executable, __file__, "--make", str(folder), *lengths], check=True)
        for label, clip in zip(labels, clips(folder), strict=True):
            for what, command in commands(given.metric, clip, folder).items():
                found.setdefault(what, {})[label] = measure(command)
    print(f"{'':16}" + "".join(f"{label:>14}" for label in found["read"]) + "   growth")
    for what, columns in found.items():
        peaks = [column["peak_mib"] for column in columns.values()]
        row = "".join(f"{peak:10.1f} MiB" for peak in peaks)
        print(f"{what:16}{row}   {peaks[-1] - peaks[0]:+.1f} MiB")
    from facts import save

    name = "-".join(["memory", *given.metric])
    print(save(name, {"size": SIZE, "rate": RATE, "codec": "h264", "peak": found}).name)


if __name__ == "__main__":
    main()
