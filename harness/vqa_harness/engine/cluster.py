"""The engine that is a Dask cluster: of this machine, or whatever a scheduler's address leads to.

The files are the truth, and Dask only carries tasks to workers. Few are there at once, and each is
let go as soon as it has ended, because what a client still holds is computed again when its worker
dies. What Dask gives up comes back as a task that was lost, for its client to try again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from vqa_harness import __version__
from vqa_harness.engine.on_worker import about_worker, work_on_worker
from vqa_harness.engine.task import Answer, Engine, Task
from vqa_harness.errors import MetricError, MissingBackend, UsageError, one_line
from vqa_harness.installation import pip_install
from vqa_harness.leftovers import remove_folder, temporary_folder

if TYPE_CHECKING:
    from distributed import Client, Future

_CONFIG = {
    "distributed.worker.daemon": False,  # or a worker could start no process
    "distributed.scheduler.allowed-failures": 10,  # attempts are counted by the client
    "distributed.scheduler.worker-ttl": "15 minutes",
    "distributed.comm.timeouts.connect": "60s",
    "distributed.comm.timeouts.tcp": "120s",
    "distributed.worker.memory.target": False,  # it holds names and answers, no data
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,  # it would look into the thread 100 times a second
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.low-level-log-length": 50,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "1h",
    "distributed.diagnostics.nvml": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.diagnostics.computations.max-history": 1,
    "logging": {"distributed": "critical"},
}
_STARTS = 3
"""How often a cluster of this machine is started before it is given up."""
_MOST_SLOTS = 4096
"""The window never holds more tasks than twice so many."""
_ASK_EVERY = 5.0
"""Seconds between two looks at how many workers there are."""
_GONE = "the scheduler is gone; what is done is kept, and the same command goes on from there"
_PATIENCE = 60.0
"""Seconds without a worker after which a local cluster is given up."""


def installed() -> bool:
    """Whether ``dask.distributed`` is installed."""
    return find_spec("distributed") is not None


def require() -> None:
    """Check, before long work, that a cluster can be had.

    Raises:
        MissingBackend: ``dask.distributed`` is not installed.
    """
    if not installed():
        raise MissingBackend(
            f"a cluster needs dask.distributed; {pip_install('vqa-harness[batch]')}"
        )


@contextmanager
def local_engine(jobs: int) -> Iterator[tuple[Engine, str]]:
    """Yield an engine of a cluster of this machine, and the address of its dashboard.

    The address is empty where bokeh, which draws the dashboard, is not installed.
    """
    import dask
    from distributed import Client

    _be_quiet()
    _quiet_tracker()
    shown = _has_bokeh()
    with (
        _scratch_folder() as scratch,
        dask.config.set({**_CONFIG, "temporary-directory": str(scratch)}),
        _closing(_started(jobs, "127.0.0.1:0" if shown else None)) as local,
        _closing(Client(local, set_as_default=False)) as client,
    ):
        yield _ClusterEngine(client, jobs), local.dashboard_link if shown else ""


def _started(jobs: int, dashboard: str | None) -> Any:
    """A cluster of this machine; a worker that dies while it starts fails the first attempts.

    Raises:
        MissingBackend: it does not start.
    """
    from distributed import LocalCluster

    for left in range(_STARTS - 1, -1, -1):
        try:
            return LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,
                silence_logs=logging.CRITICAL,
                dashboard_address=dashboard,
            )
        except (RuntimeError, OSError, TimeoutError) as error:
            if not left:
                raise MissingBackend(
                    f"no Dask cluster starts here ({one_line(error)}); --engine pool needs none"
                ) from None
    raise AssertionError


@contextmanager
def _closing(one: Any) -> Iterator[Any]:
    """Close a cluster or a client at the end; what goes wrong then harms no result."""
    try:
        yield one
    finally:
        with suppress(Exception):
            one.close(timeout=10)


@contextmanager
def remote_engine(address: str | None, file: Path | None) -> Iterator[tuple[Engine, str]]:
    """Yield an engine of the workers of a scheduler, and the address of its dashboard.

    Args:
        address: of the scheduler, such as ``tcp://host:8786``.
        file: that Dask's scheduler wrote with ``--scheduler-file``, instead of the address.

    Raises:
        UsageError: the scheduler cannot be reached.
        MissingBackend: its workers cannot score.
    """
    import dask

    _be_quiet()
    with dask.config.set(_CONFIG), _closing(_connected(address, file)) as client:
        _check_workers(client)
        link = client.dashboard_link if _has_dashboard(client) else ""
        yield _ClusterEngine(client, None), link


def _connected(address: str | None, file: Path | None) -> Any:
    from distributed import Client

    where = {"scheduler_file": str(file)} if file is not None else {"address": address}
    try:
        return Client(**where, timeout=20, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"scheduler {file or address}: cannot be reached ({one_line(error)}); check that it "
            "runs"
        ) from None


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    folder = temporary_folder()
    try:
        yield folder
    finally:
        remove_folder(folder)


def _quiet_tracker() -> None:
    """Keep Python from a warning of its own when an interrupt ends this process at once.

    The process that removes what others leave of Dask's locks would say that it did.
    """
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker:UserWarning"
    try:
        resource_tracker.ensure_running()
    finally:
        del os.environ["PYTHONWARNINGS"]
        if before is not None:
            os.environ["PYTHONWARNINGS"] = before


def _be_quiet() -> None:
    """Keep Dask from writing of deaths and reconnections, which are told here where they matter."""
    import distributed  # noqa: F401 - it sets levels of its own when it is loaded

    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _has_bokeh() -> bool:
    return find_spec("bokeh") is not None


def _has_dashboard(client: Client) -> bool:
    """Whether the scheduler shows something; without bokeh it has a server that does not."""
    return _has_bokeh() and "dashboard" in client.scheduler_info(n_workers=0).get("services", {})


def _check_workers(client: Client) -> None:
    """Refuse workers that could score nothing, before the first case is lost on them.

    There may be none yet: a cluster may start them when there is work.

    Raises:
        MissingBackend: one could not.
    """
    for place, about in client.run(about_worker, on_error="return").items():
        if isinstance(about, BaseException):
            raise MissingBackend(
                f"worker {place} cannot load vqa-harness ({one_line(about)}); install it there"
            )
        if about["version"] != __version__:
            raise MissingBackend(
                f"worker {place} has vqa-harness {about['version']}, this is {__version__}; "
                "install the same"
            )
        if about["daemon"]:
            raise MissingBackend(
                f"worker {place} may not start processes; start workers with the variable "
                "DASK_DISTRIBUTED__WORKER__DAEMON=False, or with --no-nanny"
            )


class _ClusterEngine:
    """Tasks of a cluster.

    Args:
        client: connected to the scheduler.
        jobs: the number of workers where it is fixed; None to ask the scheduler.
    """

    def __init__(self, client: Client, jobs: int | None) -> None:
        from distributed import as_completed

        self._client, self._jobs = client, jobs
        self._mark = f"vqa-{uuid4().hex[:8]}"
        self._tasks: dict[Any, Task] = {}
        self._ended = as_completed(loop=client.loop, with_results=True, raise_errors=False)
        self._slots, self._asked, self._alone_since = jobs or 1, -_ASK_EVERY, time.monotonic()

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def window(self) -> int:
        return 2 * self._slots + 1

    def submit(self, task: Task) -> None:
        key = (self._mark, task.name)  # Dask keeps for ever what it has of first parts
        future = self._client.submit(work_on_worker, task, key=key, pure=False)
        self._tasks[key] = task
        self._ended.add(future)

    def finished(self, seconds: float) -> list[Answer]:
        self._look()
        until = time.monotonic() + seconds
        while not self._ended.has_ready() and (left := until - time.monotonic()) > 0:
            with self._ended.thread_condition:
                self._ended.thread_condition.wait(min(left, 0.02))
        return [self._answer(*one) for one in self._ended.next_batch(block=False)]

    def _look(self) -> None:
        """See now and then how many workers there are.

        Raises:
            MissingBackend: the scheduler is gone, or no worker of this machine starts.
        """
        if self._client.status != "running":
            raise MissingBackend(_GONE)
        now = time.monotonic()
        if now - self._asked < _ASK_EVERY:
            return
        self._asked = now
        try:
            there = sum(self._client.nthreads().values())
        except (OSError, TimeoutError):
            raise MissingBackend(_GONE) from None
        if there:
            self._alone_since = now
        elif self._jobs is not None and now - self._alone_since > _PATIENCE:
            raise MissingBackend("no worker of this machine starts; --engine pool needs none")
        if self._jobs is None:
            self._slots = max(1, min(_MOST_SLOTS, there))

    def _answer(self, future: Future, result: Any) -> Answer:
        task = self._tasks.pop(future.key)
        status = future.status
        future.release()
        if status == "finished":
            return task, result
        why = result[1] if isinstance(result, tuple) else result
        if isinstance(why, ModuleNotFoundError):
            raise MissingBackend(f"a worker cannot load vqa-harness ({one_line(why)}); install it")
        return task, MetricError(f"was lost by the cluster: {one_line(why)}")
