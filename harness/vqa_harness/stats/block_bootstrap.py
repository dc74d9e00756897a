"""How far the mean of a video's scores is to be trusted: an interval from resampled stretches.

Neighbouring frames score alike, so frames drawn one by one would give far too narrow an interval.
Stretches of about a second are drawn instead, with the end of the video joined to its start (the
circular block bootstrap, Politis and Romano, 1992).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vqa_harness.stats.correlation import LEVEL

SAMPLES = 2000
_SEED = 20250101
_FEWEST = 4
"""Stretches that a video must be long for an interval to say anything."""


def mean_interval(values: Sequence[float], block: int) -> tuple[float, float] | None:
    """The interval of the mean of scores, as if the video went on in the same way.

    Args:
        values: (frames,) finite scores in order.
        block: frames of a stretch, at least 1; about a second.

    Returns:
        Its ends; None for a video of fewer than four stretches. The same values give the same ends.

    Raises:
        ValueError: there are no values, or a stretch has no frame.
    """
    scores = np.asarray(values, np.float64)
    if not scores.size or block < 1:
        raise ValueError("an interval needs values and stretches of at least one frame")
    if scores.size < _FEWEST * block:
        return None
    count = -(-scores.size // block)
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([scores, scores[:block]]))])
    stretches = (sums[block:] - sums[:-block])[: scores.size] / block
    drawn = np.random.default_rng(_SEED).integers(0, scores.size, (SAMPLES, count))
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(stretches[drawn].mean(axis=1), [tail, 100 - tail])
    return float(low), float(high)
