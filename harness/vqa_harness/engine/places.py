"""Where work is done: on this machine, with Dask or without, or on the workers of a scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vqa_harness.engine import cluster
from vqa_harness.engine.pool import pool_engine
from vqa_harness.engine.task import Away, Engine, plugins
from vqa_harness.errors import UsageError
from vqa_harness.processes import in_processes, threads_each
from vqa_harness.system import processors

EngineName = Literal["auto", "dask", "pool"]


@dataclass(frozen=True, slots=True)
class Places:
    """Where tasks are done.

    Attributes:
        engine: ``dask`` for a cluster, ``pool`` for plain processes of this machine, ``auto`` for a
            cluster of this machine where ``dask.distributed`` is installed.
        jobs: tasks at once on this machine; 0 for one per processor.
        scheduler: address of a Dask scheduler; None for this machine.
        scheduler_file: that it wrote, instead of its address.
    """

    engine: EngineName = "auto"
    jobs: int = 0
    scheduler: str | None = None
    scheduler_file: Path | None = None

    @property
    def remote(self) -> bool:
        """Whether a scheduler is named."""
        return self.scheduler is not None or self.scheduler_file is not None

    @property
    def away(self) -> Away | None:
        """What has to be the same as here; None where work is done here."""
        return Away(Path.cwd(), plugins()) if self.remote else None

    def needed(self, cases: int, timeout: float | None = None) -> bool:
        """Whether so many cases need an engine, and are not better scored in this process."""
        return self.remote or in_processes(cases, self.jobs, timeout)

    def threads(self, threads: int) -> int:
        """The threads of a task: as named, or for 0 an equal part of all, one on a cluster."""
        return threads or (1 if self.remote else threads_each(0, self.jobs or processors()))

    def check(self) -> None:
        """Refuse what does not go together, before long work.

        Raises:
            UsageError: two options exclude each other, or a file is missing.
            MissingBackend: ``dask.distributed`` is not installed.
        """
        if self.scheduler is not None and self.scheduler_file is not None:
            raise UsageError("--scheduler and --scheduler-file name a scheduler each; give one")
        if self.remote and self.engine == "pool":
            raise UsageError(
                "--engine pool uses processes of this machine; leave the scheduler out"
            )
        if self.remote and self.jobs:
            raise UsageError(
                "--jobs is of this machine; how many workers a scheduler has is its own"
            )
        if self.scheduler_file is not None and not self.scheduler_file.is_file():
            raise UsageError(f"{self.scheduler_file}: no such file; check that the scheduler runs")
        if self.remote or self.engine == "dask":
            cluster.require()

    @contextmanager
    def open(self, told: Callable[[str], None] | None = None) -> Iterator[Engine]:
        """Yield the engine; it ends with the block.

        Args:
            told: takes the address of Dask's dashboard where there is one.

        Raises:
            UsageError: the scheduler cannot be reached.
            MissingBackend: its workers cannot work, or no cluster starts here.
        """
        jobs = self.jobs or processors()
        if self.remote:
            opened = cluster.remote_engine(self.scheduler, self.scheduler_file)
        elif self.engine == "pool" or (self.engine == "auto" and not cluster.installed()):
            with pool_engine(jobs) as plain:
                yield plain
            return
        else:
            opened = cluster.local_engine(jobs)
        with opened as (engine, dashboard):
            if dashboard and told is not None:
                told(f"Dask's dashboard: {dashboard}")
            yield engine


HERE = Places("pool", 1)
"""Plain processes of this machine, one after another."""


def chosen(jobs: int, scheduler: str | None, scheduler_file: Path | None) -> Places:
    """The places of a command whose ``--jobs`` is 1 unless given: plain processes, or a scheduler.

    Raises:
        UsageError, MissingBackend: as `Places.check`.
    """
    remote = scheduler is not None or scheduler_file is not None
    places = Places(
        "auto" if remote else "pool", 0 if remote and jobs == 1 else jobs, scheduler, scheduler_file
    )
    places.check()
    return places
