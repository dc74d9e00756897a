"""Scores many videos, one after another or several at once."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.api.inputs import (
    AlignLike,
    VideoLike,
    align_options,
    checked_threads,
    installed,
    requests_of,
)
from vqa_harness.api.result import Result
from vqa_harness.api.scoring import DEFAULT_METRICS, score
from vqa_harness.api.video import Video
from vqa_harness.errors import MetricError, UsageError, VqaError
from vqa_harness.media.numbered import ImageSequence
from vqa_harness.media.opening import display_name
from vqa_harness.media.raw import RawVideo
from vqa_harness.processes import in_order, threads_each
from vqa_harness.registry import Registry
from vqa_harness.request import Request

Item = VideoLike | tuple[VideoLike, VideoLike]
"""A distorted video, or one with its reference."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What all videos of `score_many` share."""

    requests: list[Request]
    threads: int
    align: AlignOptions
    reference: VideoLike | None


def score_many(
    items: Iterable[Item],
    *,
    reference: VideoLike | None = None,
    metrics: str | Iterable[str | Request] = DEFAULT_METRICS,
    align: AlignLike = None,
    distorted_colour: str = "",
    reference_colour: str = "",
    threads: int = 0,
    jobs: int = 1,
    registry: Registry | None = None,
) -> Iterator[Result]:
    """Score many videos; results come in the order of the videos, each as soon as it is there.

    A video that cannot be scored does not end the others: its result has the reason as
    `Result.error`, and is false.

    Args:
        items: videos as `score` takes them, or pairs of (distorted, reference); read as needed.
        reference: the reference of the videos that are not pairs.
        metrics: the metrics, as `score` takes them.
        align: how frames are paired, as `score` takes it.
        distorted_colour: what is stated of every distorted video's colour, as `score` takes it.
        reference_colour: what is stated of every reference's.
        threads: how many each job uses for metrics; 0 for an equal part of the processors.
        jobs: how many videos are scored at once, each in a process of its own. A script that asks
            for several keeps what it does under ``if __name__ == "__main__":``.
        registry: where metrics come from; None for what is installed, as it must be with several
            jobs.

    Yields:
        One `Result` for each video.

    Raises:
        UsageError: a wrong name, parameter or option.
        MissingBackend: a package that a metric needs is not installed.
        MetricError: a process ended unexpectedly.
    """
    if not isinstance(jobs, int) or jobs < 1:
        raise UsageError(f"jobs={jobs!r}: needs a whole number from 1 on")
    if jobs > 1 and registry is not None:
        raise UsageError("several jobs take metrics from what is installed; leave registry out")
    if isinstance(items, str | os.PathLike):
        raise UsageError("items: one path is not a list of videos; write [path], or use score")
    registry = registry or installed()
    requests = requests_of(metrics, registry)
    threads = checked_threads(threads)
    pairing = align_options(align, distorted_colour, reference_colour)
    batch = _Batch(requests, threads, pairing, reference)
    if jobs == 1:
        return _one_by_one(items, batch, registry)
    return _at_once(items, replace(batch, threads=threads_each(threads, jobs)), jobs)


def _one_by_one(items: Iterable[Item], batch: _Batch, registry: Registry) -> Iterator[Result]:
    for item in items:
        yield _score_item(item, registry, batch)


def _at_once(items: Iterable[Item], batch: _Batch, jobs: int) -> Iterator[Result]:
    if batch.reference is not None:
        batch = replace(batch, reference=_portable(batch.reference))
    try:
        yield from in_order(_score_item, map(_sent, items), batch, jobs, _died)
    except MetricError:  # not of a video, which would be in its result
        raise MetricError(
            "a scoring process ended unexpectedly; a script that asks for several jobs must do so "
            "under if __name__ == '__main__':, and jobs=1 needs no processes"
        ) from None


def _died(item: Item | VqaError, error: VqaError) -> Result:
    video = item[0] if isinstance(item, tuple | list) else item
    name = "video" if isinstance(video, VqaError) else _name_of(video)
    return Result.failed(error, name)


def _score_item(item: Item | VqaError, registry: Registry, batch: _Batch) -> Result:
    try:
        distorted, reference = _pair(item, batch.reference)
    except VqaError as error:
        return Result.failed(error, "video")
    try:
        return score(
            distorted,
            reference,
            batch.requests,
            align=batch.align,
            threads=batch.threads,
            registry=registry,
        )
    except VqaError as error:
        return Result.failed(error, _name_of(distorted))


def _pair(item: Item | VqaError, reference: VideoLike | None) -> tuple[VideoLike, VideoLike | None]:
    if isinstance(item, VqaError):
        raise item
    if not isinstance(item, tuple | list):
        return item, reference
    if len(item) != 2:
        raise UsageError(f"items: a tuple of {len(item)} is not a pair (distorted, reference)")
    return item[0], item[1]


def _sent(item: Item) -> Item | VqaError:
    """The item as it goes to another process, or the error why it cannot."""
    try:
        if isinstance(item, tuple | list):
            return tuple(_portable(one) for one in item)  # type: ignore[return-value]
        return _portable(item)
    except VqaError as error:
        return error


def _portable(video: VideoLike) -> VideoLike:
    """The video as it can be sent to another process.

    Raises:
        UsageError: it is an open file, which cannot be sent.
    """
    if isinstance(video, str | os.PathLike):
        return os.fspath(video)
    if hasattr(video, "read") and not isinstance(video, io.BytesIO):
        raise UsageError("an open file cannot be scored by another process; give its path")
    return video


def _name_of(video: VideoLike) -> str:
    if isinstance(video, Video):
        return video.info.name
    return display_name(str(video) if isinstance(video, RawVideo | ImageSequence) else video)
