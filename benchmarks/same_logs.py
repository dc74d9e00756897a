"""Whether two versions of the program write the same logs, tables, pages and messages.

    python benchmarks/same_logs.py write before                  # some hundred command lines
    python benchmarks/same_logs.py write after --command 'python -m vqa_harness'
    python benchmarks/same_logs.py compare before after          # exit code 1 where they differ

`same_logs_cases` lists the command lines, `same_logs_clips` makes what they read (in ``--clips``,
made once and used again), `same_logs_compare` says what may differ: times, versions and folders.
Every case gets a folder with its stdout, stderr, exit code, and the files that it wrote. Both runs
have to be on one machine with the same packages: another codec makes other bytes. To run an older
version, put its source folders into PYTHONPATH; its entry points come from the first
``vqa_harness-*.dist-info`` on the path.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from same_logs_cases import CASES
from same_logs_clips import make_clips
from same_logs_compare import differences

TIMEOUT = 300
FIXED = {
    "COLUMNS": "100",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "LC_ALL": "C.UTF-8",
    "GITHUB_STEP_SUMMARY": "summary.md",
}
"""Of the environment: what shapes help texts and outputs of the gate."""


def write(folder: Path, clips: Path, command: list[str]) -> None:
    """Run every case in a folder of its own below ``folder``."""
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    make_clips(clips)
    (folder / "clips.sha256").write_text(_hashes(clips))
    (folder / "folders.txt").write_text(f"{folder}\n{clips}\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")} | FIXED
    environment["VQA_HARNESS_CACHE"] = str(folder / "cache")
    # kernels are compiled first: else the first run of a machine would say so
    subprocess.run([*command, "warmup"], cwd=folder, env=environment, check=True)
    for name, arguments in CASES.items():
        begin = time.perf_counter()
        place = folder / name
        place.mkdir()
        words = [word.replace("{clips}", str(clips)) for word in shlex.split(arguments)]
        with (place / "stdout").open("wb") as out, (place / "stderr").open("wb") as errors:
            code = subprocess.run(
                [*command, *words],
                cwd=place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                timeout=TIMEOUT,
            ).returncode
        (place / "exit_code").write_text(f"{code}\n")
        print(f"{name:28} exit code {code}  {time.perf_counter() - begin:5.1f} s", flush=True)


def compare(before: Path, after: Path) -> int:
    """Print a line for each difference; the exit code."""
    count = 0
    for line in differences(before, after):
        print(line)
        count += 1
    cases = len(list(before.glob("*/exit_code")))
    print(f"{count} differences" if count else f"the same: {cases} cases", file=sys.stderr)
    return 1 if count else 0


def _hashes(clips: Path) -> str:
    files = sorted(path for path in clips.rglob("*") if path.is_file())
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(clips).as_posix()}\n"
        for path in files
    )


def _command(text: str) -> list[str]:
    """The words, the program with its folder: cases run elsewhere."""
    words = shlex.split(text)
    program = shutil.which(words[0]) if words else None
    if program is None:
        raise SystemExit(f"--command {text!r}: no such program")
    return [str(Path(program).absolute()), *words[1:]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    modes = parser.add_subparsers(dest="mode", required=True)
    writing = modes.add_parser("write", help="run all cases into a folder")
    writing.add_argument("folder", type=Path)
    writing.add_argument(
        "--clips", type=Path, default=Path(tempfile.gettempdir()) / "vqa-harness-same-logs-clips"
    )
    writing.add_argument("--command", default=shlex.join([sys.executable, "-m", "vqa_harness"]))
    comparing = modes.add_parser("compare", help="compare two such folders")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    given = parser.parse_args()
    if given.mode == "compare":
        return compare(given.before, given.after)
    write(given.folder.absolute(), given.clips.absolute(), _command(given.command))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
