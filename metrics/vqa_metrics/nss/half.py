"""The half image of NIQE and BRISQUE: MATLAB's ``imresize``, antialiased bicubic (a = -0.5).

Source: R. Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 1981,
stretched by two as ``imresize(image, 0.5)`` does. The weights are whole numbers over 256, so the
image is computed in int32 without rounding and scaled once: the LIVE releases' float64 result is
met exactly, whatever the order of additions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.tail import tail
from vqa_metrics.nss.tile import (
    HALO,
    ORIGIN,
    PITCH,
    TILE,
    WIDE,
    LoadScratch,
    order_ints,
    set_columns,
    set_halo_columns,
    set_rows,
)

_UNIT = 1.0 / 65536.0
"""The weights of both directions are over 256."""
_COUNT = TILE + 2 * HALO
"""Columns of a row of the half image: those of the tile and of its halo."""
Row = NDArray[np.uint8]


@part()
def _mirrored(index: int, size: int) -> int:
    """Reflect an index at the edges, repeating the edge sample, as ``imresize`` does."""
    if 0 <= index < size:
        return index
    folded = index % (2 * size)
    return min(folded, 2 * size - 1 - folded)


@part(forceinline=True)
def _taps(outer: np.int32, second: np.int32, third: np.int32, centre: np.int32) -> np.int32:
    """Weight eight samples by (-3, -9, 29, 111, 111, 29, -9, -3), given the sums of equal taps."""
    return np.int32(
        np.int32(111) * centre + np.int32(29) * third - np.int32(9) * second - np.int32(3) * outer
    )


@part(forceinline=True)
def _weigh(
    a: Row,
    b: Row,
    c: Row,
    d: Row,
    e: Row,
    f: Row,
    g: Row,
    h: Row,
    count: int,
    out: NDArray[np.int32],
) -> None:
    """Compute the weighted sum of eight rows in each of ``count`` columns."""
    for i in range(count):
        outer = np.int32(a[i]) + np.int32(h[i])
        second = np.int32(b[i]) + np.int32(g[i])
        third = np.int32(c[i]) + np.int32(f[i])
        centre = np.int32(d[i]) + np.int32(e[i])
        out[i] = _taps(outer, second, third, centre)


@part()
def _columns(
    luma: Row, pitch: int, height: int, row: int, first: int, last: int, out: NDArray[np.int32]
) -> None:
    """Weight the eight rows around row ``row`` of the half image, in columns of the full image."""
    columns = tail(luma, first)
    a = tail(columns, _mirrored(2 * row - 3, height) * pitch)
    b = tail(columns, _mirrored(2 * row - 2, height) * pitch)
    c = tail(columns, _mirrored(2 * row - 1, height) * pitch)
    d = tail(columns, _mirrored(2 * row, height) * pitch)
    e = tail(columns, _mirrored(2 * row + 1, height) * pitch)
    f = tail(columns, _mirrored(2 * row + 2, height) * pitch)
    g = tail(columns, _mirrored(2 * row + 3, height) * pitch)
    h = tail(columns, _mirrored(2 * row + 4, height) * pitch)
    # The compiler unrolls a loop whose length it knows, and most rows have this one.
    if last - first == WIDE:
        _weigh(a, b, c, d, e, f, g, h, WIDE, out)
    else:
        _weigh(a, b, c, d, e, f, g, h, last - first, out)


@part()
def _mirror(
    sums: NDArray[np.int32], left: int, inner: tuple[int, int], count: int, width: int
) -> None:
    """Fill a weighted row outside the image; element 0 of ``sums`` is column ``left``."""
    for column in range(left, inner[0]):
        sums[column - left] = sums[_mirrored(column, width) - left]
    for column in range(inner[1], left + count):
        sums[column - left] = sums[_mirrored(column, width) - left]


@part()
def load_half(
    luma: Row,
    pitch: int,
    size: tuple[int, int],
    corner: tuple[int, int],
    rows: int,
    scratch: LoadScratch,
    x: NDArray[np.float64],
) -> None:
    """Fill a tile as `load_full` does, from the half image.

    The rows are weighted first, each over all columns that the tile needs, then the columns of each
    row; both sums are of integers and therefore exact.

    Args:
        luma: (H * W,) uint8, the full image.
        pitch: Its columns, W.
        size: Rows and columns of the full image that count as the frame.
        corner: First row and column of the tile in the half image.
        rows: Rows of the tile.
        scratch: For weighted rows and the ordering of columns.
        x: (ROWS * PITCH,) float64, the pixel tile; multiples of 1/65536 are stored.
    """
    height, width = size
    r0, c0 = corner
    first, last = max(-HALO, -c0), min(TILE + HALO, (width + 1) // 2 - c0)
    left, count = 2 * (c0 + first) - 3, 2 * (last - first) + 6
    inner = (max(left, 0), min(left + count, width))
    top, bottom = max(0, HALO - r0), min(rows + 2 * HALO, (height + 1) // 2 - r0 + HALO)
    for row in range(top, bottom):
        p = tail(scratch.weighted, row * WIDE)
        out = tail(p, inner[0] - left)
        _columns(luma, pitch, height, r0 + row - HALO, inner[0], inner[1], out)
        _mirror(p, left, inner, count, width)
    line = scratch.line
    for row in range(top, bottom):
        p = tail(scratch.weighted, row * WIDE)
        # All columns, for a constant length; what lies beyond the image is not used.
        for i in range(_COUNT):
            s = 2 * i
            outer, second = p[s] + p[s + 7], p[s + 1] + p[s + 6]
            third, centre = p[s + 2] + p[s + 5], p[s + 3] + p[s + 4]
            line[i] = _taps(outer, second, third, centre)
        if last >= TILE:
            order_ints(tail(line, -first), row, scratch.words)
            set_halo_columns(line, (first, last), row, scratch.ints)
        else:
            set_columns(line, (first, last), _UNIT, tail(x, row * PITCH + ORIGIN))
    if last >= TILE:
        set_rows(scratch.ints, top, bottom, _UNIT, x)
