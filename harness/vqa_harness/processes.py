"""Scores many things at once, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from itertools import repeat
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
    cases: Sequence[Case],
    options: Options,
    jobs: int,
) -> Iterator[Result]:
    """Yield ``score(case, registry, options)`` of every case, in order.

    Args:
        score: a function of a module; gets the registry of what is installed.
        cases: what to score; they and the results must survive pickling.
        options: how.
        jobs: processes.

    Raises:
        MetricError: a process ended unexpectedly.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(pool_processes(min(jobs, len(cases))), context, _start)
    try:
        yield from pool.map(_in_process, repeat(score), cases, repeat(options))
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
