"""A piece of work that can be sent to another process or machine, and what takes it there."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vqa_harness.errors import MissingBackend, VqaError
from vqa_harness.registry import Registry

Work = Callable[[Any, Registry, Any], Any]
"""A function of a module: of a case, the registry of what is installed where it runs, and options.

What it returns must survive pickling. Errors that its caller should see are best returned.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Work to be done.

    Attributes:
        name: tells tasks apart.
        work: does it.
        case: what it is done to; must survive pickling.
        options: how; likewise.
        timeout: seconds that it may take; None for no bound.
        folder: in which it is done, because paths are relative to it; None if it does not matter.
    """

    name: str
    work: Work
    case: Any
    options: Any
    timeout: float | None = None
    folder: Path | None = None


Answer = tuple[Task, Any]
"""A task with what its work returned, or the `VqaError` that says why its process was lost.

That is a `MetricError` where it died, and an `InputError` where it was ended.
"""


class Engine(Protocol):
    """Does tasks side by side, each in a process of its own that stays warm for the next."""

    @property
    def slots(self) -> int:
        """How many tasks are done at once."""

    @property
    def window(self) -> int:
        """How many tasks may be under way at most, so that no slot waits."""

    def submit(self, task: Task) -> None:
        """Have a task done as soon as a slot is free."""

    def finished(self, seconds: float) -> list[Answer]:
        """The tasks that have ended; waits so long for the first.

        Raises:
            VqaError: nothing more can be done.
        """


def do(task: Task, registry: Registry, _: None) -> Any:
    """Do a task in the process of it.

    Raises:
        MissingBackend: its folder is not there.
    """
    if task.folder is not None:
        try:
            os.chdir(task.folder)
        except OSError as error:
            return Raised(
                MissingBackend(
                    f"worker {socket.gethostname()} has no folder "
                    f"{task.folder} ({error.strerror}); workers need the same files at the same "
                    "paths"
                )
            )
    return task.work(task.case, registry, task.options)


@dataclass(frozen=True, slots=True)
class Raised:
    """What a task returns instead of raising it in the process that asked."""

    error: VqaError
