"""About where in the reference each distorted frame lies, as a chain of found frames tells."""

from __future__ import annotations

import numpy as np

from vqa_harness.alignment.chain import Chain
from vqa_harness.alignment.overview import Floats, Indices, Overview


class Guide:
    """Places in the reference by distorted frame; between those that are known, in proportion.

    Args:
        frames: (n,) distorted frames, ascending.
        places: (n,) reference frame of each.
        ratio: reference frames to one distorted frame.
    """

    def __init__(self, frames: Indices, places: Indices, ratio: float) -> None:
        self._frames, self._places, self._ratio = frames, np.maximum.accumulate(places), ratio

    def centre(self, index: int) -> int | None:
        """The place of a distorted frame; None behind the last one that is known."""
        if index > self._frames[-1]:
            return None
        if index < self._frames[0]:
            return int(self._places[0] - round((self._frames[0] - index) * self._ratio))
        return round(float(np.interp(index, self._frames, self._places)))


def guide_along(
    chain: Chain, distorted: Overview, reference: Overview, ratio: float, reach: int
) -> Guide:
    """The guide that a chain gives, with the very frame at which a stretch ends and another begins.

    Args:
        chain: frames found, at least one.
        distorted: overview of the distorted video.
        reference: overview of the reference.
        ratio: reference frames to one distorted frame.
        reach: reference frames by which a step may stray without being a leap.
    """
    frames, places = [int(chain.frames[0])], [int(chain.places[0])]
    for frame, place in zip(chain.frames[1:].tolist(), chain.places[1:].tolist(), strict=True):
        if place - places[-1] - (frame - frames[-1]) * ratio > reach:
            split = _split(distorted, reference, (frames[-1], places[-1]), (frame, place), ratio)
            last = places[-1] + round((split - 1 - frames[-1]) * ratio)
            frames += [split - 1, split]
            places += [last, place - round((frame - split) * ratio)]
        frames.append(frame)
        places.append(place)
    return Guide(np.array(frames), np.array(places), ratio)


def _split(
    distorted: Overview,
    reference: Overview,
    before: tuple[int, int],
    after: tuple[int, int],
    ratio: float,
) -> int:
    """The first distorted frame that belongs to the stretch after a leap rather than before it."""
    between = np.arange(before[0] + 1, after[0])
    if not between.size:
        return after[0]
    going_on = before[1] + np.rint((between - before[0]) * ratio).astype(np.int64)
    leading_up = after[1] - np.rint((after[0] - between) * ratio).astype(np.int64)
    costs: list[Floats] = []
    for places in (going_on, leading_up):
        apart = distorted.apart(between, reference, places)
        costs.append(np.log2(np.minimum(apart, 1e6) + np.float32(1)))
    sums = [np.concatenate([[0], np.cumsum(one, dtype=np.float64)]) for one in costs]
    totals = sums[0] + (sums[1][-1] - sums[1])
    return int(before[0] + 1 + np.argmin(totals))
