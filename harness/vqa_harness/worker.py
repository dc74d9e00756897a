"""A process of the pool: does what it is sent, and ends when the pool's process does."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from functools import lru_cache
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any

from vqa_harness import interruption, memory, system
from vqa_harness.errors import MetricError, one_line

if TYPE_CHECKING:
    from vqa_harness.registry import Registry

Task = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function of a module, and its arguments."""


def serve(connection: Connection[Any, Any], share: int) -> None:
    """Do tasks until nothing more comes.

    None is sent when the process is ready, then (True, result) or (False, exception) of each task.

    A signal ends the process without a word, since the pool's process says what is to be said. When
    that process is gone, this one ends too, whatever it is doing: a pipe between them closes, which
    every system tells, and Linux sends a signal besides.
    """
    interruption.take_over(silent=True)
    system.let_signals_in()
    memory.take_bound(share, memory.TOLD)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        system.end_with_parent()
        connection.send(None)  # ready
        while True:
            work, arguments = connection.recv()
            connection.send_bytes(_packed(_done(work, arguments)))
    except (EOFError, OSError):
        interruption.leave(0)


def _done(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, work(*arguments)
    except BaseException as error:
        return False, error


def _packed(answer: tuple[bool, Any]) -> Any:
    """The answer as it is sent, or what keeps it from being sent."""
    try:
        return ForkingPickler.dumps(answer)
    except Exception as error:
        what = f"{type(answer[1]).__name__} cannot be sent"
        return ForkingPickler.dumps((False, MetricError(f"{what}: {one_line(error)}")))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        interruption.leave(0)


def with_registry(score: Callable[..., Any], case: Any, options: Any) -> Any:
    """Call ``score`` with the registry of what is installed here."""
    return score(case, _installed(), options)


@lru_cache(maxsize=1)
def _installed() -> Registry:
    from vqa_harness.registry import Registry

    return Registry.installed()
