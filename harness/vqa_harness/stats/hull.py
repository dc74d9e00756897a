"""Which of many encodings are worth having: Pareto front, convex hull, choice of rungs.

The hull is taken over bitrate against quality, as in per-title encoding (Aaron et al., "Per-Title
Encode Optimization", Netflix 2015; De Cock et al., "Complexity-based consistent-quality encoding in
the cloud", ICIP 2016): encodings of every resolution together, and of these the ones on the upper
left boundary, where no mix of two others gives more quality at the same bitrate. Over log bitrate
curves are nearly straight, and a hull would drop good rungs for a trifle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from vqa_harness.stats.rate_curve import Point

_ROUNDING = 1e-9
"""Relative error that is allowed, so that a point on a line does not fall below it by rounding."""


@dataclass(frozen=True, slots=True)
class LadderStep:
    """The step from one rung of a ladder to the next better one.

    Attributes:
        lower: index of the rung with less bitrate.
        upper: index of the next rung.
        gain: quality won, in the unit of the quality.
        ratio: bitrate of the upper over that of the lower.
        below_jnd: whether hardly anybody sees the difference; None without a threshold.
    """

    lower: int
    upper: int
    gain: float
    ratio: float
    below_jnd: bool | None


def pareto(points: Sequence[Point]) -> list[int]:
    """Indices of the points that no point of equal or less bitrate matches, by bitrate."""
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    best, front = -math.inf, []
    for i in order:
        if points[i][1] > best:
            best = points[i][1]
            front.append(i)
    return front


def upper_hull(points: Sequence[Point]) -> list[int]:
    """Indices of the points on the upper convex hull that rise with bitrate, by bitrate.

    A point on the straight line between two others is on the hull. Bitrates must be above 0.
    """
    hull: list[int] = []
    for i in pareto(points):
        while len(hull) > 1 and _below(points[hull[-2]], points[hull[-1]], points[i]):
            hull.pop()
        hull.append(i)
    return hull


def for_bitrate(points: Sequence[Point], target: float) -> int | None:
    """The best rung that needs at most this bitrate; None where each needs more.

    It is on the Pareto front, but not always on the hull: only a mix of two others would be better.
    """
    return next((i for i in reversed(pareto(points)) if points[i][0] <= target), None)


def for_quality(points: Sequence[Point], target: float) -> int | None:
    """The cheapest rung of at least this quality, on the Pareto front; None where none has it."""
    return next((i for i in pareto(points) if points[i][1] >= target), None)


def steps(
    points: Sequence[Point], rungs: Sequence[int], jnd: float | None = None
) -> list[LadderStep]:
    """The steps between rungs, given by bitrate.

    Args:
        points: all points.
        rungs: indices into ``points``.
        jnd: just noticeable difference in the unit of the quality; None if unknown.
    """
    made = []
    for lower, upper in pairwise(rungs):
        gain = points[upper][1] - points[lower][1]
        ratio = points[upper][0] / points[lower][0]
        made.append(LadderStep(lower, upper, gain, ratio, None if jnd is None else gain < jnd))
    return made


def thin(points: Sequence[Point], rungs: Sequence[int], jnd: float) -> list[int]:
    """Rungs without those that hardly differ: from the best down, each at least ``jnd`` less.

    Args:
        points: all points.
        rungs: indices into ``points``, each of more bitrate and quality than the one before.
        jnd: just noticeable difference in the unit of the quality.
    """
    chosen: list[int] = []
    for i in reversed(rungs):
        if not chosen or points[chosen[-1]][1] - points[i][1] >= jnd:
            chosen.append(i)
    return chosen[::-1]


def _below(left: Point, middle: Point, right: Point) -> bool:
    """Whether ``middle`` lies below the line from ``left`` to ``right``."""
    (x0, y0), (x1, y1), (x2, y2) = left, middle, right
    rise, needed = (y1 - y0) * (x2 - x0), (y2 - y0) * (x1 - x0)
    return rise < needed - _ROUNDING * abs(needed)
