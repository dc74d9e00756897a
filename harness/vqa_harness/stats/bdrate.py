"""How far two rate-quality curves lie apart: Bjontegaard's delta rate and delta quality.

The average difference of two curves over what they have in common, log bitrate against quality
(Bjontegaard, VCEG-M33, 2001).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vqa_harness.stats.rate_curve import (
    CurveError,
    Point,
    fallen,
    interpolator,
    points_by_rate,
    qualities,
    rates,
)

MIN_OVERLAP = 0.5
"""Part of the narrower quality range that the curves must share."""
GOOD_OVERLAP = 0.75
"""Shared part of the joint quality range below which a note says that it is small."""
USUAL_POINTS = 4
"""Points of a curve below which a note says that they are few."""
_CROSSING_SAMPLES = 257
"""Places at which two curves are compared to find where they cross."""
_ADVICE = "add rungs where the other curve has some"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two curves compare.

    Attributes:
        rate: BD-rate: percent of bitrate that the test curve needs more at equal quality, on
            average; negative where it saves. None where it is refused.
        quality: BD-quality: how much better it is at equal bitrate, in the unit of the quality;
            None where the bitrates have nothing in common.
        overlap: shared part of the joint quality range, 0 to 1.
        covered: shared part of the narrower of both quality ranges, 0 to 1.
        rate_overlap: shared part of the joint range of log bitrate, 0 to 1.
        crossings: qualities at which the curves cross, which an average hides.
        notes: what a reader should know, one line each.
        refused: why there is no BD-rate; empty where there is one.
    """

    rate: float | None
    quality: float | None
    overlap: float
    covered: float
    rate_overlap: float
    crossings: tuple[float, ...] = ()
    notes: tuple[str, ...] = field(default=())
    refused: str = ""


def bd_rate(
    anchor: Sequence[Point],
    test: Sequence[Point],
    method: str = "pchip",
    *,
    min_overlap: float = MIN_OVERLAP,
) -> float:
    """Percent of bitrate that ``test`` needs more than ``anchor`` for equal quality, on average.

    Args:
        anchor: points of the curve compared with, at least two, in any order.
        test: points of the other curve.
        method: ``pchip`` or ``akima``.
        min_overlap: smallest part of the narrower quality range that they must share, 0 to 1.

    Returns:
        -25.0 where ``test`` saves a quarter of the bitrate.

    Raises:
        CurveError: the points of a curve are refused (see `rate_curve.curve`), or the qualities
            overlap too little.
        UsageError: there is no such method.
    """
    found = compare(anchor, test, method, min_overlap=min_overlap)
    if found.rate is None:
        raise CurveError(found.refused)
    return found.rate


def bd_quality(
    anchor: Sequence[Point],
    test: Sequence[Point],
    method: str = "pchip",
    *,
    min_overlap: float = MIN_OVERLAP,
) -> float:
    """How much better ``test`` is than ``anchor`` at equal bitrate, on average.

    Arguments are those of `bd_rate`, but ``min_overlap`` is here a part of the narrower range of
    log bitrate. Quality is a function of bitrate, so it may fall where bitrate rises.

    Returns:
        The difference in the unit of the quality; negative where ``test`` is worse.

    Raises:
        CurveError: the points of a curve are refused (see `rate_curve.points_by_rate`), or the
            bitrates overlap too little.
        UsageError: there is no such method.
    """
    first, second = points_by_rate(anchor), points_by_rate(test)
    covered = _covered(rates(first), rates(second))
    if covered < min_overlap or covered == 0:
        raise CurveError(_too_little("bitrate", covered, min_overlap))
    return _bd_quality(first, second, method)


