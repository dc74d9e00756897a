"""One number out of a number per frame.

Pure functions of a sequence of finite floats, at least one; an empty one raises `ValueError`. The
harmonic mean is libvmaf's (``libvmaf/src/libvmaf.c``): of scores shifted up by one, so that a score
of 0 is allowed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean

from vqa_harness.errors import UsageError

POOLS = ("mean", "min", "max", "harmonic_mean")
"""The pooled values of libvmaf, in the order in which they are shown."""
PERCENTILES = (1, 5, 10, 50, 90, 95, 99)
"""Percentiles a log records."""

LARGEST = 1e100
"""A score of this magnitude or above is no score: sums over frames must stay finite."""

_PERCENTILE_NAME = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Contiguous frames.

    Attributes:
        start: first frame (index in the sequence).
        stop: one past the last frame.
        mean: mean of the values of these frames.
    """

    start: int
    stop: int
    mean: float


def harmonic_mean(values: Sequence[float]) -> float | None:
    """``n / sum(1 / (1 + x)) - 1``; None where any ``1 + x`` is not positive."""
    if min(values) <= -1.0:
        return None
    return len(values) / math.fsum(1.0 / (1.0 + x) for x in values) - 1.0


def pool(values: Sequence[float]) -> dict[str, float]:
    """Libvmaf's four pooled values: min, max, mean, harmonic_mean, in this order.

    Where the harmonic mean is undefined the mean stands in its place: see `harmonic_mean`.
    """
    mean = fmean(values)
    harmonic = harmonic_mean(values)
    return {
        "min": min(values),
        "max": max(values),
        "mean": mean,
        "harmonic_mean": mean if harmonic is None else harmonic,
    }


def percentiles(values: Sequence[float], points: Sequence[float] = PERCENTILES) -> list[float]:
    """Percentiles with linear interpolation between closest ranks, which is NumPy's default.

    The rank of percentile q is ``(n - 1) * q / 100``, Hyndman and Fan's type 7.

    Args:
        values: finite numbers in any order.
        points: the percentiles, 0 to 100.

    Raises:
        ValueError: there are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return [_at_rank(ordered, (len(ordered) - 1) * q / 100) for q in points]


def _at_rank(ordered: Sequence[float], rank: float) -> float:
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    low, high = ordered[below], ordered[above]
    return low + (high - low) * (rank - below)


def standard_deviation(values: Sequence[float]) -> float:
    """The standard deviation of a population: squared deviations are divided by n, not n - 1."""
    mean = fmean(values)
    return math.sqrt(fmean((x - mean) ** 2 for x in values))


def worst_run(values: Sequence[float], length: int, *, higher_is_better: bool = True) -> Stretch:
    """The ``length`` contiguous frames with the worst mean; the earliest where several are equal.

    A sequence shorter than ``length`` is taken whole.

    Raises:
        ValueError: there are no values, or the length is below 1.
    """
    if not values or length < 1:
        raise ValueError("a run needs values and a length of at least 1")
    length = min(length, len(values))
    total = list(accumulate(values, initial=0.0))
    sums = [stop - start for start, stop in zip(total, total[length:], strict=False)]
    start = sums.index(min(sums) if higher_is_better else max(sums))
    return Stretch(start, start + length, fmean(values[start : start + length]))


def _harmonic_or_mean(values: Sequence[float]) -> float:
    return pool(values)["harmonic_mean"]


POOLERS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "mean": fmean,
    "harmonic_mean": _harmonic_or_mean,
    "std": standard_deviation,
}
"""Poolers by name; `pooled` knows percentiles (``p5``) as well."""


def pooled(values: Sequence[float], how: str) -> float:
    """Pool by name: one of `POOLERS`, or ``p`` and a percentile from 0 to 100, such as ``p2.5``.

    Raises:
        UsageError: there is no such pooler.
        ValueError: there are no values.
    """
    if how in POOLERS:
        return POOLERS[how](values)
    match = _PERCENTILE_NAME.fullmatch(how)
    if match is None:
        names = ", ".join(POOLERS)
        raise UsageError(f"pooling {how!r}: choose one of {names}, or a percentile such as p5")
    return percentiles(values, [float(match[1])])[0]


def pool_names(text: str) -> tuple[str, ...]:
    """Read names of poolings joined by commas, such as ``mean,p5``.

    Raises:
        UsageError: one is no pooling, or none is named.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise UsageError(f"pooling {text!r} names none; write one such as mean or p5")
    for name in names:
        pooled([0.0], name)
    return names
