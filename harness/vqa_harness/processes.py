"""The one pool of processes: many things at once, each in a process of its own.

A process that crashes, or that takes too long and is ended, loses the one case it worked on;
another takes its place.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any, Generic, TypeVar

from vqa_harness import memory
from vqa_harness.errors import InputError, MetricError, VqaError
from vqa_harness.registry import Registry
from vqa_harness.spawning import quiet_start
from vqa_harness.system import how_it_ended, pool_processes, processors
from vqa_harness.worker import Task, serve, with_registry

Case = TypeVar("Case")
Options = TypeVar("Options")
Result = TypeVar("Result")

_STILLBORN = 5
"""How many processes may die in a row while they start, before it is no accident."""
_PATIENCE = 5.0
"""Seconds that a process has to end by itself."""


class apart:  # noqa: N801 - a flag of this module, read as ``processes.apart.always``
    """Whether several cases are scored in processes of their own even one at a time.

    The command line sets it, so that a crash of native code ends one case and not the run. Within
    another program cases are scored where that program can see them.
    """

    always = False


def threads_each(threads: int, jobs: int) -> int:
    """The threads of one of ``jobs`` processes: as named, or for 0 an equal part of all."""
    return threads or max(1, processors() // jobs)


def in_processes(cases: int, jobs: int, timeout: float | None = None) -> bool:
    """Whether so many cases are scored in processes of their own."""
    return timeout is not None or (cases > 1 and (jobs > 1 or apart.always))


def in_order(
    score: Callable[[Case, Registry, Options], Result],
    cases: Iterable[Case],
    options: Options,
    jobs: int,
    died: Callable[[Case, VqaError], Result],
    timeout: float | None = None,
) -> Iterator[Result]:
    """Yield ``score(case, registry, options)`` of every case, in the order of the cases.

    Args:
        score: a function of a module, since a method or a lambda cannot be sent to a process. It
            gets the registry of what is installed.
        cases: what to score; they and the results must survive pickling. They are read one for each
            process ahead, so that no process waits, and no more.
        options: how to score; sent to every process.
        jobs: number of processes.
        died: makes the result of a case whose process died, or was ended after ``timeout``, from
            the case and the error that says so.
        timeout: seconds that a case may take; None for no bound. A process counts them from when it
            is ready for work.

    Raises:
        MetricError: processes die before they have any work.
    """
    waiting: deque[_Work[Case, Result]] = deque()
    with _Pool[Case, Result](jobs) as pool:
        for case in cases:
            waiting.append(pool.submit(case, (with_registry, (score, case, options)), timeout))
            while len(waiting) >= 2 * jobs:
                pool.until(waiting[0])
                yield waiting.popleft().result(died)
        while waiting:
            pool.until(waiting[0])
            yield waiting.popleft().result(died)


def as_they_finish(
    work: Callable[[Case], Result],
    cases: Sequence[Case],
    jobs: int,
    *,
    died: Callable[[Case, VqaError], None] | None = None,
    timeout: float | None = None,
) -> Iterator[tuple[Case, Result]]:
    """Yield every case with ``work(case)``, as soon as it is done.

    What ``work`` raises is raised here; what other processes have begun is then finished, and what
    none has begun is left. A case whose process ends unexpectedly does not keep the others from
    being done.

    Args:
        work: a function of a module.
        cases: the cases; they and the results must survive pickling.
        jobs: number of processes.
        died: called with a case whose process ended unexpectedly, or was ended after ``timeout``,
            and the error that says so; None to raise the first such error after the other cases.
        timeout: seconds that a case may take; None for no bound.

    Raises:
        MetricError: a process ended unexpectedly, and there is no ``died``.
        InputError: a case took longer than ``timeout``, likewise.
    """
    crashed: VqaError | None = None
    with _Pool[Case, Result](min(jobs, len(cases))) as pool:
        left = [pool.submit(case, (work, (case,)), timeout) for case in cases]
        while left:
            pool.until(*left)
            for one in [one for one in left if one.done]:
                left.remove(one)
                if one.ended is None:
                    yield one.case, one.result()
                elif died is not None:
                    died(one.case, one.ended)
                else:
                    crashed = crashed or type(one.ended)(f"{one.case}: {one.ended}")
    if crashed is not None:
        raise crashed


@dataclass(slots=True, eq=False)
class _Work(Generic[Case, Result]):
    """A case on its way.

    Attributes:
        case: the case.
        task: what a process is sent.
        timeout: seconds that it may take; None for no bound.
        done: whether there is a result or an error.
        ended: why its process gave neither.
    """

    case: Case
    task: Task
    timeout: float | None
    done: bool = False
    ended: VqaError | None = None
    _answer: list[Result] = field(default_factory=list)
    _error: BaseException | None = None

    def take(self, answer: tuple[bool, Any]) -> None:
        """Note the answer of a process."""
        good, value = answer
        self.done = True
        if good:
            self._answer.append(value)
        else:
            self._error = value

    def lose(self, why: VqaError) -> None:
        """Note that its process is gone."""
        self.done, self.ended = True, why

    def result(self, died: Callable[[Case, VqaError], Result] | None = None) -> Result:
        """The result of a case that is done, or what was raised instead.

        Args:
            died: makes the result where there is none; None to raise why.
        """
        if self._error is not None:
            raise self._error
        if self.ended is None:
            return self._answer[0]
        if died is None:
            raise self.ended
        return died(self.case, self.ended)


class _Worker(Generic[Case, Result]):
    """A process that does one task after another."""

    def __init__(self, share: int) -> None:
        context = multiprocessing.get_context("spawn")  # a forked copy with threads may hang
        self.connection: Any  # a Connection; on Windows another class of the same methods
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, share))
        try:
            with quiet_start():
                self.process.start()
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()
        self.work: _Work[Case, Result] | None = None
        self.ready = False
        self.until: float | None = None

    def give(self, work: _Work[Case, Result]) -> None:
        """Send it a task."""
        self.work = work
        self.start()
        with suppress(BrokenPipeError, ConnectionResetError):  # seen when the answer is read
            self.connection.send(work.task)

    def start(self) -> None:
        """Let the time run that its task may take, if the process is there."""
        timeout = self.work.timeout if self.work is not None and self.ready else None
        self.until = None if timeout is None else time.monotonic() + timeout

    def end(self, *, at_once: bool = False) -> None:
        """End the process: when it has read that nothing more comes, or while it works."""
        self.connection.close()
        if at_once:
            self.process.terminate()
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Pool(Generic[Case, Result]):
    """Processes that are started as they are needed; use it in a ``with`` statement."""

    def __init__(
        self,
        jobs: int,
    ) -> None:
        self._most = pool_processes(jobs)
        self._workers: list[_Worker[Case, Result]] = []
        self._queue: deque[_Work[Case, Result]] = deque()

    def __enter__(self) -> _Pool[Case, Result]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._queue.clear()
        if kind is not None and issubclass(kind, Exception):
            while any(worker.work for worker in self._workers):
                self.step()
        for worker in self._workers:
            worker.end(at_once=worker.work is not None)

    def submit(self, case: Case, task: Task, timeout: float | None = None) -> _Work[Case, Result]:
        """Have a task done as soon as a process is free."""
        work: _Work[Case, Result] = _Work(case, task, timeout)
        self._queue.append(work)
        self._hand_out()
        return work

    def until(self, *works: _Work[Case, Result]) -> None:
        """Wait until one of these is done."""
        while not any(work.done for work in works):
            self.step()

    def _hand_out(self) -> None:
        while self._queue:
            free = next((worker for worker in self._workers if worker.work is None), None)
            if free is None and len(self._workers) < self._most:
                free = _Worker(self._most)
                self._workers.append(free)
            if free is None:
                return
            free.give(self._queue.popleft())

    def step(self, seconds: float | None = None) -> None:
        """Wait for the next answer, end of a process, or deadline; at most so many seconds."""
        busy = {worker.connection: worker for worker in self._workers if worker.work is not None}
        ends = [worker.until for worker in busy.values() if worker.until is not None]
        left = max(0.0, min(ends) - time.monotonic()) if ends else None
        if seconds is not None:
            left = seconds if left is None else min(left, seconds)
        for connection in wait(list(busy), left):
            self._hear(busy[connection])
        now = time.monotonic()
        for worker in busy.values():
            if worker.work is not None and worker.until is not None and worker.until <= now:
                self._drop(worker, at_once=True).lose(_too_long(worker.work.timeout))
        self._hand_out()

    def _hear(self, worker: _Worker[Case, Result]) -> None:
        assert worker.work is not None
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            work = self._drop(worker)
            work.lose(_crash(worker.process.exitcode))
            if not worker.ready:
                raise MetricError("a process ended unexpectedly before it had any work") from None
            return
        if worker.ready:
            worker.work.take(answer)
            worker.work = None
        else:
            worker.ready = True
            worker.start()

    def _drop(self, worker: _Worker[Case, Result], *, at_once: bool = False) -> _Work[Case, Result]:
        """Give a process up, and return what it was working on."""
        worker.end(at_once=at_once)
        self._workers.remove(worker)
        assert worker.work is not None
        return worker.work


def _crash(code: int | None) -> VqaError:
    if code == memory.TOLD:
        return InputError("more memory is needed than its part of --memory; raise it")
    how = "was lost" if code is None else how_it_ended(code)
    return MetricError(
        f"the process that scored it died: it {how}, as when a library crashes or memory runs out"
    )


def _too_long(timeout: float | None) -> InputError:
    return InputError(f"took longer than the {timeout or 0:g} seconds of --timeout; raise it")


@contextmanager
def one_apart() -> Iterator[Apart]:
    """Yield an `Apart`; its process ends with the block."""
    with _Pool[None, Any](1) as pool:
        yield Apart(pool)


class Apart:
    """Calls functions in a process of their own, one call after another; see `one_apart`."""

    def __init__(self, pool: _Pool[None, Any]) -> None:
        self._pool = pool

    def __call__(
        self,
        work: Callable[[Case, Registry, Options], Result],
        case: Case,
        options: Options,
        timeout: float | None = None,
    ) -> Result:
        """The same as `in_order`, of one case.

        Raises:
            MetricError: the process ended unexpectedly.
            InputError: it took longer than ``timeout`` seconds.
        """
        one = self._pool.submit(None, (with_registry, (work, case, options)), timeout)
        self._pool.until(one)
        result: Result = one.result()
        return result


class Crew(Generic[Case, Result]):
    """Processes that stay warm, and are asked now and then what they have finished.

    For loops that have more to do than to wait: `close` ends the processes, whatever they do.

    Args:
        jobs: number of processes; each is started when it is first needed.
    """

    def __init__(self, jobs: int) -> None:
        self._pool = _Pool[Case, Result](jobs)
        self._under_way: list[_Work[Case, Result]] = []
        self._stillborn = 0

    def start(
        self,
        work: Callable[[Case, Registry, Options], Result],
        case: Case,
        options: Options,
        timeout: float | None = None,
    ) -> None:
        """Have ``work(case, registry, options)`` done when a process is free; see `in_order`."""
        task = (with_registry, (work, case, options))
        self._under_way.append(self._pool.submit(case, task, timeout))

    def finished(self, seconds: float) -> list[tuple[Case, Result | VqaError]]:
        """Each case that is done with its result, or with why its process gave none.

        What a process raised is raised here. One that dies while it starts loses the case that it
        would have had, as any other does.

        Args:
            seconds: how long to wait at most for the first.

        Raises:
            MetricError: process after process died while it started.
        """
        until = time.monotonic() + seconds
        while self._under_way and not any(work.done for work in self._under_way):
            if (left := until - time.monotonic()) <= 0:
                break
            try:
                self._pool.step(left)
            except MetricError:
                self._stillborn += 1
                if self._stillborn > _STILLBORN:
                    raise
        done = [work for work in self._under_way if work.done]
        self._under_way = [work for work in self._under_way if not work.done]
        if any(work.ended is None for work in done):
            self._stillborn = 0
        return [(work.case, work.ended or work.result()) for work in done]

    def close(self) -> None:
        """End the processes."""
        self._pool.__exit__(None)