def compare(
    anchor: Sequence[Point],
    test: Sequence[Point],
    method: str = "pchip",
    *,
    min_overlap: float = MIN_OVERLAP,
) -> Comparison:
    """BD-rate and BD-quality of two curves, with what a reader should know about them.

    Arguments are those of `bd_rate`. Where BD-rate is refused, because quality falls somewhere or
    the qualities overlap too little, BD-quality is still given, where bitrates have something in
    common.

    Raises:
        CurveError: the points of a curve are refused (see `rate_curve.points_by_rate`).
        UsageError: there is no such method.
    """
    first, second = points_by_rate(anchor), points_by_rate(test)
    ranges = sorted(qualities(first)), sorted(qualities(second))
    share, covered = _share(*ranges), _covered(*ranges)
    rate_share = _share(rates(first), rates(second))
    rate: float | None = None
    crossings: tuple[float, ...] = ()
    refused = fallen(first) or fallen(second)
    if not refused and (covered < min_overlap or covered == 0):
        refused = _too_little("quality", covered, min_overlap)
    if not refused:
        rate, crossings = _bd_rate(first, second, method)
    return Comparison(
        rate=rate,
        quality=_bd_quality(first, second, method) if rate_share > 0 else None,
        overlap=share,
        covered=covered,
        rate_overlap=rate_share,
        crossings=crossings,
        notes=tuple(_notes(first, second, share, rate_share)),
        refused=refused,
    )


def _bd_rate(
    anchor: Sequence[Point], test: Sequence[Point], method: str
) -> tuple[float, tuple[float, ...]]:
    """BD-rate of two rising curves, and the qualities at which they cross."""
    low, high = _common(qualities(anchor), qualities(test))
    one, other = (
        interpolator(qualities(points), rates(points), method) for points in (anchor, test)
    )
    gap = (other.integrate(low, high) - one.integrate(low, high)) / (high - low)
    return float(math.expm1(gap) * 100), _crossings(one, other, low, high)


def _bd_quality(anchor: Sequence[Point], test: Sequence[Point], method: str) -> float:
    low, high = _common(rates(anchor), rates(test))
    one, other = (
        interpolator(rates(points), qualities(points), method) for points in (anchor, test)
    )
    return float((other.integrate(low, high) - one.integrate(low, high)) / (high - low))


def _common(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    return max(a[0], b[0]), min(a[-1], b[-1])


def _share(a: Sequence[float], b: Sequence[float]) -> float:
    low, high = _common(a, b)
    joint = max(a[-1], b[-1]) - min(a[0], b[0])
    return max(high - low, 0.0) / joint if joint > 0 else 0.0


def _covered(a: Sequence[float], b: Sequence[float]) -> float:
    low, high = _common(a, b)
    narrower = min(a[-1] - a[0], b[-1] - b[0])
    return max(high - low, 0.0) / narrower if narrower > 0 else 0.0


def _too_little(what: str, covered: float, needed: float) -> str:
    if covered == 0:
        wanted = f"{needed:.0%} is needed" if needed else "some is needed"
        return f"the curves share 0% of the narrower {what} range, {wanted}; {_ADVICE}"
    part, least = _told_apart(covered, needed)
    return f"the curves share {part} of the narrower {what} range, {least} is needed; {_ADVICE}"


def _told_apart(low: float, high: float) -> tuple[str, str]:
    """Two different shares in percent, with as many decimals as show the difference."""
    for digits in range(16):
        shown = f"{low:.{digits}%}", f"{high:.{digits}%}"
        if shown[0] != shown[1]:
            return shown
    return f"just under {high:.0%}", f"{high:.0%}"


def _notes(
    anchor: Sequence[Point], test: Sequence[Point], share: float, rate_share: float
) -> list[str]:
    notes = []
    fewest = min(len(anchor), len(test))
    if fewest < USUAL_POINTS:
        notes.append(f"a curve has only {fewest} points; {USUAL_POINTS} or more are usual")
    if share < GOOD_OVERLAP:
        part, _ = _told_apart(share, GOOD_OVERLAP)
        notes.append(f"the curves share only {part} of their joint quality range")
    if rate_share == 0:
        notes.append("the bitrates have nothing in common, so there is no BD-quality")
    return notes


def _crossings(one: Any, other: Any, low: float, high: float) -> tuple[float, ...]:
    """Where the difference of two interpolators changes its sign."""
    x = np.linspace(low, high, _CROSSING_SAMPLES)
    gap = other(x) - one(x)
    at = np.flatnonzero(gap[:-1] * gap[1:] < 0)
    return tuple(float(x[i] - gap[i] * (x[i + 1] - x[i]) / (gap[i + 1] - gap[i])) for i in at)
