"""How large an installation is, and how long it takes: the base and each extra, all from scratch.

    python benchmarks/bench_install.py --python python3.13 --save

Each row is an environment of its own, made by venv and pip, of this clone and what constraints.txt
pins; packages come from pip's cache where it has them. Sizes are those of all files, as du counts
them. The extras of torch need 7 GB while they are measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from facts import RESULTS, save

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("", "vmaf", "report", "bench", "skvideo", "clip", "clip,train")


def install(python, extras, folder):
    """Megabytes (10^6) of a new environment with these extras, and the seconds it took."""
    begin = time.perf_counter()
    subprocess.run([python, "-m", "venv", folder], check=True)
    what = f"{ROOT}[{extras}]" if extras else str(ROOT)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--constraint", ROOT / "constraints.txt", what]
    subprocess.run(pip, check=True)
    seconds = time.perf_counter() - begin
    du = subprocess.run(
        ["du", "-s", "--block-size=1000000", folder], capture_output=True, text=True, check=True
    )
    return int(du.stdout.split()[0]), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="python3", help="interpreter of the environments")
    parser.add_argument("--extras", nargs="*", default=EXTRAS, help='such as "" vmaf clip,train')
    parser.add_argument("--save", action="store_true", help="what was not measured is kept")
    arguments = parser.parse_args()
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = subprocess.run(
        [arguments.python, "-c", ask], capture_output=True, text=True, check=True
    ).stdout.strip()
    rows = {}
    with tempfile.TemporaryDirectory() as place:
        for extras in arguments.extras:
            folder = Path(place) / "environment"
            size, seconds = install(arguments.python, extras, folder)
            shutil.rmtree(folder)
            rows[extras or "base"] = {"megabytes": size, "seconds": round(seconds, 1)}
            more = size - rows["base"]["megabytes"] if "base" in rows else size
            print(
                f"{version}  {extras or 'base':12} {size:6} MB (+{more})  {seconds:6.0f} s",
                flush=True,
            )
    if arguments.save:
        path = RESULTS / "install.json"
        before = json.loads(path.read_text())["pythons"] if path.exists() else {}
        save("install", {"pythons": before | {version: before.get(version, {}) | rows}})


if __name__ == "__main__":
    main()
