"""The tile that every kernel works on, and how a frame's pixels get into it.

A tile is one row of NIQE blocks, 192 columns wide, small enough to stay in the first two cache
levels. Arrays of tiles are flat with a fixed pitch: constant distances between rows let the
compiler vectorise loops over many rows without run-time checks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part

BLOCK = 96
"""NIQE's block size at full scale in pixels; half of it at half scale."""
TILE = 192
"""Columns of a tile, a multiple of the block size at both scales."""
HALO = 4
"""Pixels around a tile: 3 for the 7x7 window and 1 for neighbour products."""
LANES = 8
"""Columns are filtered in multiples of this, the float64 lanes of the widest vectors."""
PITCH = TILE + 2 * HALO + LANES
"""Elements between two rows of any tile array. Column c of a tile is element ``c + HALO``."""
ROWS = BLOCK + 2 * HALO
"""Rows of a pixel tile. Row r of a tile is row ``r + HALO`` of the array."""

_UNIT = 1.0 / 65536.0


@part()
def _mirrored(index: int, size: int) -> int:
    """Reflect an index at the edges, repeating the edge sample (``imresize``)."""
    folded = index % (2 * size)
    return min(folded, 2 * size - 1 - folded)


@part()
def load_full(
    luma: NDArray[np.uint8],
    height: int,
    width: int,
    r0: int,
    c0: int,
    rows: int,
    x: NDArray[np.float64],
) -> None:
    """Pixels of rows ``r0 - HALO`` to ``r0 + rows + HALO`` from column ``c0 - HALO``.

    Only those inside ``height`` x ``width`` are written.
    """
    first, last = max(0, c0 - HALO), min(width, c0 - HALO + PITCH)
    for row in range(max(0, r0 - HALO), min(height, r0 + rows + HALO)):
        source = luma[row, first:last]
        start = (row - r0 + HALO) * PITCH + HALO - c0
        target = x[start + first : start + last]
        for column in range(min(last - first, PITCH)):
            target[column] = source[column]


@part()
def load_half(
    luma: NDArray[np.uint8],
    height: int,
    width: int,
    r0: int,
    c0: int,
    rows: int,
    x: NDArray[np.float64],
) -> None:
    """The same for the half image: antialiased bicubic (a = -0.5), taps (-3,-9,29,111,...)/256.

    ``height`` and ``width`` are those of the full image. Sums of integers are exact in any order,
    so the result is the exact multiple of 1/65536.
    """
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    first, last = max(0, c0 - HALO), min(half_width, c0 - HALO + PITCH)
    left = 2 * first - 3
    count = 2 * (last - first) + 6
    sums = np.empty(2 * PITCH + 6, np.int32)
    inner_first, inner_last = max(left, 0), min(left + count, width)
    for row in range(max(0, r0 - HALO), min(half_height, r0 + rows + HALO)):
        a = luma[_mirrored(2 * row - 3, height), inner_first:inner_last]
        b = luma[_mirrored(2 * row - 2, height), inner_first:inner_last]
        c = luma[_mirrored(2 * row - 1, height), inner_first:inner_last]
        d = luma[_mirrored(2 * row, height), inner_first:inner_last]
        e = luma[_mirrored(2 * row + 1, height), inner_first:inner_last]
        f = luma[_mirrored(2 * row + 2, height), inner_first:inner_last]
        g = luma[_mirrored(2 * row + 3, height), inner_first:inner_last]
        h = luma[_mirrored(2 * row + 4, height), inner_first:inner_last]
        middle = sums[inner_first - left :]
        for column in range(min(inner_last - inner_first, 2 * PITCH + 6)):
            outer = np.int32(a[column]) + np.int32(h[column])
            second = np.int32(b[column]) + np.int32(g[column])
            third = np.int32(c[column]) + np.int32(f[column])
            centre = np.int32(d[column]) + np.int32(e[column])
            middle[column] = (
                np.int32(111) * centre
                + np.int32(29) * third
                - np.int32(9) * second
                - np.int32(3) * outer
            )
        for column in range(left, inner_first):
            sums[column - left] = sums[_mirrored(column, width) - left]
        for column in range(inner_last, left + count):
            sums[column - left] = sums[_mirrored(column, width) - left]
        start = (row - r0 + HALO) * PITCH + HALO - c0 + first
        target = x[start : start + last - first]
        for column in range(min(last - first, PITCH)):
            s = 2 * column
            total = (
                np.int32(111) * (sums[s + 3] + sums[s + 4])
                + np.int32(29) * (sums[s + 2] + sums[s + 5])
                - np.int32(9) * (sums[s + 1] + sums[s + 6])
                - np.int32(3) * (sums[s] + sums[s + 7])
            )
            target[column] = np.int32(total) * _UNIT


@part()
def pad(
    height: int, width: int, r0: int, c0: int, rows: int, replicate: bool, x: NDArray[np.float64]
) -> None:
    """Fill what of a tile lies outside the image: with its edge pixels, or with zeros."""
    top, bottom = max(0, HALO - r0), min(rows + 2 * HALO, height - r0 + HALO)
    left, right = max(0, HALO - c0), min(PITCH, width - c0 + HALO)
    for row in range(top, bottom):
        line = x[row * PITCH : (row + 1) * PITCH]
        line[:left] = line[left] if replicate else 0.0
        line[right:] = line[right - 1] if replicate else 0.0
    for row in range(rows + 2 * HALO):
        if row < top or row >= bottom:
            nearest = min(max(row, top), bottom - 1)
            for column in range(PITCH):
                x[row * PITCH + column] = x[nearest * PITCH + column] if replicate else 0.0
