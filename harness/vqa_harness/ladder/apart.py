"""Reads the files of a ladder in a process of its own, so that a crash loses one rung."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa_harness.errors import InputError, MetricError, VqaError, about, one_line
from vqa_harness.ladder.scoring import Measuring, Outcome, RungsToScore, groups, score_group
from vqa_harness.logs.log import Log
from vqa_harness.media.bitrate import StreamBitrate, measure_bitrate
from vqa_harness.processes import Apart, in_processes, one_apart
from vqa_harness.registry import Registry
from vqa_harness.request import Request

if TYPE_CHECKING:
    from vqa_harness.frames import StreamInfo


UNKNOWN = "unknown"
"""The codec of a file that cannot be looked at without a crash, or in time."""


def reading(files: int, timeout: float | None) -> AbstractContextManager[Apart | None]:
    """The process in which so many files of a ladder are read; None for this one.

    Args:
        files: how many there are.
        timeout: seconds that one may take; None for no bound.
    """
    return one_apart() if in_processes(files, 1, timeout) else nullcontext()


def codecs_of(paths: Sequence[Path], timeout: float | None) -> list[str]:
    """The codec of each file, `UNKNOWN` where reading it crashes or takes too long.

    Raises:
        InputError: one of them cannot be read.
    """
    with reading(len(paths), timeout) as call:
        return [_codec_in(path, call, timeout) for path in paths]


def _codec_in(path: Path, call: Apart | None, timeout: float | None) -> str:
    if call is None:
        return _probed(path).codec
    try:
        found = call(_probe, path, None, timeout)
    except (MetricError, InputError):
        return UNKNOWN  # it is scored all the same, which says why it fails
    if isinstance(found, InputError):
        raise found
    return found.codec


def probe_source(path: Path, timeout: float | None) -> StreamInfo:
    """Facts of a source.

    Raises:
        InputError: it cannot be read, or not in time.
        MetricError: a library crashed that reads it.
    """
    with reading(2, timeout) as call:  # apart even if there is one, since all rungs hang on it
        if call is None:
            return _probed(path)
        try:
            found = call(_probe, path, None, timeout)
        except (MetricError, InputError) as error:
            raise _of(path, error) from None
    if isinstance(found, InputError):
        raise found
    return found


def _probed(path: Path) -> StreamInfo:
    from vqa_harness.media.reader import probe

    return probe(path)


def _probe(path: Path, _registry: Registry, _options: None) -> StreamInfo | InputError:
    """Facts of a file, or what is wrong with it, which is not that its process ended."""
    try:
        return _probed(path)
    except InputError as error:
        return error


def bitrate_of(
    path: Path, rate: Fraction | None, call: Apart | None, timeout: float | None
) -> StreamBitrate:
    """The bitrate of a rung; see `measure_bitrate`.

    Raises:
        InputError: it cannot be told, or not in time.
        MetricError: a library crashed that reads the file.
    """
    if call is None:
        return measure_bitrate(path, rate)
    try:
        return call(_bitrate, path, rate, timeout)
    except (MetricError, InputError) as error:
        raise _of(path, error) from None


def _bitrate(path: Path, _registry: Registry, rate: Fraction | None) -> StreamBitrate:
    return measure_bitrate(path, rate)


def _of(path: Path, error: VqaError) -> VqaError:
    return type(error)(about(path.name, one_line(error)))


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
    call: Apart | None = None,
) -> list[Outcome]:
    """Score encodings of one source.

    Args:
        paths: the encodings.
        reference: the source; None where there is none.
        requests: the metrics.
        how: threads, options and so on.
        done: called with an encoding's number and its log as soon as it is there, on the thread
            that scored it.
        call: the process that scores them; None for this one.

    Returns:
        For each encoding its log, or the error of its file, its pairing or a metric.

    Raises:
        UsageError: metrics that cannot be run together.
        MissingBackend: a metric's packages or model are missing.
    """
    work = RungsToScore(list(paths), reference, list(requests))
    if call is not None:
        found = score_apart(work, how, done, call)
    else:
        found = {}
        for group in groups(paths, reference, requests, how):
            found |= score_group(group, work, how, done)
    return [found[number] for number in range(len(paths))]


def score_apart(
    work: RungsToScore, how: Measuring, done: Callable[[int, Log], None], call: Apart
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
            outcomes = {group[0]: _of(work.paths[group[0]], error)}
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
