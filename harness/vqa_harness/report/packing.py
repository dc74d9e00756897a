"""Packs scores per frame into few bytes: 16-bit steps from the smallest to the largest, as base64.

A column longer than its share of the page is cut into buckets of frames. The smallest and the
largest score of each bucket are kept, so that no outlier is lost.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

VALUES = 420_000
"""Most scores that a page holds, of 2.67 bytes each."""

FEWEST = 600
"""Number of values below which a column is never cut."""

LEVELS = 65_534
"""Step that stands for the largest score; the smallest is 0."""

UNDEFINED = 65_535
"""Step that stands for an undefined score."""

Column = NDArray[np.float64]
"""(frames,) scores, NaN where undefined."""


@dataclass(frozen=True, slots=True)
class ChartGrid:
    """The frames that the values of a chart stand for.

    Attributes:
        frames: how many frames the longest column has.
        bucket: how many frames two values stand for; 1 where every frame has its own value.
    """

    frames: int
    bucket: int

    @property
    def positions(self) -> Column:
        """Frame number of each value; two per bucket, at its start and its middle."""
        if self.bucket == 1:
            return np.arange(self.frames, dtype=np.float64)
        starts = np.arange(0, self.frames, self.bucket, dtype=np.float64)
        return np.stack([starts, starts + self.bucket / 2], axis=1).ravel()


def plan_grid(frames: int, columns: int, budget: int = VALUES) -> ChartGrid:
    """The finest grid at which that many columns stay within the budget of values."""
    share = max(budget // max(columns, 1), FEWEST)
    if frames <= share:
        return ChartGrid(frames, 1)
    return ChartGrid(frames, -(-2 * frames // share))


def column(values: Sequence[float | None], undefined: Sequence[int] = ()) -> Column:
    """Scores as an array.

    Args:
        values: the scores; None becomes NaN.
        undefined: indices of the frames that hold a neighbour's score, which become NaN.
    """
    scores = np.array([np.nan if x is None else x for x in values], dtype=np.float64)
    gaps = [i for i in undefined if 0 <= i < len(scores)]
    scores[gaps] = np.nan
    return scores


def thin(values: Column, grid: ChartGrid) -> Column:
    """The values at the grid's positions: both extremes of each bucket, in their order."""
    padded = np.full(grid.frames if grid.bucket == 1 else _rounded(grid), np.nan)
    padded[: len(values)] = values[: grid.frames]
    if grid.bucket == 1:
        return padded
    buckets = padded.reshape(-1, grid.bucket)
    empty = np.isnan(buckets).all(axis=1)
    low = np.where(np.isnan(buckets), np.inf, buckets).argmin(axis=1)
    high = np.where(np.isnan(buckets), -np.inf, buckets).argmax(axis=1)
    # Both extremes keep their order within the bucket, so that the line drawn rises where the
    # scores do.
    order = np.sort(np.stack([low, high], axis=1), axis=1)
    extremes = np.take_along_axis(buckets, order, axis=1)
    extremes[empty] = np.nan
    return extremes.ravel()


def pack(values: Column) -> Mapping[str, Any]:
    """``{lo, hi, data}``: little-endian uint16 in base64, 65535 for undefined."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    span = (high - low) or 1.0
    steps = np.full(len(values), UNDEFINED, dtype="<u2")
    finite = np.isfinite(values)
    steps[finite] = np.rint((values[finite] - low) / span * LEVELS).astype("<u2")
    return {"lo": low, "hi": high, "data": base64.b64encode(steps.tobytes()).decode("ascii")}


def unpack(packed: Mapping[str, Any]) -> Column:
    """The values that `pack` packed, within half a step of (hi - lo) / 65534."""
    steps = np.frombuffer(base64.b64decode(packed["data"]), dtype="<u2").astype(np.float64)
    span = (packed["hi"] - packed["lo"]) or 1.0
    values = packed["lo"] + steps * span / LEVELS
    return np.where(steps == UNDEFINED, np.nan, values)


def _rounded(grid: ChartGrid) -> int:
    return -(-grid.frames // grid.bucket) * grid.bucket
