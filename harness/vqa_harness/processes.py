"""Scores many things at once, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from typing import TypeVar

from vqa_harness.errors import MetricError
from vqa_harness.registry import Registry
from vqa_harness.system import pool_processes, processors

Case = TypeVar("Case")
Options = TypeVar("Options")
Result = TypeVar("Result")


def threads_each(threads: int, jobs: int) -> int:
    """Threads of one of ``jobs`` processes: as asked for, with 0 an equal part of all."""
    return threads or max(1, processors() // jobs)


def in_processes(
    score: Callable[[Case, Registry, Options], Result],
    cases: Iterable[Case],
    options: Options,
    jobs: int,
) -> Iterator[Result]:
    """Yield ``score(case, registry, options)`` of every case, in order.

    Args:
        score: a function of a module; gets the registry of what is installed.
        cases: what to score, read two for each process ahead; they and the results must survive
            pickling.
        options: how.
        jobs: processes.

    Raises:
        MetricError: a process ended unexpectedly.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(pool_processes(jobs), context, _start)
    waiting: deque[Future[Result]] = deque()
    try:
        for case in cases:
            waiting.append(pool.submit(_in_process, score, case, options))
            if len(waiting) >= 2 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise MetricError("a scoring process ended unexpectedly; try --jobs 1") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start() -> None:
    """An interrupt ends a worker at once, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _in_process(
    score: Callable[[Case, Registry, Options], Result], case: Case, options: Options
) -> Result:
    return score(case, _installed(), options)


@lru_cache(maxsize=1)
def _installed() -> Registry:
    return Registry.installed()
