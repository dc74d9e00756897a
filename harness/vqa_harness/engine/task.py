"""A piece of work that can be sent to another process or machine, and what takes it there."""

from __future__ import annotations

import importlib.metadata
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from vqa_harness import hookspecs
from vqa_harness.errors import MissingBackend, VqaError
from vqa_harness.registry import Registry

Work = Callable[[Any, Registry, Any], Any]
"""A function of a module: of a case, the registry of what is installed where it runs, and options.

What it returns must survive pickling. Errors that its caller should see are best returned.
"""


@dataclass(frozen=True, slots=True)
class Away:
    """What a task finds on another machine.

    Attributes:
        folder: that its paths are relative to.
        plugins: what brings its metrics, see `plugins`.
    """

    folder: Path
    plugins: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Work to be done.

    Attributes:
        name: tells tasks apart.
        work: does it.
        case: what it is done to; must survive pickling.
        options: how; likewise.
        timeout: seconds that it may take; None for no bound.
        away: what has to be the same as here where it may be done on another machine; None where
            that is seen to otherwise.
    """

    name: str
    work: Work
    case: Any
    options: Any
    timeout: float | None = None
    away: Away | None = None


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


@dataclass(frozen=True, slots=True)
class Raised:
    """What a task returns instead of raising it in the process that asked."""

    error: VqaError


@lru_cache(maxsize=1)
def plugins() -> tuple[tuple[str, str], ...]:
    """The distributions that bring metrics here, and their versions; sorted."""
    found = importlib.metadata.entry_points(group=hookspecs.NAME)
    dists = {one.dist.name: one.dist.version for one in found if one.dist is not None}
    return tuple(sorted(dists.items()))


def do(task: Task, registry: Registry, _: None) -> Any:
    """Do a task in the process of it; `Raised` where this place is unfit for it."""
    if (away := task.away) is not None:
        try:
            _be_at(away)
        except MissingBackend as error:
            return Raised(error)
    return task.work(task.case, registry, task.options)


def _be_at(away: Away) -> None:
    """Work in a folder, with the same plugins.

    Raises:
        MissingBackend: either is not there.
    """
    here = socket.gethostname()
    if others := dict(set(away.plugins) ^ set(plugins())):
        raise MissingBackend(
            f"the worker on {here} has other versions of {', '.join(sorted(others))} than the "
            "command has; install the same there"
        )
    try:
        os.chdir(away.folder)
    except OSError as error:
        raise MissingBackend(
            f"the worker on {here} has no folder {away.folder} ({error.strerror}); workers need "
            "the same files under the same paths"
        ) from None
