"""Runs command lines, one after another, in a process of its own: a crash of native code ends it.

Started as ``python -m tests.exam.worker``. A request is a JSON line on standard input: a list of
arguments. The answer, a JSON line, is the exit code, what was written to standard output and
standard error, native libraries included, and the highest memory in MiB. The command ``promises``,
which only this process has, prints what `tests.exam.promises` finds out.
"""

import gc
import json
import os
import resource
import sys
import tempfile
from pathlib import Path

from tests.exam.promises import promises

LIMIT = 12 << 30
"""Bytes of address space, so that no command can take the machine down."""


def main():
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    from vqa_harness import system
    from vqa_harness.cli.app import run_cli

    system.keep_blas_to_one_thread()
    system.make_output_portable()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        for line in sys.stdin:
            Path("/proc/self/clear_refs").write_text("5")  # the peak is that of this command
            command, *arguments = json.loads(line)
            code = (
                _promises(*arguments) if command == "promises" else run_cli([command, *arguments])
            )
            gc.collect()  # a crash while garbage is collected belongs to this command
            sys.stdout.flush()
            sys.stderr.flush()
            found = {"code": code, "out": _taken(out), "err": _taken(err), "peak": _peak()}
            answers.write(json.dumps(found) + "\n")
            answers.flush()


def _promises(path):
    try:
        print(json.dumps(promises(path)))
    except Exception as error:
        print(type(error).__name__, file=sys.stderr)
        return 3
    return 0


def _taken(file):
    """What was written since the last time, as text in which any byte survives."""
    file.seek(0)
    text = file.read().decode("utf-8", "surrogateescape")
    file.seek(0)
    file.truncate()
    return text


def _peak():
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


if __name__ == "__main__":
    main()
