"""What a process must not leave behind: temporary files and folders, and programs it started.

All are removed when they are done with, and by `clear` when the process ends early. What a process
leaves that was killed outright is swept by the next one: the names tell who made them. Nothing
heavy is imported here, because the very first moments of a command rely on it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from vqa_harness import system

PREFIX = "vqa-harness-"
"""What names of temporary folders begin with."""
_OWNED = re.compile(r"(?:^vqa-harness-|^\..*\.)([0-9a-f]{8})-([0-9]+)-([0-9]+)[-.]")
"""A name of ours: where the process ran, its number, and when it started."""
_GRACE = 3.0
"""Seconds that processes of ours have to clean up before they are killed."""

_lock = threading.RLock()
"""Held while something is noted down; `hold` keeps it, so that nothing new is made."""
_files: set[str] = set()
_folders: set[str] = set()
_programs: set[Program] = set()
_swept: set[str] = set()


class Program(Protocol):
    """A program that was started, as `subprocess.Popen` has it."""

    def kill(self) -> None:
        """End it."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""


@contextmanager
def partial_file(target: Path) -> Iterator[Path]:
    """Yield a new name beside ``target``; a file that has it when the block ends is removed."""
    sweep(target.parent)
    # cut so that the whole stays below the 255 bytes that a file's name may have
    stem = os.fsdecode(os.fsencode(target.name)[:180])
    path = target.with_name(f".{stem}.{owner()}.{os.urandom(4).hex()}.part")
    with _lock:
        _files.add(str(path))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        with _lock:
            _files.discard(str(path))


def temporary_folder() -> Path:
    """Make a folder among the system's temporary ones, for this user only.

    `remove_folder` removes it, at the latest the end of the process does.

    Raises:
        OSError: it cannot be made.
    """
    import shutil  # noqa: F401 - loaded here, because `clear` should load nothing
    import tempfile

    sweep(Path(tempfile.gettempdir()))
    with _lock:
        folder = tempfile.mkdtemp(prefix=f"{PREFIX}{owner()}-")
        _folders.add(folder)
    return Path(folder)


def remove_folder(folder: Path) -> None:
    """Remove a temporary folder with all that is in it; does nothing the second time."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    with _lock:
        _folders.discard(str(folder))


def started(program: Program) -> None:
    """Note a program that must not outlive this process."""
    with _lock:
        _programs.add(program)


def ended(program: Program) -> None:
    """Forget a program that has ended."""
    with _lock:
        _programs.discard(program)


def hold() -> None:
    """Let no thread make anything new from now on; for a process that ends, see `clear`."""
    _lock.acquire()


def clear() -> None:
    """End what was started and remove what was made, in a process that ends at once after it."""
    hold()
    for program in _programs:
        with contextlib.suppress(OSError):
            program.kill()
    _end_processes()
    for program in _programs:
        with contextlib.suppress(Exception):
            program.wait(_GRACE)
    for file in _files:
        with contextlib.suppress(OSError):
            os.unlink(file)  # noqa: PTH108 - as plain as possible
    if _folders:
        import shutil

        for folder in _folders:
            shutil.rmtree(folder, ignore_errors=True)


def _end_processes() -> None:
    """Ask the processes of pools to end, and kill those that do not."""
    if "multiprocessing.process" not in sys.modules:
        return
    import multiprocessing
    import time

    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    until = time.monotonic() + _GRACE
    for child in children:
        child.join(max(0.0, until - time.monotonic()))
        if child.is_alive():
            child.kill()
            child.join(_GRACE)


def owner() -> str:
    """This process in names: a hash of the machine, the process's number, and when it started."""
    return _owner(os.getpid())


@lru_cache(maxsize=1)
def _owner(number: int) -> str:
    return f"{system.machine_hash()}-{number}-{system.process_start(number) or 0}"


def sweep(folder: Path) -> None:
    """Remove what processes of this user on this machine left there that exist no more.

    A folder is looked through once; what cannot be removed stays.
    """
    with _lock:
        if str(folder) in _swept:
            return
        _swept.add(str(folder))
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _is_left(entry):
                _remove(entry)


def _is_left(entry: os.DirEntry[str]) -> bool:
    found = _OWNED.match(entry.name)
    if found is None or not (entry.name.startswith(PREFIX) or entry.name.endswith(".part")):
        return False
    place, number, start = found.groups()
    if place != system.machine_hash() or start == "0":
        return False  # it cannot be told whether that process exists
    try:
        if not system.is_own(entry.stat(follow_symlinks=False)):
            return False
    except OSError:
        return False
    return system.process_start(int(number)) != int(start)


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        import shutil

        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(entry.path)  # noqa: PTH108 - as plain as possible
