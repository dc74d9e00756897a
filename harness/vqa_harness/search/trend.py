"""How margins fall along a scale: the falling trend through what was measured, and beyond it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from vqa_harness.stats.rate_curve import interpolator

Margins = tuple[float, ...]
"""By how much each target is met at a setting; negative where it is not."""
Trend = Callable[[int], Margins]
"""The margins that are expected at a place of a scale."""


def falling(values: Sequence[float]) -> list[float]:
    """The falling sequence nearest to the values in the sum of squares.

    That is isotonic regression by pooling neighbours that rise (Ayer et al., 1955).
    """
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while pools and pools[-1][0] < mean:
            before, length = pools.pop()
            mean = (before * length + mean * count) / (length + count)
            count += length
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]


def through(points: Mapping[int, Margins], expected: Trend | None = None) -> Trend:
    """The trend through measured points.

    With an expectation, it is that shifted to the points: by what lies between the shifts of the
    two around a place, and outside all points by the shift of the nearest. Without one it is drawn
    through the points by PCHIP, falling everywhere, and goes on beyond them in a straight line.

    Args:
        points: place to margins; one at least, and two without an expectation.
        expected: a trend that was measured elsewhere.
    """
    places = sorted(points)
    if expected is not None:
        shifts = [
            tuple(have - want for have, want in zip(points[p], expected(p), strict=True))
            for p in places
        ]
        return lambda place: tuple(
            want + _between(places, [shift[k] for shift in shifts], place)
            for k, want in enumerate(expected(place))
        )
    columns = [falling([points[p][k] for p in places]) for k in range(len(points[places[0]]))]
    curves = [_Curve(places, column) for column in columns]
    return lambda place: tuple(curve(place) for curve in curves)


class _Curve:
    """A falling curve through points, straight beyond them."""

    def __init__(self, places: Sequence[int], values: Sequence[float]) -> None:
        self._places, self._values = places, values
        self._inside = interpolator([float(p) for p in places], values, "pchip")

    def __call__(self, place: int) -> float:
        places, values = self._places, self._values
        if place > places[-1]:
            return values[-1] + (place - places[-1]) * _slope(places[-2:], values[-2:])
        if place < places[0]:
            return values[0] + (place - places[0]) * _slope(places[:2], values[:2])
        return float(self._inside(place))


def _slope(places: Sequence[int], values: Sequence[float]) -> float:
    return (values[1] - values[0]) / (places[1] - places[0])


def _between(places: Sequence[int], values: Sequence[float], place: int) -> float:
    """Linear between points, and constant outside."""
    if place <= places[0]:
        return values[0]
    if place >= places[-1]:
        return values[-1]
    right = bisect_right(places, place)
    share = (place - places[right - 1]) / (places[right] - places[right - 1])
    return values[right - 1] + share * (values[right] - values[right - 1])
