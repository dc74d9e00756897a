"""Starting processes: one whose parent vanishes before it has begun ends without a word.

A spawned process first reads from a pipe what it is to do. Where the parent is killed before it has
written that, Python's own program for the new process ends in a traceback of `EOFError`, long
before any line of this package runs there. So the program is put into a block that knows better.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker, spawn
from typing import Any

from vqa_harness.system import signals_held

_PROGRAM = """\
import os, time
try:
    {program}
except Exception as error:
    until = time.monotonic() + isinstance(error, EOFError)
    while os.getppid() == {parent} and time.monotonic() < until:
        time.sleep(0.01)  # a process's files are closed a moment before its children are told
    if os.getppid() == {parent}:
        raise
    raise SystemExit(1) from None
"""
_changing = threading.Lock()


@contextmanager
def quiet_start() -> Iterator[None]:
    """Let processes that start inside the block end silently if this one vanishes meanwhile.

    The signals that end a process are kept waiting too, as by `signals_held`.
    """
    resource_tracker.ensure_running()  # or starting it would let the signals in
    with _changing, signals_held():
        usual = spawn.get_command_line
        spawn.get_command_line = lambda **handed: _quiet(usual(**handed))
        try:
            yield
        finally:
            spawn.get_command_line = usual


def _quiet(command: list[str]) -> list[Any]:
    """The command line of a new process, with its program inside a block that catches errors.

    A frozen program has no such text in its command line; that is left as it is.
    """
    if "-c" not in command:
        return command
    at = command.index("-c") + 1
    quiet = _PROGRAM.format(program=command[at], parent=os.getpid())
    return [*command[:at], quiet, *command[at + 1 :]]
