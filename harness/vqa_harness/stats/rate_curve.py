"""One rate-quality curve: its points, checked and in order, and the spline through them.

Curves are drawn over log bitrate by PCHIP, as the common test conditions of JCT-VC and JVET do
(JCTVC-L1100, JVET-T2010), or by Akima's splines (Herglotz et al., "The Bjontegaard Bible", arXiv
2304.12852). Plain cubic polynomials overshoot and are not offered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np

from vqa_harness.errors import InputError, UsageError

Point = tuple[float, float]
"""Bitrate (any unit, above 0), and a quality of which more is better."""

Method = Literal["pchip", "akima"]
METHODS: tuple[Method, ...] = get_args(Method)


class CurveError(InputError):
    """Points from which no rate-quality curve, or no comparison of two, can be made."""


def rate_at(points: Sequence[Point], quality: float, method: str = "pchip") -> float | None:
    """The bitrate at which a curve reaches a quality; None outside its range.

    Raises:
        CurveError: see `curve`.
        UsageError: there is no such method.
    """
    sorted_points = curve(points)
    reached = qualities(sorted_points)
    if not reached[0] <= quality <= reached[-1]:
        return None
    return math.exp(float(interpolator(reached, rates(sorted_points), method)(quality)))


def quality_at(points: Sequence[Point], rate: float, method: str = "pchip") -> float | None:
    """The quality that a curve has at a bitrate; None outside its range.

    Raises:
        CurveError: see `curve`.
        UsageError: there is no such method.
    """
    sorted_points = curve(points)
    if not sorted_points[0][0] <= rate <= sorted_points[-1][0]:
        return None
    drawn = interpolator(rates(sorted_points), qualities(sorted_points), method)
    return float(drawn(math.log(rate)))


def curve(points: Sequence[Point]) -> list[Point]:
    """The points in order of bitrate, checked: more bitrate must give more quality.

    Raises:
        CurveError: `points_by_rate` refuses them, or a point is no better than one of less bitrate.
    """
    ordered = points_by_rate(points)
    if broken := fallen(ordered):
        raise CurveError(broken)
    return ordered


def points_by_rate(points: Sequence[Point]) -> list[Point]:
    """The points in order of bitrate, checked: quality is a function of bitrate.

    Raises:
        CurveError: there are fewer than two points, a number is not finite, a bitrate is 0 or
            below, or two points have one bitrate.
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
    for (rate, quality), (next_rate, next_quality) in pairwise(ordered):
        if math.log(rate) >= math.log(next_rate):
            raise CurveError(
                f"not monotone: {quality:.4g} and {next_quality:.4g} are both at bitrate {rate:.6g}"
                "; leave such points out (pareto) or encode them again"
            )
    return ordered


def fallen(ordered: Sequence[Point]) -> str:
    """Where quality does not rise with bitrate, in words; empty where it does."""
    broken = falls(ordered)
    if not broken:
        return ""
    (rate, quality), (next_rate, next_quality) = broken[0]
    return (
        f"not monotone: {next_quality:.4g} at {next_rate:.6g} is no better than "
        f"{quality:.4g} at {rate:.6g}; leave such points out (pareto) or encode them again"
    )


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


def qualities(points: Sequence[Point]) -> list[float]:
    """Their qualities, in the order of the points."""
    return [quality for _, quality in points]


def rates(points: Sequence[Point]) -> list[float]:
    """The logarithms of their bitrates, in the order of the points."""
    return [math.log(rate) for rate, _ in points]
