"""Many cases on an engine, and their results in the order of the cases."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, TypeVar

from vqa_harness import interruption
from vqa_harness.engine.task import Away, Engine, Raised, Task
from vqa_harness.errors import VqaError
from vqa_harness.registry import Registry

Case = TypeVar("Case")
Options = TypeVar("Options")
Result = TypeVar("Result")

_WAIT = 0.25
"""Seconds after which waiting looks at other things."""
_AHEAD = 8
"""How many windows of cases there are at most behind one that takes long."""


def in_order_on(
    engine: Engine,
    score: Callable[[Case, Registry, Options], Result],
    cases: Iterable[Case],
    options: Options,
    died: Callable[[Case, VqaError], Result],
    *,
    timeout: float | None = None,
    away: Away | None = None,
) -> Iterator[Result]:
    """Yield ``score(case, registry, options)`` of every case, in the order of the cases.

    Args:
        engine: has them scored.
        score: a function of a module. It gets the registry of what is installed where it runs.
        cases: what to score; they and the results must survive pickling. Few are read ahead.
        options: how to score; likewise.
        died: makes the result of a case whose process died, or was ended after ``timeout``, from
            the case and the error that says so.
        timeout: seconds that a case may take; None for no bound.
        away: what has to be the same as here where the engine is on other machines.

    Raises:
        VqaError: what ``score`` raises of the first case that has it raise; or nothing more can
            be done.
    """
    numbers, ahead = count(), iter(cases)
    waiting: deque[Task] = deque()
    done: dict[str, Any] = {}
    more = True

    def room() -> bool:
        under_way = len(waiting) - len(done)
        return more and under_way < engine.window and len(waiting) < _AHEAD * engine.window

    while more or waiting:
        while room():
            for case in ahead:
                name = str(next(numbers))
                waiting.append(Task(name, _told, (score, case), options, timeout, away))
                engine.submit(waiting[-1])
                break
            else:
                more = False
        while waiting and waiting[0].name in done:
            yield _result(done.pop(waiting[0].name), waiting.popleft().case[1], died)
        if waiting and not room():
            interruption.check()
            done.update((task.name, answer) for task, answer in engine.finished(_WAIT))


def _told(
    work: tuple[Callable[[Any, Registry, Any], Any], Any], registry: Registry, options: Any
) -> Any:
    """What a function gives, or the error that it raises, to be raised where it is asked for."""
    score, case = work
    try:
        return score(case, registry, options)
    except VqaError as error:
        return Raised(error)


def _result(answer: Any, case: Case, died: Callable[[Case, VqaError], Result]) -> Result:
    if isinstance(answer, Raised):
        raise answer.error
    if isinstance(answer, VqaError):
        return died(case, answer)
    result: Result = answer
    return result
