"""A pass over both videos for their signatures only, to find out how they relate in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vqa_harness.alignment.models import LOOK, Cadence, interval
from vqa_harness.alignment.signatures import Region
from vqa_harness.alignment.tracker import Tracker, half_band
from vqa_harness.alignment.window import FrameWindow
from vqa_harness.media.container import Deinterlace
from vqa_harness.media.source import VideoSource

BEYOND = 1000  # reference frames counted after the last one that is paired


@dataclass(frozen=True, slots=True)
class Study:
    """What a pass found.

    Attributes:
        tracker: distances of each distorted frame to a band of reference frames.
        times: of the distorted frames.
        ref_times: of the reference frames, as far as they were read.
        cadence: the two rates.
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
    deinterlace: Deinterlace = "off",
) -> Study:
    """Read signatures of both videos, side by side.

    Args:
        distorted: the video that is scored.
        reference: the video it is compared with.
        regions: part of the picture to look at, of each.
        max_offset: seconds that the videos may be shifted by.
        seconds: stop after so much of the distorted video; None for all of it.
        deinterlace: as `VideoReader` takes it, of both.

    Raises:
        InputError: a file cannot be read.
    """
    dist = FrameWindow(distorted, regions[0], frames=False, deinterlace=deinterlace)
    try:
        ref = FrameWindow(reference, regions[1], frames=False, deinterlace=deinterlace)
        try:
            return _study(dist, ref, max_offset, seconds)
        finally:
            ref.close()
    finally:
        dist.close()


def cadence_of(distorted: FrameWindow, reference: FrameWindow, count: int = LOOK) -> Cadence:
    """The rates of both, from the first ``count`` frames."""
    found = [
        interval([item.time for item in window.first_items(count)], window.info.rate)
        for window in (distorted, reference)
    ]
    return Cadence(found[0], found[1])


def _study(dist: FrameWindow, ref: FrameWindow, max_offset: float, seconds: float | None) -> Study:
    cadence = cadence_of(dist, ref)
    rate = 30.0 if cadence.reference is None else float(1 / cadence.reference)
    tracker = Tracker(half_band(max_offset, rate), *cadence.advances)
    times: list[Fraction | None] = []
    ref_times: list[Fraction | None] = []
    stop = None if seconds is None or cadence.distorted is None else seconds / cadence.distorted
    while dist.ensure(len(times)) and (stop is None or len(times) < stop):
        item = dist.get(len(times))
        expected = cadence.expected(times[-1], item.time) if times else 0
        while tracker.reference.count < tracker.needs(expected) and _add(tracker, ref, ref_times):
            pass
        assert item.signature is not None
        tracker.add(item.signature, expected)
        times.append(item.time)
        dist.drop_before(len(times))
    complete = dist.ended
    if complete:
        for _ in range(BEYOND):
            if not _add(tracker, ref, ref_times):
                break
    return Study(tracker, times, ref_times, cadence, complete)


def _add(tracker: Tracker, ref: FrameWindow, ref_times: list[Fraction | None]) -> bool:
    """Hand the next reference frame to the tracker; whether there was one."""
    index = tracker.reference.count
    if not ref.ensure(index):
        tracker.reference.ended = True
        return False
    item = ref.get(index)
    assert item.signature is not None
    tracker.reference.add(item.signature)
    ref_times.append(item.time)
    ref.drop_before(index + 1)
    return True
