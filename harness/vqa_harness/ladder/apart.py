"""Scores the encodings of a source, in a process of their own so that a crash loses one rung."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vqa_harness.errors import InputError, MetricError
from vqa_harness.ladder.scoring import Measuring, Outcome, RungsToScore, groups, score_group
from vqa_harness.logs.log import Log
from vqa_harness.processes import Apart, in_processes, one_apart
from vqa_harness.registry import Registry
from vqa_harness.request import Request


@dataclass(frozen=True, slots=True)
class _How:
    """A `Measuring` without its registry, as it goes to a process."""

    rest: dict[str, Any]

    def there(self, registry: Registry) -> Measuring:
        return Measuring(registry=registry, **self.rest)


def score_all(
    paths: Sequence[Path],
    reference: Path | None,
    requests: Sequence[Request],
    how: Measuring,
    done: Callable[[int, Log], None],
) -> list[Outcome]:
    """Score encodings of one source.

    Args:
        paths: the encodings.
        reference: the source; None where there is none.
        requests: the metrics.
        how: threads, options and so on.
        done: called with an encoding's number and its log as soon as it is there, on the thread
            that scored it.

    Returns:
        For each encoding its log, or the error of its file, its pairing or a metric.

    Raises:
        UsageError: metrics that cannot be run together.
        MissingBackend: a metric's packages or model are missing.
    """
    work = RungsToScore(list(paths), reference, list(requests))
    if in_processes(len(paths), 1, how.timeout):
        found = score_apart(work, how, done)
    else:
        found = {}
        for group in groups(paths, reference, requests, how):
            found |= score_group(group, work, how, done)
    return [found[number] for number in range(len(paths))]


def score_apart(
    work: RungsToScore, how: Measuring, done: Callable[[int, Log], None]
) -> dict[int, Outcome]:
    """Score encodings; the outcome of each, by its number.

    A group whose process crashes, or takes longer than all its rungs together may, is scored again
    one by one, so that only the rung that did it is lost.

    Raises:
        UsageError: metrics that cannot be run together.
        MissingBackend: a metric's packages or model are missing.
    """
    names = [field.name for field in fields(Measuring) if field.name != "registry"]
    sent = _How({name: getattr(how, name) for name in names})
    found: dict[int, Outcome] = {}
    with one_apart() as call:
        waiting = _groups(call, work, sent, how.timeout)
        while waiting:
            group = waiting.pop(0)
            limit = None if how.timeout is None else how.timeout * len(group)
            try:
                outcomes = call(_score, (group, work), sent, limit)
            except (InputError, MetricError) as error:
                if len(group) > 1:
                    waiting = [*([number] for number in group), *waiting]
                    continue
                name = work.paths[group[0]].name
                outcomes = {group[0]: type(error)(f"{name}: {error}")}
            for number, outcome in outcomes.items():
                if isinstance(outcome, Log):
                    done(number, outcome)
            found |= outcomes
    return found


def _groups(call: Apart, work: RungsToScore, sent: _How, timeout: float | None) -> list[list[int]]:
    """The groups; each encoding alone if one of them is such that not even that can be told."""
    try:
        return call(_grouped, work, sent, timeout)
    except (InputError, MetricError):
        return [[number] for number in range(len(work.paths))]


def _grouped(work: RungsToScore, registry: Registry, sent: _How) -> list[list[int]]:
    return groups(work.paths, work.reference, work.requests, sent.there(registry))


def _score(
    what: tuple[list[int], RungsToScore], registry: Registry, sent: _How
) -> dict[int, Outcome]:
    return score_group(*what, sent.there(registry), _nothing)


def _nothing(_number: int, _log: Log) -> None:
    """Logs are written by the process that asked for them."""
