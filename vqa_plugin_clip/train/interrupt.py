"""Ctrl-C during training: noted, so that the state can be written first."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from vqa_harness.interruption import heeded, seen

_PATIENCE = 5.0
"""Seconds in which further signals count as the same request.

A terminal sends Ctrl-C to all processes, and a launcher passes it on to them once more.
"""


class StopRequest:
    """Whether someone asked to stop.

    Attributes:
        asked: True from the first signal on.
    """

    def __init__(self) -> None:
        self.asked = False


@contextmanager
def watched() -> Iterator[StopRequest]:
    """Note SIGINT, SIGTERM and SIGHUP while the block runs; a later one interrupts at once.

    Outside the main thread nothing is watched, and a signal that is ignored stays ignored.
    """
    stop = StopRequest()

    first = 0.0

    def note(number: int, _frame: FrameType | None) -> None:
        nonlocal first
        seen(number)
        if not stop.asked:
            stop.asked, first = True, time.monotonic()
        elif time.monotonic() - first > _PATIENCE:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, note) for number in heeded()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
