"""How well predictions follow opinion scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.stats.correlation import correlations
from vqa_plugin_clip.inputs.preprocess import Picture, Preprocessing, fragments, short_side_resized

Values = NDArray[np.float64]


_CELL = 2
"""Side, in patches, of what is kept of a fragment's cell: room for the patch to move in."""


def figures(predicted: Values, scores: Values) -> dict[str, float | None]:
    """Compute SROCC, PLCC (raw, no mapping, as the published code measures it) and RMSE.

    Args:
        predicted: [n] float64, on the scale of ``scores``.
        scores: [n] float64, mean opinion scores.

    Returns:
        ``srocc``, ``plcc`` and ``rmse``; correlations are None below three files, and where all
        values of one side are equal.
    """
    rmse = float(np.sqrt(np.mean((predicted - scores) ** 2)))
    srocc, plcc = correlations(predicted, scores) or (None, None)
    return {"srocc": srocc, "plcc": plcc, "rmse": rmse}


def rank(row: dict[str, float | None]) -> tuple[float, float]:
    """Return what epochs are compared by: SROCC, then PLCC; an undefined one is worst.

    Args:
        row: Figures of an epoch, with ``srocc`` and ``plcc``.
    """
    srocc, plcc = row.get("srocc"), row.get("plcc")
    return (-2.0 if srocc is None else srocc, -2.0 if plcc is None else plcc)


def on_scale(shares: Values, scale: tuple[float, float]) -> Values:
    """Turn shares of the way from worst (0) to best (1) into scores on a scale (worst, best)."""
    low, high = scale
    return low + shares * (high - low)


def reduced(rgb: Picture, preprocessing: Preprocessing) -> Picture:
    """Reduce a frame (H, W, 3) uint8 to what training keeps of it.

    The paper's view: the frame with its short side resized. Fragments: the middle of every cell,
    64x64 pixels for patches of 32, where the frame has that many; else the whole frame. The middle
    crop, and fragments in the middle of their cells, are the same before and after.
    """
    if preprocessing.kind == "resize":
        return short_side_resized(rgb, preprocessing.resize_to, preprocessing.size)
    grid = preprocessing.grid
    cell = _CELL * (preprocessing.size // grid)
    if min(rgb.shape[:2]) <= grid * cell:
        return rgb
    return fragments(rgb, grid, cell)
