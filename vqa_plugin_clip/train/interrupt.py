"""Ctrl-C during training: noted, so that the state can be written first."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 5.0
"""Seconds in which further signals are the same request: launchers pass on what a terminal sent."""


class Stop:
    """Whether someone asked to stop."""

    def __init__(self) -> None:
        self.asked = False


@contextmanager
def watched() -> Iterator[Stop]:
    """Note SIGINT and SIGTERM while the block runs; one that comes later interrupts at once.

    Outside the main thread nothing is watched.
    """
    stop = Stop()

    first = 0.0

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal first
        if not stop.asked:
            stop.asked, first = True, time.monotonic()
        elif time.monotonic() - first > _PATIENCE:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
