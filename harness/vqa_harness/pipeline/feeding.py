"""Frames handed from their source to the drivers, few of them held at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from fractions import Fraction

from vqa_harness import interruption, memory
from vqa_harness.console import Progress
from vqa_harness.frames import Frame
from vqa_harness.pipeline.drivers import Driver
from vqa_harness.pipeline.job import Job
from vqa_harness.pipeline.sources import Pairs

_MADE = 4
"""Bytes that a run takes for a picture under way, as a multiple of the decoded picture's.

Its conversion to RGB or luma is kept with it, and metrics compute with wider samples.
"""


@dataclass(slots=True)
class _InFlight:
    """The frames of a pair, and the work that still reads them."""

    frames: tuple[Frame, ...]
    work: list[Future[None]] = field(default_factory=list)

    def done(self) -> None:
        """Wait for the work, then free the frames' memory."""
        for one in self.work:
            one.result()
        for frame in self.frames:
            frame.release()


def feed(
    pairs: Pairs,
    drivers: Sequence[Driver],
    jobs: Sequence[Job],
    workers: int,
    progress: Progress | None = None,
    number_of: Callable[[int, Frame], int] = lambda count, _: count,
) -> tuple[list[Fraction | None], float]:
    """Hand every pair to every driver, and hold few pairs at a time.

    Args:
        pairs: where they come from.
        drivers: where they go.
        jobs: the metrics, looked at for one that found no memory.
        workers: metric threads.
        progress: called after every pair, with the pairs done and the pairs expected.
        number_of: the number of a pair, from how many came before it and its distorted frame.

    Returns:
        The time of each pair, and the seconds spent waiting for pairs.

    Raises:
        InputError: there is not enough memory.
    """
    depth = _pairs_under_way(pairs, workers)
    under_way: deque[_InFlight] = deque()
    times: list[Fraction | None] = []
    waited, mark = 0.0, time.perf_counter()
    for frame, ref in pairs:
        interruption.check()
        _check_memory(jobs)
        waited += time.perf_counter() - mark
        flight = _InFlight((frame,) if ref is None else (frame, ref))
        number = number_of(len(times), frame)
        for driver in drivers:
            flight.work += driver.feed(number, frame, ref)
        times.append(frame.time)
        under_way.append(flight)
        if len(under_way) >= depth:
            _finish(under_way, min(workers, depth - 1))
        if progress:
            progress(number + 1, pairs.expected)
        mark = time.perf_counter()
    _finish(under_way, 0)
    _check_memory(jobs)
    return times, waited


def _finish(under_way: deque[_InFlight], keep: int) -> None:
    """Wait for all but the last ``keep`` pairs.

    The newest is waited for first: when it is done most others are, and waiting for those that are
    done costs nothing.
    """
    ending = [under_way.popleft() for _ in range(len(under_way) - keep)]
    for flight in reversed(ending):
        flight.done()


def _pairs_under_way(pairs: Pairs, workers: int) -> int:
    """How many pairs may be under way, before one of them is waited for; at least one.

    One for each worker, and three so that no worker has to wait, if memory has room for them with
    what metrics make of a picture.
    """
    streams = (pairs.distorted, pairs.reference)
    size = _MADE * sum(info.picture_bytes for info in streams if info is not None)
    return memory.pictures(size, 0.5, workers + 3)


def _check_memory(jobs: Sequence[Job]) -> None:
    """End the run where a metric found no memory, which says nothing of the metric."""
    for job in jobs:
        if job.short is not None:
            raise memory.short(job.short)
