"""Noticing Ctrl-C, so that it is never lost.

The KeyboardInterrupt that Python raises is swallowed when it strikes inside a callback of an
extension module or a destructor. `watched` also remembers the signal, and long loops ask `check`.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_seen = threading.Event()
"""Set by Ctrl-C while a block is watched."""


@contextmanager
def watched() -> Iterator[None]:
    """Remember Ctrl-C while the block runs; outside the main thread nothing is watched."""
    _seen.clear()
    if threading.current_thread() is not threading.main_thread():
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


def _note(_number: int, _frame: FrameType | None) -> None:
    _seen.set()
    raise KeyboardInterrupt
