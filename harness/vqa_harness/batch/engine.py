"""What runs the cases of a batch: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from vqa_harness.batch.case import Case, Outcome
from vqa_harness.batch.score import score_case
from vqa_harness.batch.settings import Settings
from vqa_harness.errors import VqaError
from vqa_harness.processes import Crew

Answer = tuple[Case, Outcome | VqaError]
"""A case with what its process says, or with why that was lost: `MetricError` where it died."""


class Engine(Protocol):
    """Scores cases side by side, each in a process of its own that stays warm for the next."""

    @property
    def slots(self) -> int:
        """How many cases are scored at once."""

    @property
    def window(self) -> int:
        """How many cases may be under way at most, so that no slot waits."""

    def submit(self, case: Case) -> None:
        """Have a case scored as soon as a slot is free."""

    def finished(self, seconds: float) -> list[Answer]:
        """The cases that have ended; waits so long for the first.

        Raises:
            VqaError: nothing more can be scored.
        """


@contextmanager
def pool_engine(settings: Settings, jobs: int) -> Iterator[Engine]:
    """An engine of processes of this machine, which needs no further package."""
    engine = _PoolEngine(settings, jobs)
    try:
        yield engine
    finally:
        engine.crew.close()


class _PoolEngine:
    def __init__(self, settings: Settings, jobs: int) -> None:
        self.slots, self.window = jobs, 2 * jobs
        self.crew = Crew[Case, Outcome](jobs)
        self._settings = settings

    def submit(self, case: Case) -> None:
        self.crew.start(score_case, case, self._settings, self._settings.timeout)

    def finished(self, seconds: float) -> list[Answer]:
        return self.crew.finished(seconds)
