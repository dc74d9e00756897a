"""Letterbox and pillarbox detection, for a warning only: it changes no score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEP = 8
"""Every how many rows or columns are looked at; thinner bars are not found."""


def _leading(lines: NDArray[np.uint8]) -> int:
    """How many of the first lines are each of one value."""
    for index, line in enumerate(lines):
        if (line != line[0]).any():
            return index
    return len(lines)


def bar_fraction(luma: NDArray[np.uint8]) -> float:
    """Share of rows and of columns, added, that belong to uniform bars along the edges.

    Args:
        luma: (H, W) uint8.

    Returns:
        0 to 1, in steps of `STEP` lines; 0 for a frame that is uniform all over.
    """
    total = 0.0
    for plane in (luma, luma.T):
        lines = plane[::STEP]
        first = _leading(lines)
        if first == len(lines):
            return 0.0
        last = _leading(plane[::-STEP])
        total += (first + last) * STEP / len(plane)
    return min(total, 1.0)
