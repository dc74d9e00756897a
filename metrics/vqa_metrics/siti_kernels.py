"""Sums behind spatial and temporal information, in one pass over a picture.

ITU-T P.910: SI is the standard deviation of the Sobel gradient's magnitude over the picture without
its border, TI that of the difference to the picture before. The magnitude is rounded to float32 and
summed in float64 as it was rounded, so that a picture whose gradient is the same everywhere has no
deviation at all. Differences of code values are summed in integers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import SUMS, kernel, part

Samples = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]


@part(fastmath=SUMS)
def _gradient_row(above: Samples, row: Samples, below: Samples) -> tuple[np.float64, np.float64]:
    """Add up the gradient's magnitude and its square over a row without its two ends."""
    total, squares = np.float64(0), np.float64(0)
    two = np.float32(2)
    for c in range(1, row.size - 1):
        a0, a1, a2 = np.float32(above[c - 1]), np.float32(above[c]), np.float32(above[c + 1])
        b0, b2 = np.float32(row[c - 1]), np.float32(row[c + 1])
        e0, e1, e2 = np.float32(below[c - 1]), np.float32(below[c]), np.float32(below[c + 1])
        across = (a2 - a0) + two * (b2 - b0) + (e2 - e0)
        down = (e0 - a0) + two * (e1 - a1) + (e2 - a2)
        magnitude = np.float64(np.sqrt(across * across + down * down))
        total += magnitude
        squares += magnitude * magnitude
    return total, squares


@part(fastmath=SUMS)
def _change_row(row: Samples, before: Samples) -> tuple[np.float64, np.float64]:
    """Add up the difference of two rows and its square, exactly for code values."""
    total, squares = np.float64(0), np.float64(0)
    for c in range(row.size):
        change = np.float32(row[c]) - np.float32(before[c])
        total += np.float64(change)
        squares += np.float64(change) * np.float64(change)
    return total, squares


@kernel()
def gradient_sums(picture: Samples) -> tuple[float, float]:
    """Add up the magnitude of the Sobel gradient and its square, over all but the border.

    Args:
        picture: (H, W) uint8, uint16 or float32, at least 3 x 3, rows without gaps.

    Returns:
        The sum of the magnitudes, and of their squares.
    """
    total, squares = 0.0, 0.0
    for r in range(1, picture.shape[0] - 1):
        some, more = _gradient_row(picture[r - 1], picture[r], picture[r + 1])
        total += some
        squares += more
    return total, squares


@kernel()
def change_sums(picture: Samples, before: Samples) -> tuple[float, float]:
    """Add up the difference of two pictures and its square.

    Args:
        picture: (H, W) uint8, uint16 or float32, rows without gaps.
        before: The picture before it; the same shape and dtype.

    Returns:
        The sum of the differences, and of their squares.
    """
    total, squares = 0.0, 0.0
    for r in range(picture.shape[0]):
        some, more = _change_row(picture[r], before[r])
        total += some
        squares += more
    return total, squares
