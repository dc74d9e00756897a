"""What a worker of a cluster does: it has a case scored by a process below it.

A decoder's crash then ends that process and not the worker, whose death would be counted against
every task that it held. The process stays for the next case, so kernels and models are loaded once.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import threading
from typing import Any

from vqa_harness import __version__
from vqa_harness.batch.case import Case, Outcome
from vqa_harness.batch.score import score_case
from vqa_harness.batch.settings import Settings
from vqa_harness.errors import MetricError, VqaError
from vqa_harness.processes import Crew

_LOOK = 0.5
"""Seconds between two looks at whether the case is still wanted."""

_below: dict[int, Crew[Case, Outcome]] = {}
"""The process below each thread of this worker that has had a case."""


def about_worker() -> dict[str, Any]:
    """What a client has to know of a worker before it sends cases."""
    return {"version": __version__, "daemon": multiprocessing.current_process().daemon}


def score_on_worker(case: Case, settings: Settings) -> Outcome | VqaError:
    """Score a case in the process below this thread; an error says why that process was lost."""
    crew = _crew()
    try:
        crew.start(score_case, case, settings, settings.timeout)
        while not (done := crew.finished(_LOOK)):
            if not _wanted():
                break
    except BaseException:
        _end(threading.get_ident())
        raise
    if not done:
        _end(threading.get_ident())  # a task that was cancelled goes on, unless somebody ends it
        return MetricError("is not wanted any more")
    return done[0][1]


def _crew() -> Crew[Case, Outcome]:
    if not _below:
        atexit.register(_end_all)  # before Python waits for processes that wait for work
        # Dask has memory given back to the system at once, which costs a fifth of decoding
        os.environ.pop("MALLOC_TRIM_THRESHOLD_", None)
    return _below.setdefault(threading.get_ident(), Crew(1))


def _end(thread: int) -> None:
    _below.pop(thread).close()


def _end_all() -> None:
    for thread in list(_below):
        _end(thread)


def _wanted() -> bool:
    """Whether the task that this thread works on has not been cancelled."""
    from distributed import get_worker
    from distributed.worker import thread_state

    try:
        task = get_worker().state.tasks.get(thread_state.key)
    except (AttributeError, ValueError):
        return True
    return task is not None and task.state != "cancelled"
