"""The half image of NIQE and BRISQUE: MATLAB's ``imresize``, antialiased bicubic (a = -0.5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.tile import (
    HALO,
    ORIGIN,
    PITCH,
    TILE,
    WIDE,
    Words,
    keep_beside,
    order_ints,
    set_columns,
    set_rows,
)

_UNIT = 1.0 / 65536.0
_COUNT = TILE + 2 * HALO
"""Columns of a row of the half image, with those beside the tile."""
Row = NDArray[np.uint8]


@part()
def _mirrored(index: int, size: int) -> int:
    """Reflect an index at the edges, repeating the edge sample (``imresize``)."""
    if 0 <= index < size:
        return index
    folded = index % (2 * size)
    return min(folded, 2 * size - 1 - folded)


@part(forceinline=True)
def _taps(outer: np.int32, second: np.int32, third: np.int32, centre: np.int32) -> np.int32:
    """The eight taps (-3, -9, 29, 111, 111, 29, -9, -3), equal ones taken together."""
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
    """The weighted sum of eight rows in each of ``count`` columns."""
    for i in range(count):
        outer = np.int32(a[i]) + np.int32(h[i])
        second = np.int32(b[i]) + np.int32(g[i])
        third = np.int32(c[i]) + np.int32(f[i])
        centre = np.int32(d[i]) + np.int32(e[i])
        out[i] = _taps(outer, second, third, centre)


@part()
def _columns(
    luma: NDArray[np.uint8], height: int, row: int, first: int, last: int, out: NDArray[np.int32]
) -> None:
    """Eight rows around row ``row`` of the half image, weighted, in columns of the full image."""
    a = luma[_mirrored(2 * row - 3, height), first:last]
    b = luma[_mirrored(2 * row - 2, height), first:last]
    c = luma[_mirrored(2 * row - 1, height), first:last]
    d = luma[_mirrored(2 * row, height), first:last]
    e = luma[_mirrored(2 * row + 1, height), first:last]
    f = luma[_mirrored(2 * row + 2, height), first:last]
    g = luma[_mirrored(2 * row + 3, height), first:last]
    h = luma[_mirrored(2 * row + 4, height), first:last]
    if last - first == WIDE:  # a constant length makes the loop faster
        _weigh(a, b, c, d, e, f, g, h, WIDE, out)
    else:
        _weigh(a, b, c, d, e, f, g, h, last - first, out)


@part()
def _mirror(
    sums: NDArray[np.int32], left: int, inner: tuple[int, int], count: int, width: int
) -> None:
    """Fill the columns outside the image, given that ``sums`` begins with column ``left``."""
    for column in range(left, inner[0]):
        sums[column - left] = sums[_mirrored(column, width) - left]
    for column in range(inner[1], left + count):
        sums[column - left] = sums[_mirrored(column, width) - left]


@part()
def load_half(
    luma: NDArray[np.uint8],
    size: tuple[int, int],
    corner: tuple[int, int],
    rows: int,
    words: Words,
    x: NDArray[np.float64],
) -> None:
    """As `load_full`, of the half image; ``size`` is that of the full image.

    Sums of integers are exact in any order, so the result is the exact multiple of 1/65536.
    """
    height, width = size
    r0, c0 = corner
    first, last = max(-HALO, -c0), min(TILE + HALO, (width + 1) // 2 - c0)
    left, count = 2 * (c0 + first) - 3, 2 * (last - first) + 6
    inner = (max(left, 0), min(left + count, width))
    top, bottom = max(0, HALO - r0), min(rows + 2 * HALO, (height + 1) // 2 - r0 + HALO)
    for row in range(top, bottom):
        p = words.sums[row]
        _columns(luma, height, r0 + row - HALO, inner[0], inner[1], p[inner[0] - left :])
        _mirror(p, left, inner, count, width)
    line = words.line
    for row in range(top, bottom):
        p = words.sums[row]
        for i in range(_COUNT):  # a constant length; what is beyond the image is not used
            s = 2 * i
            outer, second = p[s] + p[s + 7], p[s + 1] + p[s + 6]
            third, centre = p[s + 2] + p[s + 5], p[s + 3] + p[s + 4]
            line[i] = _taps(outer, second, third, centre)
        if last >= TILE:
            order_ints(line[-first:], row, words)
            keep_beside(line, (first, last), row, words.ints)
        else:
            set_columns(line, (first, last), _UNIT, x[row * PITCH + ORIGIN :])
    if last >= TILE:
        set_rows(words.ints, top, bottom, _UNIT, x)
