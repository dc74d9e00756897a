"""Takes a corpus to its end: every case gets a row, whatever dies on the way.

Cases are handed out few at a time, in the order of the manifest. Those whose row is there are not
handed out. A case that was lost with its process, or that failed for a reason that may pass, is
tried again after a while; what is then still lost gets a row that says so. The pieces of long cases
are handed out before further cases, so that few of these are under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import chain

from vqa_harness import interruption
from vqa_harness.batch.case import Case, Item, Joint, Outcome, Part, case_of, in_shard
from vqa_harness.batch.long_cases import LongCases
from vqa_harness.batch.manifest import Entry
from vqa_harness.batch.pieces import join_parts, score_part
from vqa_harness.batch.score import fail, new_row, put, score_case, settled
from vqa_harness.batch.settings import Settings
from vqa_harness.batch.store import Store
from vqa_harness.batch.tally import Tally, Telling
from vqa_harness.engine.task import Engine, Task
from vqa_harness.errors import (
    InputError,
    MetricError,
    MissingBackend,
    PartialResult,
    UsageError,
    VqaError,
)

_WAIT = 0.25
"""Seconds after which waiting looks at other things."""
_PAUSES = (0.5, 2.0, 8.0)
"""Seconds before the second attempt, the third, and each after it."""
_FATAL: dict[int, type[VqaError]] = {one.exit_code: one for one in (InputError, MissingBackend)}
"""What is raised where nothing more can be scored, by the exit code; else `UsageError`."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which cases are scored, and when it is enough.

    Attributes:
        shard: (I, N): part I of N; (1, 1) for all.
        max_failures: after more than so many new failures it is given up; None for no bound.
    """

    shard: tuple[int, int] = (1, 1)
    max_failures: int | None = None


def run_batch(
    entries: Iterable[Entry],
    settings: Settings,
    open_engine: Callable[[], AbstractContextManager[Engine]],
    tally: Tally,
    telling: Telling,
    bounds: Bounds | None = None,
) -> None:
    """Score every case that is not settled yet.

    Args:
        entries: the corpus.
        settings: how cases are scored.
        open_engine: opens what scores them; not called where all are settled.
        tally: counts them.
        telling: says how far it is.
        bounds: which cases, and when it is enough; None for all.

    Raises:
        PartialResult: too many failed; what was under way is given up.
        VqaError: nothing more can be scored, such as where the disk is full.
    """
    running = _Running(settings, tally, telling, bounds or Bounds())
    cases = running.unsettled(entries)
    first = next(cases, None)
    if first is not None:
        with open_engine() as engine:
            running.to_end(chain([first], cases), engine)


class _Running:
    def __init__(self, settings: Settings, tally: Tally, telling: Telling, bounds: Bounds) -> None:
        self._settings, self._tally = settings, tally
        self._telling, self._bounds, self._store = telling, bounds, Store(settings.out, many=True)
        self._under_way = 0
        self._long = LongCases()
        self._waiting: list[tuple[float, int, Item]] = []
        """What is to be tried again: when, a number that no other has, and the case or piece."""
        self._number = self._failures = 0

    def to_end(self, fresh: Iterator[Case], engine: Engine) -> None:
        more = True
        while more or self._under_way or self._waiting or self._long.ready:
            interruption.check()
            while self._under_way < engine.window:
                item = self._due() or self._long.next() or (next(fresh, None) if more else None)
                if item is None:
                    more = False
                    break
                engine.submit(self._task(item))
                self._under_way += 1
            self._tally.divided = self._long.state()
            self._tally.running = min(self._under_way, engine.slots)
            self._telling.tick()
            if self._under_way:
                for task, answer in engine.finished(_WAIT):
                    self._under_way -= 1
                    self._take(task.case, answer)
            elif self._waiting:
                time.sleep(_WAIT)
        self._tally.running, self._tally.divided = 0, []

    def unsettled(self, entries: Iterable[Entry]) -> Iterator[Case]:
        """The cases of this part that have to be scored; the others are counted."""
        cases = (case_of(entry, self._settings.digest) for entry in entries)
        mine = (case for case in cases if in_shard(case.key, self._bounds.shard))
        for case, row in self._store.with_rows(mine):
            if row is None and self._settings.failed_only:
                self._tally.left += 1
            elif row is not None and settled(row, case, self._settings, self._store):
                failed = row.status == "failed"
                self._count(case, Outcome(True, failed, row.exit_code, row.message, row.frames))
            else:
                yield case
            self._telling.tick()

    def _task(self, item: Item) -> Task:
        name, settings = f"{item.case.key[:24]}-{item.case.attempt}", self._settings
        if isinstance(item, Case):
            return Task(name, score_case, item, settings, settings.timeout)
        name += f"-{item.attempt}"
        if isinstance(item, Joint):
            return Task(f"{name}-joined", join_parts, item, settings, settings.timeout)
        return Task(f"{name}-{item.number}", score_part, item, settings, settings.timeout)

    def _due(self) -> Item | None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            item = heappop(self._waiting)[2]
            if self._long.wants(item):
                return item
        return None

    def _take(self, item: Item, answer: Outcome | VqaError) -> None:
        if not self._long.wants(item):
            return
        case = item.case
        if isinstance(answer, VqaError):
            # a process that died may have had bad luck, one that took too long will again
            passing = isinstance(answer, MetricError)
            if passing and item.attempt <= self._settings.retries:
                self._again(item)
                return
            row = new_row(case, self._settings)
            fail(row, answer)
            answer = put(row, self._store)
        if answer.fatal:
            raise _FATAL.get(answer.exit_code, UsageError)(answer.fatal)
        if answer.passing:
            self._again(item)
        elif not self._go_on(item, answer):
            self._long.end(case)
            self._count(case, answer)

    def _go_on(self, item: Item, answer: Outcome) -> bool:
        """Do what has to be done next for a long case; False where it has its row."""
        case = item.case
        if answer.divided is not None:
            self._long.begin(case, answer.divided)
            self._telling.say(
                f"{case.file}: pairs of frames found in {answer.divided.seconds:.1f} s, scored in "
                f"{answer.divided.pieces} pieces"
            )
        elif answer.undivided:
            self._long.whole(replace(case, undivided=f"scored in one piece: {answer.undivided}"))
        elif isinstance(item, Part) and answer.given:
            self._long.take(item, answer.given)
        else:
            return False
        return True

    def _again(self, item: Item) -> None:
        self._tally.retried += 1
        self._number += 1
        pause = _PAUSES[min(item.attempt, len(_PAUSES)) - 1]
        due = time.monotonic() + pause
        heappush(self._waiting, (due, self._number, replace(item, attempt=item.attempt + 1)))

    def _count(self, case: Case, outcome: Outcome) -> None:
        self._tally.settle(case, outcome)
        self._failures += outcome.failed and not outcome.kept
        most = self._bounds.max_failures
        if most is not None and self._failures > most:
            raise PartialResult(
                f"more than --max-failures {most} cases failed, the last: {outcome.message}"
            )
