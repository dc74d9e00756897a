"""The tile that every kernel works on, and how a frame's pixels get into it.

A tile is one row of NIQE blocks, 192 columns wide, small enough to stay in the first two cache
levels. Its columns are stored as eight strips of 24, interleaved: columns 0, 24, 48 ... 168, then
columns 1, 25, 49 and so on. Vector c of a row therefore holds column c of every strip, and the
neighbour to the right is the next vector. Stored in their natural order, the seven columns of a
window would be seven loads that straddle vectors and cache lines; here they are aligned loads, of
which six are still in registers. A block is a whole number of strips, so its sums are those of
some lanes, and no loop over pixels has to add up the elements of a vector.

Why 192 columns: a full-scale block of 96 is four strips of 24, so a tile of eight strips (the
float64 lanes of a 64-byte vector) is two blocks. At half scale it is four blocks of 48.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.tail import tail

BLOCK = 96
"""Side of NIQE's square blocks in pixels at full scale; at half scale it is half of this."""
LANES = 8
"""Strips of a tile: as many as a vector of 64 bytes has lanes of float64."""
STRIP = 24
"""Columns of a strip. A block is four strips wide at full scale, and two at half scale."""
TILE = LANES * STRIP
"""Columns of a tile."""
HALO = 3
"""Pixels around a tile that the 7x7 window needs: three on each side."""
ORIGIN = 64
"""Elements before column 0 in a row: so many that column 0 begins a cache line in every dtype.

The last of them hold the columns left of each strip, see `filter._join_strips`.
"""
PITCH = 320
"""Elements from one row of a tile array to the next, in every dtype.

It is 64 before the columns, 192 columns and 64 behind them. A power of two would put the rows of a
window into the same few sets of the first cache level, where they would evict one another.
"""
WIDE = 2 * (TILE + 2 * HALO) + 6
"""Columns of the full image that a row of a half-image tile, with its halo, is made from.

Eight taps for each output column, two apart: six columns beyond twice the width.
"""
SPAN = TILE + LANES
"""Elements of a row in the loaders' scratch: its columns, and one vector for those of the halo."""
ROWS = BLOCK + 2 * HALO
"""Rows of a pixel tile with its halo. Row r of a tile is row ``r + HALO`` of the array."""


@part(forceinline=True)
def column_offset(column: int) -> int:
    """Where a column lies in a row, in elements from `ORIGIN` on.

    Args:
        column: -3 to 194. The three on each side of the tile are kept in the vector behind it: the
            left ones first.
    """
    if column < 0:
        return TILE + HALO + column
    if column >= TILE:
        return column + HALO
    return column % STRIP * LANES + column // STRIP


Number = int | np.uint32 | np.uint64


class LoadScratch(NamedTuple):
    """Scratch of the loaders, where the columns of a row are put in the order of the strips.

    One memory is seen as three types: pixels are moved eight at a time, as parts of a word, because
    storing single bytes 24 apart is several times slower.

    Attributes:
        words: (ROWS * SPAN // 2,) uint64, what the ordering kernels write.
        bytes: The same memory as uint8, for pixels of the full image.
        ints: The same memory as int32, for the half image.
        weighted: (ROWS * WIDE,) int32, rows of the full image weighted down the columns.
        line: (TILE + 2 * HALO,) int32, one row of the half image in natural order.
    """

    words: NDArray[np.uint64]
    bytes: NDArray[np.uint8]
    ints: NDArray[np.int32]
    weighted: NDArray[np.int32]
    line: NDArray[np.int32]


@part(forceinline=True)
def _join(low: Number, high: Number, bits: int) -> np.uint64:
    """Pack two numbers into one word, the second ``bits`` higher than the first."""
    return np.uint64(low) | np.uint64(high) << np.uint64(bits)


