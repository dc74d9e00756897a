"""How far two rate-quality curves lie apart: Bjontegaard's delta rate and delta quality.

The average difference of two curves over what they have in common, log bitrate against quality
(Bjontegaard, VCEG-M33, 2001), with the curves drawn through the points by PCHIP, as the common test
conditions of JCT-VC and JVET do (JCTVC-L1100, JVET-T2010), or by Akima's splines (Herglotz et al.,
"The Bjontegaard Bible", arXiv 2304.12852). Plain cubic polynomials overshoot and are not offered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np

from vqa_harness.errors import InputError, UsageError

Point = tuple[float, float]
"""Bitrate (any unit, above 0), and a quality of which more is better."""

Method = Literal["pchip", "akima"]
METHODS: tuple[Method, ...] = get_args(Method)
MIN_OVERLAP = 0.5
"""Part of the narrower quality range that the curves must share."""
GOOD_OVERLAP = 0.75
"""Shared part of the joint quality range below which a note says that it is small."""
USUAL_POINTS = 4
"""Points of a curve below which a note says that they are few."""
_CROSSING_SAMPLES = 257
"""Places at which two curves are compared to find where they cross."""


class CurveError(InputError):
    """Points from which no rate-quality curve, or no comparison of two, can be made."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two curves compare.

    Attributes:
        rate: BD-rate: percent of bitrate that the test curve needs more at equal quality, on
            average; negative where it saves.
        quality: BD-quality: how much better it is at equal bitrate, in the unit of the quality;
            None where the bitrates have nothing in common.
        overlap: shared part of the joint quality range, 0 to 1.
        covered: shared part of the narrower of both quality ranges, 0 to 1.
        rate_overlap: shared part of the joint range of log bitrate, 0 to 1.
        crossings: qualities at which the curves cross, which an average hides.
        notes: what a reader should know, one line each.
    """

    rate: float
    quality: float | None
    overlap: float
    covered: float
    rate_overlap: float
    crossings: tuple[float, ...] = ()
    notes: tuple[str, ...] = field(default=())


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
        CurveError: see `curve` and `compare`.
        UsageError: there is no such method.
    """
    return compare(anchor, test, method, min_overlap=min_overlap).rate


def bd_quality(
    anchor: Sequence[Point],
    test: Sequence[Point],
    method: str = "pchip",
    *,
    min_overlap: float = MIN_OVERLAP,
) -> float:
    """How much better ``test`` is than ``anchor`` at equal bitrate, on average.

    Arguments and errors are those of `bd_rate`, but ``min_overlap`` is here a part of the narrower
    range of log bitrate.

    Returns:
        The difference in the unit of the quality; negative where ``test`` is worse.
    """
    first, second = curve(anchor), curve(test)
    covered = _covered(_rates(first), _rates(second))
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

    Arguments are those of `bd_rate`.

    Raises:
        CurveError: the points of a curve are refused (see `curve`), or the qualities overlap too
            little.
        UsageError: there is no such method.
    """
    first, second = curve(anchor), curve(test)
    share = _share(_qualities(first), _qualities(second))
    covered = _covered(_qualities(first), _qualities(second))
    rate_share = _share(_rates(first), _rates(second))
    if covered < min_overlap or covered == 0:
        raise CurveError(_too_little("quality", covered, min_overlap))
    low, high = _common(_qualities(first), _qualities(second))
    one, other = (
        interpolator(_qualities(points), _rates(points), method) for points in (first, second)
    )
    gap = (other.integrate(low, high) - one.integrate(low, high)) / (high - low)
    return Comparison(
        rate=float(math.expm1(gap) * 100),
        quality=_bd_quality(first, second, method) if rate_share > 0 else None,
        overlap=share,
        covered=covered,
        rate_overlap=rate_share,
        crossings=_crossings(one, other, low, high),
        notes=tuple(_notes(first, second, share, rate_share)),
    )


def rate_at(points: Sequence[Point], quality: float, method: str = "pchip") -> float | None:
    """The bitrate at which a curve reaches a quality; None outside its range.

    Raises:
        CurveError: see `curve`.
        UsageError: there is no such method.
    """
    sorted_points = curve(points)
    qualities = _qualities(sorted_points)
    if not qualities[0] <= quality <= qualities[-1]:
        return None
    return math.exp(float(interpolator(qualities, _rates(sorted_points), method)(quality)))


def quality_at(points: Sequence[Point], rate: float, method: str = "pchip") -> float | None:
    """The quality that a curve has at a bitrate; None outside its range.

    Raises:
        CurveError: see `curve`.
        UsageError: there is no such method.
    """
    sorted_points = curve(points)
    if not sorted_points[0][0] <= rate <= sorted_points[-1][0]:
        return None
    drawn = interpolator(_rates(sorted_points), _qualities(sorted_points), method)
    return float(drawn(math.log(rate)))


def curve(points: Sequence[Point]) -> list[Point]:
    """The points in order of bitrate, checked: more bitrate must give more quality.

    Raises:
        CurveError: there are fewer than two points, a number is not finite, a bitrate is 0 or
            below, or a point is no better than one of less bitrate.
    """
    ordered = sorted((float(rate), float(quality)) for rate, quality in points)
    if len(ordered) < 2:
        raise CurveError(f"a curve needs at least 2 points, there are {len(ordered)}; add rungs")
    for rate, quality in ordered:
        if not (math.isfinite(rate) and math.isfinite(quality) and rate > 0):
            raise CurveError(
                f"({rate:g}, {quality:g}) is not a point of a rate-quality curve: both numbers "
                "must be finite, and the bitrate above 0"
            )
    broken = falls(ordered)
    if broken:
        (rate, quality), (next_rate, next_quality) = broken[0]
        raise CurveError(
            f"not monotone: {next_quality:.4g} at {next_rate:.6g} is no better than "
            f"{quality:.4g} at {rate:.6g}; leave such points out (pareto) or encode them again"
        )
    return ordered


def falls(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Pairs of neighbours by bitrate of which the second is no better, or has no more bitrate."""
    return [(a, b) for a, b in pairwise(sorted(points)) if b[1] <= a[1] or b[0] <= a[0]]


