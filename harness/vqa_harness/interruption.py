"""Ending early, on a signal or at a deadline: one line, an exit code, and nothing left behind.

The command line calls `take_over` before anything else. From then on SIGINT, SIGTERM and SIGHUP
raise nothing: an exception that strikes inside a callback of native code may be swallowed there, or
end the process in an abort. Instead a thread that waits for signals ends the process by `leave`,
whatever the other threads are doing.

Python programs that use the package keep their own handlers and get Python's KeyboardInterrupt.
`watched` also remembers it for them, and long loops ask `check`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from vqa_harness import leftovers, system

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""What asks a process to end, on this system."""
OUT_OF_BOUNDS = 3
"""Exit code after a deadline or with too much memory: that of an input that cannot be read."""
_TEXTS = {"SIGINT": "interrupted", "SIGTERM": "ended by SIGTERM", "SIGHUP": "ended by SIGHUP"}

_seen = threading.Event()
"""Set by Ctrl-C while a block is watched."""
_leaving = threading.Lock()
"""Taken by the one thread that ends the process."""
_last: int = signal.SIGINT
"""The signal that was seen last."""
_over = _silent = False


def exit_code() -> int:
    """The exit code of a command that a signal ended: 130 for Ctrl-C, 143, or 129."""
    return 128 + _last


def text() -> str:
    """What is said of the signal that was seen last."""
    return _TEXTS[signal.Signals(_last).name]


def seen(number: int) -> None:
    """Remember which signal asked to end, for `exit_code` and `text`."""
    global _last
    _last = number


def take_over(*, silent: bool = False) -> None:
    """Let signals end this process by `leave` from now on; to be called in the main thread.

    Those that `heeded` leaves out stay ignored.

    Args:
        silent: whether nothing is written, as in a process of a pool.
    """
    global _over, _silent
    _over, _silent = True, silent
    # Without a pipe, as on Windows, the main thread itself leaves when it comes to it.
    handler = _noted if _listen() else _leave_now
    for number in heeded():
        signal.signal(number, handler)


def heeded() -> list[int]:
    """Which of `SIGNALS` may be handled here.

    One that whoever started the process ignores, as ``nohup`` and a shell's background jobs do, is
    not, nor one that a library has a handler for which Python could not put back.
    """
    return [n for n in SIGNALS if signal.getsignal(n) not in (signal.SIG_IGN, None)]


def taken_over() -> bool:
    """Whether `take_over` was called: in a command, and in its processes."""
    return _over


def ignore() -> None:
    """Let no signal disturb the end of a process that has done its work."""
    if _leaving.locked():
        _wait_for_the_end()
    for number in SIGNALS:
        if signal.getsignal(number) in (_noted, _leave_now):
            signal.signal(number, signal.SIG_IGN)


def leave(code: int, line: str = "") -> None:
    """End the process now, whatever it is doing; does not return.

    Programs that it started are ended, its temporary files and folders removed.

    Args:
        code: the exit code.
        line: what is said on standard error; empty for nothing.
    """
    if not _leaving.acquire(blocking=False):
        _wait_for_the_end()
    leftovers.hold()  # nothing is written from here on
    with contextlib.suppress(OSError):
        if line and not _silent:
            cursor = b"\x1b[?25h" if os.isatty(2) else b""  # a progress bar may have hidden it
            os.write(2, cursor + line.encode("utf-8", "backslashreplace"))
    with contextlib.suppress(OSError):  # what the other threads say of what is being ended
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    try:
        leftovers.clear()
    finally:
        system.end_at_once(code)


@contextmanager
def deadline(seconds: float | None, line: str) -> Iterator[None]:
    """End the process with exit code 3 and a line unless the block ends within a time.

    A thread watches it, so it is kept while another one is in native code, such as a decoder.

    Args:
        seconds: the time; None for none.
        line: the message, without its end.
    """
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, leave, (OUT_OF_BOUNDS, f"{line}\n"))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def watched() -> Iterator[None]:
    """Remember Ctrl-C while the block runs.

    Outside the main thread, where Ctrl-C is ignored, and where signals end the process anyway,
    nothing is watched.
    """
    _seen.clear()
    ours = signal.getsignal(signal.SIGINT) in (_noted, _leave_now)
    aside = threading.current_thread() is not threading.main_thread()
    if ours or aside or signal.SIGINT not in heeded():
        yield
        return
    before = signal.signal(signal.SIGINT, _note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        _seen.clear()


def check() -> None:
    """Raise KeyboardInterrupt if Ctrl-C came since the block began."""
    if _seen.is_set():
        raise KeyboardInterrupt


def _note(number: int, _frame: FrameType | None) -> None:
    seen(number)
    _seen.set()
    raise KeyboardInterrupt


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Stand for a signal of which the listening thread has heard already."""


def _leave_now(number: int, _frame: FrameType | None) -> None:
    seen(number)
    leave(exit_code(), f"\n{text()}\n")


def _listen() -> bool:
    """Start the thread that hears of signals, if this system allows it."""
    ends = system.signal_pipe()
    if ends is None:
        return False
    reading, writing = ends
    thread = threading.Thread(target=_hear, args=(reading,), name="signals", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        signal.set_wakeup_fd(-1)
        os.close(reading)
        os.close(writing)
        return False
    return True


def _hear(reading: int) -> None:
    while heard := os.read(reading, 1):
        if signal.getsignal(heard[0]) is _noted:  # another may have been set, as by training
            _leave_now(heard[0], None)


def _wait_for_the_end() -> None:
    while True:
        time.sleep(3600)
