"""Confidence intervals by resampling items (percentile bootstrap, Efron 1979)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vqa_harness.bench_statistics import STATISTICS, Fit, Vector, agreement

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a statistic lies with a confidence of 95 %."""

    low: float
    high: float


def intervals(
    scores: Vector, opinions: Vector, sign: int, start: Fit, *, samples: int, seed: int
) -> dict[str, Interval]:
    """Of each statistic of `agreement`: percentiles over samples of the items with replacement.

    The curve is fitted anew to every sample. Samples in which a statistic is undefined are left
    out.

    Args:
        scores: (n,) of the metric.
        opinions: (n,) of people.
        sign: as in `agreement`.
        start: the fit to all items.
        samples: how many; 0 for no intervals.
        seed: of the generator (NumPy's PCG64). Metrics scored on the same items get the same
            samples.
    """
    rng = np.random.default_rng(seed)
    found: list[list[float]] = []
    for _ in range(samples):
        chosen = rng.integers(0, len(scores), len(scores))
        result = agreement(scores[chosen], opinions[chosen], sign, start)
        if result is not None:
            found.append([getattr(result[0], name) for name in STATISTICS])
    return percentiles(found)


def percentiles(rows: list[list[float]]) -> dict[str, Interval]:
    """The central 95 % of each statistic; empty without rows."""
    if not rows:
        return {}
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(np.asarray(rows), [tail, 100 - tail], axis=0)
    return {name: Interval(float(low[i]), float(high[i])) for i, name in enumerate(STATISTICS)}
