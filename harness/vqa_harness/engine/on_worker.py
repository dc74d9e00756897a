"""What a worker of a cluster does: it has a task done by a process below it.

A decoder's crash then ends that process and not the worker, whose death would be counted against
every task that it held. The process stays for the next task, so kernels and models are loaded once.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import threading
from typing import Any

from vqa_harness import __version__
from vqa_harness.engine.task import Task, do
from vqa_harness.errors import MetricError
from vqa_harness.processes import Crew

_LOOK = 0.5
"""Seconds between two looks at whether the task is still wanted."""

_below: dict[int, Crew[Task, Any]] = {}
"""The process below each thread of this worker that has had a task."""


def about_worker() -> dict[str, Any]:
    """What a client has to know of a worker before it sends tasks."""
    return {"version": __version__, "daemon": multiprocessing.current_process().daemon}


def work_on_worker(task: Task) -> Any:
    """Do a task in the process below this thread; an error says why that process was lost."""
    crew = _crew()
    try:
        crew.start(do, task, None, task.timeout)
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


def _crew() -> Crew[Task, Any]:
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
