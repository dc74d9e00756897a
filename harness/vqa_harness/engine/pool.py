"""The engine that is processes of this machine, which needs no further package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vqa_harness.engine.task import Answer, Engine, Task, do
from vqa_harness.processes import Crew


@contextmanager
def pool_engine(jobs: int) -> Iterator[Engine]:
    """Yield an engine of so many processes; they end with the block."""
    engine = _PoolEngine(jobs)
    try:
        yield engine
    finally:
        engine.crew.close()


class _PoolEngine:
    def __init__(self, jobs: int) -> None:
        self.slots, self.window = jobs, 2 * jobs
        self.crew = Crew[Task, Any](jobs)

    def submit(self, task: Task) -> None:
        self.crew.start(do, task, None, task.timeout)

    def finished(self, seconds: float) -> list[Answer]:
        return self.crew.finished(seconds)