def interpolator(x: Sequence[float], y: Sequence[float], method: str) -> Any:
    """A piecewise cubic through the points, with ``integrate(a, b)``; ``x`` strictly ascending.

    Raises:
        UsageError: there is no such method.
    """
    from scipy.interpolate import Akima1DInterpolator, PchipInterpolator

    if method not in METHODS:
        raise UsageError(f"interpolation {method!r}: choose one of {', '.join(METHODS)}")
    if method == "akima" and len(x) > 2:
        return Akima1DInterpolator(np.asarray(x), np.asarray(y))
    return PchipInterpolator(np.asarray(x), np.asarray(y))


def _bd_quality(anchor: Sequence[Point], test: Sequence[Point], method: str) -> float:
    low, high = _common(_rates(anchor), _rates(test))
    one, other = (
        interpolator(_rates(points), _qualities(points), method) for points in (anchor, test)
    )
    return float((other.integrate(low, high) - one.integrate(low, high)) / (high - low))


def _qualities(points: Sequence[Point]) -> list[float]:
    return [quality for _, quality in points]


def _rates(points: Sequence[Point]) -> list[float]:
    return [math.log(rate) for rate, _ in points]


def _common(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    return max(a[0], b[0]), min(a[-1], b[-1])


def _share(a: Sequence[float], b: Sequence[float]) -> float:
    low, high = _common(a, b)
    return max(high - low, 0.0) / (max(a[-1], b[-1]) - min(a[0], b[0]))


def _covered(a: Sequence[float], b: Sequence[float]) -> float:
    low, high = _common(a, b)
    return max(high - low, 0.0) / min(a[-1] - a[0], b[-1] - b[0])


def _too_little(what: str, covered: float, needed: float) -> str:
    return (
        f"the curves share {covered:.0%} of the narrower {what} range, {needed:.0%} is needed; "
        "add rungs where the other curve has some"
    )


def _notes(
    anchor: Sequence[Point], test: Sequence[Point], share: float, rate_share: float
) -> list[str]:
    notes = []
    fewest = min(len(anchor), len(test))
    if fewest < USUAL_POINTS:
        notes.append(f"a curve has only {fewest} points; {USUAL_POINTS} or more are usual")
    if share < GOOD_OVERLAP:
        notes.append(f"the curves share only {share:.0%} of their joint quality range")
    if rate_share == 0:
        notes.append("the bitrates have nothing in common, so there is no BD-quality")
    return notes


def _crossings(one: Any, other: Any, low: float, high: float) -> tuple[float, ...]:
    """Where the difference of two interpolators changes its sign."""
    x = np.linspace(low, high, _CROSSING_SAMPLES)
    gap = other(x) - one(x)
    at = np.flatnonzero(gap[:-1] * gap[1:] < 0)
    return tuple(float(x[i] - gap[i] * (x[i + 1] - x[i]) / (gap[i + 1] - gap[i])) for i in at)
