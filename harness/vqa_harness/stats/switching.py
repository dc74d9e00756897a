"""Bitrates at which it pays to go from one resolution of an encoder to another.

Each resolution has a rate-quality curve through its rungs. As bitrate grows, another resolution
becomes the best: the curves cross there, or the other one's cheapest rung is already better. Above
its best rung a resolution keeps that rung's quality, since more bitrate need not be spent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from vqa_harness.stats.hull import pareto
from vqa_harness.stats.rate_curve import Point, interpolator

Name = TypeVar("Name")
_SAMPLES = 257
"""Bitrates, evenly spaced in their logarithm, at which the best curve is looked for."""
_HALVINGS = 50
"""Times that the stretch with a crossing is halved, which is as exact as numbers are."""
Curve = Callable[[float], float]
"""From log bitrate to quality; minus infinity below the cheapest rung."""


@dataclass(frozen=True, slots=True)
class Switch(Generic[Name]):
    """A bitrate from which on another curve is the best.

    Attributes:
        before: name of the best curve below.
        after: name of the best curve above.
        rate: the bitrate, in the unit of the points.
        quality: what the curve ``after`` reaches there.
    """

    before: Name
    after: Name
    rate: float
    quality: float


def switches(curves: Mapping[Name, Sequence[Point]], method: str = "pchip") -> list[Switch[Name]]:
    """Where the best of some curves gives way to another, by bitrate.

    Args:
        curves: name to points (bitrate above 0, quality of which more is better), in any order.
            Points that are no better than a cheaper one of their curve are left out.
        method: ``pchip`` or ``akima``.

    Raises:
        UsageError: there is no such method.
    """
    drawn = {name: _curve(points, method) for name, points in curves.items() if points}
    rates = sorted(math.log(rate) for points in curves.values() for rate, _ in points)
    if len(drawn) < 2:
        return []
    step = (rates[-1] - rates[0]) / (_SAMPLES - 1)
    grid = sorted({*rates, *(rates[0] + k * step for k in range(_SAMPLES - 1))})
    found: list[Switch[Name]] = []
    best = max(drawn, key=lambda name: drawn[name](grid[0]))
    for at, below in zip(grid[1:], grid, strict=False):
        better = max(drawn, key=lambda name: drawn[name](at))
        if drawn[better](at) > drawn[best](at):
            where = _crossing(drawn[best], drawn[better], below, at)
            found.append(Switch(best, better, math.exp(where), drawn[better](where)))
            best = better
    return found


def _curve(points: Sequence[Point], method: str) -> Curve:
    rising = [points[i] for i in pareto(points)]
    rates, qualities = [math.log(rate) for rate, _ in rising], [quality for _, quality in rising]
    spline = interpolator(rates, qualities, method) if len(rising) > 1 else None

    def quality(rate: float) -> float:
        if rate < rates[0]:
            return -math.inf
        if rate >= rates[-1] or spline is None:
            return qualities[-1]
        return float(spline(rate))

    return quality


def _crossing(before: Curve, after: Curve, low: float, high: float) -> float:
    """Where ``after`` passes ``before``; the highest rate at which it surely has."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if after(middle) > before(middle):
            high = middle
        else:
            low = middle
    return high
