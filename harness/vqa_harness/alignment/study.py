"""A pass over both videos for their signatures only, to find out how they relate in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path as FilePath

import numpy as np

from vqa_harness.alignment.band import half_band
from vqa_harness.alignment.best_path import Path, best_path
from vqa_harness.alignment.further import Found, look_further
from vqa_harness.alignment.guide import Guide
from vqa_harness.alignment.models import LOOK, Cadence, interval
from vqa_harness.alignment.overview import Overview
from vqa_harness.alignment.signatures import Region
from vqa_harness.alignment.tracker import Tracker
from vqa_harness.alignment.window import FrameWindow
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.source import VideoSource

FEW = 0.5
"""Share of the first frames found, under which more of the reference is read to find them."""
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
        path: the best pairing by content.
        guide: about where the frames lie, where more of them lie beyond the band than in it.
    """

    tracker: Tracker
    times: Sequence[Fraction | None]
    ref_times: Sequence[Fraction | None]
    cadence: Cadence
    complete: bool
    path: Path
    guide: Guide | None = None


def study(
    distorted: FilePath | VideoSource,
    reference: FilePath | VideoSource,
    regions: tuple[Region | None, Region | None],
    max_offset: float,
    seconds: float | None = None,
    deinterlace: tuple[Deinterlace, Deinterlace] = ("off", "off"),
    guide: Guide | None = None,
) -> Study:
    """Read signatures of both videos, side by side.

    Args:
        distorted: the video that is scored.
        reference: the video it is compared with.
        regions: part of each picture to look at.
        max_offset: seconds that the videos may be shifted by.
        seconds: stop after so much of the distorted video; None for all of it.
        deinterlace: as `VideoReader` takes it, for each of the two.
        guide: about where the frames lie, as another study found; None to look further than
            ``max_offset`` where frames are left over.

    Raises:
        InputError: a file cannot be read.
    """
    dist = FrameWindow(distorted, regions[0], frames=False, deinterlace=deinterlace[0])
    try:
        ref = FrameWindow(reference, regions[1], frames=False, deinterlace=deinterlace[1])
        try:
            return _study(dist, ref, max_offset, seconds, guide)
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


def _study(
    dist: FrameWindow,
    ref: FrameWindow,
    max_offset: float,
    seconds: float | None,
    guide: Guide | None,
) -> Study:
    cadence = cadence_of(dist, ref)
    rate = 30.0 if cadence.reference is None else float(1 / cadence.reference)
    tracker = Tracker(half_band(max_offset, rate), *cadence.advances, guide)
    both = Overview(), Overview()
    times: list[Fraction | None] = []
    ref_times: list[Fraction | None] = []
    stop = None if seconds is None or cadence.distorted is None else seconds / cadence.distorted

    def add_reference() -> bool:
        return _add(tracker, ref, ref_times, both[1])

    while dist.ensure(len(times)) and (stop is None or len(times) < stop):
        distorted = dist.get(len(times))
        expected = cadence.expected(times[-1], distorted.time) if times else 0
        while tracker.reference.count < tracker.needs(expected) and add_reference():
            pass
        assert distorted.signature is not None
        tracker.add(distorted.signature, expected, marred=distorted.marred)
        both[0].add(distorted.signature)
        times.append(distorted.time)
        dist.drop_before(len(times))
    complete = dist.ended
    if complete:
        for _ in range(BEYOND):
            if not add_reference():
                break
    path = best_path(tracker)
    if guide is None and times and (complete or np.mean(path.reference >= 0) < FEW):
        bases = np.array([frame.base for frame in tracker.frames])
        found = Found(path.reference, bases, tracker.size)
        guide = look_further(
            *both, found, cadence.ratio, lambda count: _read_on(ref, both[1], count)
        )
    else:
        guide = None
    return Study(tracker, times, ref_times, cadence, complete, path, guide)


def _read_on(ref: FrameWindow, overview: Overview, count: int) -> bool:
    """Add up to ``count`` more reference frames to an overview; False if there are none."""
    stop = overview.count + count
    begin = overview.count
    while overview.count < stop and ref.ensure(overview.count):
        signature = ref.get(overview.count).signature
        assert signature is not None
        overview.add(signature)
        ref.drop_before(overview.count)
    return overview.count > begin


def _add(
    tracker: Tracker, ref: FrameWindow, ref_times: list[Fraction | None], overview: Overview
) -> bool:
    """Hand the next reference frame to the tracker, and tell whether there was one."""
    index = tracker.reference.count
    if not ref.ensure(index):
        tracker.reference.ended = True
        return False
    reference = ref.get(index)
    assert reference.signature is not None
    tracker.reference.add(reference.signature)
    overview.add(reference.signature)
    ref_times.append(reference.time)
    ref.drop_before(index + 1)
    return True
