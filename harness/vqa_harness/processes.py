"""The one pool of processes: many things at once, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import TypeVar

from vqa_harness.errors import MetricError
from vqa_harness.interruption import watched
from vqa_harness.registry import Registry
from vqa_harness.system import pool_processes, processors

Case = TypeVar("Case")
Options = TypeVar("Options")
Result = TypeVar("Result")

DIED = (
    "the process that scored it died: a library crashed on it, or memory ran out; the file may be "
    "damaged, or do fewer things at once"
)
"""What is said of a case whose process died."""
_interrupted = threading.Event()
"""Set in a worker that takes no more work."""


def threads_each(threads: int, jobs: int) -> int:
    """The threads of one of ``jobs`` processes: as named, or for 0 an equal part of all."""
    return threads or max(1, processors() // jobs)


def in_order(
    score: Callable[[Case, Registry, Options], Result],
    cases: Iterable[Case],
    options: Options,
    jobs: int,
    died: Callable[[Case, MetricError], Result],
) -> Iterator[Result]:
    """Yield ``score(case, registry, options)`` of every case, in the order of the cases.

    Where a process dies, as when a library crashes or memory runs out, nobody can tell which of the
    cases that it and its neighbours had begun did it. These are scored again, each in a process of
    its own; one that dies there as well is that case's failure, and the others go on.

    Args:
        score: a function of a module, since a method or a lambda cannot be sent to a process. It
            gets the registry of what is installed.
        cases: what to score; they and the results must survive pickling. They are read two for each
            process ahead, so that no process waits, and no more.
        options: how to score; sent to every process.
        jobs: number of processes.
        died: makes the result of a case whose process died.

    Raises:
        MetricError: processes die before they have any work.
    """
    rest = iter(cases)
    while True:
        waiting: deque[tuple[Case, Future[Result]]] = deque()
        pool = _new_pool(jobs)
        try:
            for case in rest:
                waiting.append((case, _submitted(pool, score, case, options)))
                if len(waiting) >= 2 * jobs:
                    yield waiting[0][1].result()
                    waiting.popleft()
            while waiting:
                yield waiting[0][1].result()
                waiting.popleft()
            return
        except BrokenProcessPool:
            pass
        finally:
            pool.shutdown(cancel_futures=True)
        for case, future in waiting:
            done = future.done() and not future.cancelled() and future.exception() is None
            yield future.result() if done else _alone(score, case, options, died)


def _submitted(
    pool: ProcessPoolExecutor,
    score: Callable[[Case, Registry, Options], Result],
    case: Case,
    options: Options,
) -> Future[Result]:
    """The future of a case, also where the pool is broken already."""
    try:
        return pool.submit(_watched, _with_registry, score, case, options)
    except BrokenProcessPool as error:
        future: Future[Result] = Future()
        future.set_exception(error)
        return future


def _alone(
    score: Callable[[Case, Registry, Options], Result],
    case: Case,
    options: Options,
    died: Callable[[Case, MetricError], Result],
) -> Result:
    """Score a case in a process of its own, whose death is the case's result.

    Raises:
        MetricError: the process died before it had any work.
    """
    pool = _new_pool(1)
    try:
        pool.submit(_started).result()
    except BrokenProcessPool:
        pool.shutdown(cancel_futures=True)
        raise MetricError("a process ended unexpectedly before it had any work") from None
    try:
        future: Future[Result] = pool.submit(_watched, _with_registry, score, case, options)
        return future.result()
    except BrokenProcessPool:
        return died(case, MetricError(DIED))
    finally:
        pool.shutdown(cancel_futures=True)


def as_they_finish(
    work: Callable[[Case], Result], cases: Sequence[Case], jobs: int
) -> Iterator[tuple[Case, Result]]:
    """Yield every case with ``work(case)``, as soon as it is done.

    What ``work`` raises is raised here; what other processes have begun is then finished, and what
    none has begun is left.

    Args:
        work: a function of a module.
        cases: the cases; they and the results must survive pickling.
        jobs: number of processes.

    Raises:
        MetricError: a process ended unexpectedly.
    """
    with _pool(min(jobs, len(cases))) as pool:
        futures = {pool.submit(_watched, work, case): case for case in cases}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _new_pool(jobs: int) -> ProcessPoolExecutor:
    # spawned: a forked copy of a process with threads may hang
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(pool_processes(jobs), context, _start)


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    pool = _new_pool(jobs)
    try:
        yield pool
    except BrokenProcessPool:
        raise MetricError(
            "a process ended unexpectedly, as when memory runs out; do fewer things at once"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start() -> None:
    """Let a worker that waits remember an interrupt, instead of ending with a traceback."""
    signal.signal(signal.SIGINT, _remember)


def _started() -> bool:
    """The first work of a process, which shows that it can be started at all."""
    return True


def _remember(_number: int, _frame: FrameType | None) -> None:
    _interrupted.set()


def _watched(work: Callable[..., Result], *arguments: object) -> Result:
    """Do the work, unless this worker was interrupted.

    An interrupt during the work removes the work's temporary files and is then its result. The
    worker itself goes on: if it ended, the pool would kill the others before they have removed
    theirs.
    """
    if _interrupted.is_set():
        raise KeyboardInterrupt
    try:
        with watched():
            return work(*arguments)
    except KeyboardInterrupt:
        _interrupted.set()
        raise


def _with_registry(
    score: Callable[[Case, Registry, Options], Result], case: Case, options: Options
) -> Result:
    return score(case, _installed(), options)


@lru_cache(maxsize=1)
def _installed() -> Registry:
    return Registry.installed()