@part()
def order_bytes(p: NDArray[np.uint8], row: int, words: NDArray[np.uint64]) -> None:
    """Put a row of `TILE` pixels in the order of the strips: byte k of a word is of strip k."""
    out = tail(words, row * SPAN // 8)
    for c in range(STRIP):
        a = _join(p[c], p[STRIP + c], 8)
        b = _join(p[2 * STRIP + c], p[3 * STRIP + c], 8)
        d = _join(p[4 * STRIP + c], p[5 * STRIP + c], 8)
        e = _join(p[6 * STRIP + c], p[7 * STRIP + c], 8)
        out[c] = _join(_join(a, b, 16), _join(d, e, 16), 32)


@part()
def order_ints(p: NDArray[np.int32], row: int, words: NDArray[np.uint64]) -> None:
    """Do what `order_bytes` does, for numbers of 32 bits, of which a word holds two."""
    out = tail(words, row * SPAN // 2)
    for c in range(STRIP):
        s = 2 * STRIP + c
        t, u = s + 2 * STRIP, s + 4 * STRIP
        out[4 * c] = _join(np.uint32(p[c]), np.uint32(p[STRIP + c]), 32)
        out[4 * c + 1] = _join(np.uint32(p[s]), np.uint32(p[STRIP + s]), 32)
        out[4 * c + 2] = _join(np.uint32(p[t]), np.uint32(p[STRIP + t]), 32)
        out[4 * c + 3] = _join(np.uint32(p[u]), np.uint32(p[STRIP + u]), 32)


@part()
def set_rows(
    p: NDArray[np.integer], first: int, last: int, unit: float, x: NDArray[np.float64]
) -> None:
    """Convert rows ``first`` to ``last`` of ordered numbers to float64, times ``unit``.

    This is a pass of its own, after all rows were ordered: a processor that loads a number whose
    parts were stored a moment ago has to wait until the stores have reached the cache.
    """
    for row in range(first, last):
        source = tail(p, row * SPAN)
        target = tail(x, row * PITCH + ORIGIN)
        for i in range(SPAN):
            target[i] = source[i] * unit


@part(forceinline=True)
def set_halo_columns(
    line: NDArray[np.integer], span: tuple[int, int], row: int, out: NDArray[np.integer]
) -> None:
    """Store the columns beside a whole tile, which ``span`` says, behind its ordered numbers."""
    first, last = span
    start = row * SPAN + TILE
    for column in range(first, 0):
        out[start + HALO + column] = line[column - first]
    for column in range(TILE, last):
        out[start + HALO + column - TILE] = line[column - first]


@part()
def set_columns(
    line: NDArray[np.integer], span: tuple[int, int], unit: float, out: NDArray[np.float64]
) -> None:
    """Store the columns ``span`` of a row that ends within the tile, one by one."""
    first, last = span
    for column in range(first, last):
        out[column_offset(column)] = line[column - first] * unit


@part()
def load_full(
    luma: NDArray[np.uint8],
    pitch: int,
    size: tuple[int, int],
    corner: tuple[int, int],
    rows: int,
    scratch: LoadScratch,
    x: NDArray[np.float64],
) -> None:
    """Fill the tile at ``corner``, and `HALO` pixels around it, with pixels of the full image.

    Only what lies inside the frame is written; `pad` fills the rest.

    Args:
        luma: (H * W,) uint8, the full image.
        pitch: Its columns, W.
        size: Rows and columns, from the top left, that count as the frame: all, or NIQE's crop.
        corner: First row and column of the tile.
        rows: Rows of the tile.
        scratch: For the ordering of columns.
        x: (ROWS * PITCH,) float64, the pixel tile.
    """
    height, width = size
    r0, c0 = corner
    first, last = max(-HALO, -c0), min(TILE + HALO, width - c0)
    top, bottom = max(0, HALO - r0), min(rows + 2 * HALO, height - r0 + HALO)
    for row in range(top, bottom):
        line = tail(luma, (r0 + row - HALO) * pitch + c0 + first)
        if last >= TILE:
            order_bytes(tail(line, -first), row, scratch.words)
            set_halo_columns(line, (first, last), row, scratch.bytes)
        else:
            set_columns(line, (first, last), 1.0, tail(x, row * PITCH + ORIGIN))
    if last >= TILE:
        set_rows(scratch.bytes, top, bottom, 1.0, x)


@part()
def pad(
    size: tuple[int, int],
    corner: tuple[int, int],
    rows: int,
    replicate: bool,
    x: NDArray[np.float64],
) -> None:
    """Fill what lies outside ``size`` in a tile and its halo: with edge pixels, or with zeros."""
    height, width = size
    r0, c0 = corner
    top, bottom = max(0, HALO - r0), min(rows + 2 * HALO, height - r0 + HALO)
    left, right = max(-HALO, -c0), min(TILE + HALO, width - c0)
    for row in range(top, bottom):
        line = tail(x, row * PITCH + ORIGIN)
        for column in range(-HALO, left):
            line[column_offset(column)] = line[column_offset(left)] if replicate else 0.0
        for column in range(right, TILE + HALO):
            line[column_offset(column)] = line[column_offset(right - 1)] if replicate else 0.0
    for row in range(rows + 2 * HALO):
        if row < top or row >= bottom:
            nearest = min(max(row, top), bottom - 1)
            for column in range(PITCH):
                x[row * PITCH + column] = x[nearest * PITCH + column] if replicate else 0.0
