"""Which setting to try next: bisection at the place where the trend of the margins meets zero.

Quality falls along a scale, and the search closes in on the last setting that meets the targets,
from both sides. The trend through what was measured tells where that should be; where only one side
comes nearer, a setting further on is taken. Small rises are allowed for: the trend is made to fall,
of several settings that meet the targets the furthest counts, and a setting that misses them by
little does not end the search before the one behind it was tried.
"""

from __future__ import annotations

from collections.abc import Iterator

from vqa_harness.search.trend import Margins, Trend, through

NARROW = 0.25
"""A setting that misses a target by less than this part of a step may be followed by one that does
not, as quality does not fall evenly."""


class Bracket:
    """The search over one scale.

    Args:
        size: how many places the scale has.
        start: the place to try first.
        stride: how many places away the second is, where no trend is expected.
        expected: the trend that was measured elsewhere, such as on samples. With one, the setting
            behind the best is believed to miss the targets if the trend, shifted to what was
            measured, says so; without one it is tried.
    """

    def __init__(self, size: int, start: int, stride: int, expected: Trend | None = None) -> None:
        self._size, self._start, self._stride = size, start, stride
        self._expected = expected
        self._margins: dict[int, Margins] = {}
        self._held: dict[int, bool] = {}
        self._same_end = 0
        """How often in a row the best end moved, or below 0 the other, both being measured."""

    def __len__(self) -> int:
        """How many settings were tried."""
        return len(self._held)

    def add(self, place: int, margins: Margins, *, holds: bool) -> None:
        """Note what was measured at a place: the margins, and whether all targets are met."""
        self._margins[place] = margins
        self._held[place] = holds
        low, high = self._ends()
        if low < 0 or high == self._size:
            return
        side = 1 if holds else -1
        self._same_end = self._same_end + side if self._same_end * side > 0 else side

    @property
    def best(self) -> int | None:
        """The furthest place that meets the targets; None where none does so far."""
        return max((place for place, held in self._held.items() if held), default=None)

    @property
    def rises(self) -> bool:
        """Whether a setting missed the targets before one that meets them."""
        best = self.best
        return best is not None and any(not held for p, held in self._held.items() if p < best)

    def trend(self) -> Trend | None:
        """The trend through what was measured; None where that is too little."""
        if len(self._margins) < (2 if self._expected is None else 1):
            return self._expected
        return through(self._margins, self._expected)

    def next(self) -> int | None:
        """The place to try next; None when the search is over."""
        if not self._held:
            return self._start
        low, high = self._ends()
        if high - low > 1:
            return self._inside(low, high)
        return self._behind(high)

    def _ends(self) -> tuple[int, int]:
        """The best place, or -1, and the first behind it that misses, or the scale's length."""
        best = self.best
        low = -1 if best is None else best
        missed = [place for place, held in self._held.items() if not held and place > low]
        return low, min(missed, default=self._size)

    def _inside(self, low: int, high: int) -> int | None:
        """A place between two ends that were measured, or of which one is an end of the scale."""
        trend = self.trend()
        if trend is None:
            (place,) = self._held
            step = self._stride if self._held[place] else -self._stride
            return min(max(place + step, low + 1), high - 1)
        if self._expected is not None and low >= 0 and not _meets(trend(low + 1)):
            return None
        near = self._near(low, high)
        guess = max((p for p in near if _meets(trend(p))), default=near.start)
        if self._same_end >= 2:
            return (guess + high) // 2
        if self._same_end <= -2:
            return (guess + low + 1) // 2
        return guess

    def _near(self, low: int, high: int) -> range:
        """The places to choose from: where only one end is known, not too far from it."""
        first, stop = low + 1, high
        if low < 0:
            first = max(first, high - 1 - 3 * self._stride)
        if high == self._size:
            stop = min(stop, low + 2 + 3 * self._stride)
        return range(first, stop)

    def _behind(self, missed: int) -> int | None:
        """The place behind one that misses the targets narrowly; None where it is not worth it."""
        following = missed + 1
        if following >= self._size or following in self._held or missed not in self._margins:
            return None
        if self._expected is not None:
            return None
        steps = self._steps(missed)
        narrow = all(
            margin > -NARROW * step
            for margin, step in zip(self._margins[missed], steps, strict=True)
        )
        return following if narrow else None

    def _steps(self, place: int) -> Iterator[float]:
        """By how much each margin falls from one place to the next, around a place."""
        trend = self.trend()
        if trend is None:
            yield from (0.0 for _ in self._margins[place])
            return
        for before, after in zip(trend(max(place - 2, 0)), trend(place), strict=True):
            yield (before - after) / 2


def _meets(margins: Margins) -> bool:
    return all(margin >= 0 for margin in margins)
