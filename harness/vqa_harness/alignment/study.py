"""A pass over both videos for their signatures only, to find out how they relate in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vqa_harness.alignment.band import half_band
from vqa_harness.alignment.models import LOOK, Cadence, interval
from vqa_harness.alignment.signatures import Region
from vqa_harness.alignment.tracker import Tracker
from vqa_harness.alignment.window import FrameWindow
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.source import VideoSource

BEYOND = 1000
"""Reference frames that are counted after the last one that is paired; then counting stops."""


@dataclass(frozen=True, slots=True)
class Study:
    """What a pass over the signatures found.

    Attributes:
        tracker: distances of each distorted frame to a band of reference frames.
        times: seconds of each distorted frame; None where unknown.
        ref_times: the same of the reference frames, as far as they were read.
        cadence: the two frame rates.
        complete: whether the distorted video was read to its end.
    """

    tracker: Tracker
    times: Sequence[Fraction | None]
    ref_times: Sequence[Fraction | None]
    cadence: Cadence
    complete: bool


def study(
    distorted: Path | VideoSource,
    reference: Path | VideoSource,
    regions: tuple[Region | None, Region | None],
    max_offset: float,
    seconds: float | None = None,
    deinterlace: tuple[Deinterlace, Deinterlace] = ("off", "off"),
) -> Study:
    """Read signatures of both videos, side by side.

    Args:
        distorted: the video that is scored.
        reference: the video it is compared with.
        regions: part of each picture to look at.
        max_offset: seconds that the videos may be shifted by.
        seconds: stop after so much of the distorted video; None for all of it.
        deinterlace: as `VideoReader` takes it, for each of the two.

    Raises:
        InputError: a file cannot be read.
    """
    dist = FrameWindow(distorted, regions[0], frames=False, deinterlace=deinterlace[0])
    try:
        ref = FrameWindow(reference, regions[1], frames=False, deinterlace=deinterlace[1])
        try:
            return _study(dist, ref, max_offset, seconds)
        finally:
            ref.close()
    finally:
        dist.close()


def cadence_of(distorted: FrameWindow, reference: FrameWindow, count: int = LOOK) -> Cadence:
    """The frame rates of both videos, from their first ``count`` frames."""
    intervals = [
        interval([frame.time for frame in window.first(count)], window.info.rate)
        for window in (distorted, reference)
    ]
    return Cadence(intervals[0], intervals[1])


def _study(dist: FrameWindow, ref: FrameWindow, max_offset: float, seconds: float | None) -> Study:
    cadence = cadence_of(dist, ref)
    rate = 30.0 if cadence.reference is None else float(1 / cadence.reference)
    tracker = Tracker(half_band(max_offset, rate), *cadence.advances)
    times: list[Fraction | None] = []
    ref_times: list[Fraction | None] = []
    stop = None if seconds is None or cadence.distorted is None else seconds / cadence.distorted
    while dist.ensure(len(times)) and (stop is None or len(times) < stop):
        distorted = dist.get(len(times))
        expected = cadence.expected(times[-1], distorted.time) if times else 0
        while tracker.reference.count < tracker.needs(expected) and _add(tracker, ref, ref_times):
            pass
        assert distorted.signature is not None
        tracker.add(distorted.signature, expected)
        times.append(distorted.time)
        dist.drop_before(len(times))
    complete = dist.ended
    if complete:
        for _ in range(BEYOND):
            if not _add(tracker, ref, ref_times):
                break
    return Study(tracker, times, ref_times, cadence, complete)


def _add(tracker: Tracker, ref: FrameWindow, ref_times: list[Fraction | None]) -> bool:
    """Hand the next reference frame to the tracker, and tell whether there was one."""
    index = tracker.reference.count
    if not ref.ensure(index):
        tracker.reference.ended = True
        return False
    reference = ref.get(index)
    assert reference.signature is not None
    tracker.reference.add(reference.signature)
    ref_times.append(reference.time)
    ref.drop_before(index + 1)
    return True
