"""The tile that every kernel works on, and how a frame's pixels get into it.

A tile is one row of NIQE blocks, 192 columns wide, small enough to stay in the first two cache
levels. Its columns are stored in eight strips side by side, lane by lane: column 0, 24, 48 ... 168,
then column 1, 25, 49 and so on. So horizontal neighbours are eight elements apart: loops run over
whole aligned vectors in both directions, and a block's columns are lanes of their own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part

BLOCK = 96
"""NIQE's block size at full scale in pixels; half of it at half scale."""
LANES = 8
"""Strips of a tile, the float64 lanes of the widest vectors."""
STRIP = 24
"""Columns of a strip; a block is four strips wide at full scale, and two at half scale."""
TILE = LANES * STRIP
"""Columns of a tile."""
HALO = 3
"""Pixels around a tile, for the 7x7 window."""
ORIGIN = 64
"""Elements before column 0 in a row, so many that it is aligned for every type."""
PITCH = 320
"""Elements between two rows of any tile array. Not a power of two: those share cache sets."""
WIDE = 2 * (TILE + 2 * HALO) + 6
"""Columns of the full image that a tile of the half image is made of."""
SPAN = TILE + LANES
"""Columns of a row with those beside the tile, in whole vectors."""
ROWS = BLOCK + 2 * HALO
"""Rows of a pixel tile. Row r of a tile is row ``r + HALO`` of the array."""


@part(forceinline=True)
def position(column: int) -> int:
    """Element of a column after `ORIGIN`; those beside the tile are in one vector behind it."""
    if column < 0:
        return TILE + HALO + column
    if column >= TILE:
        return column + HALO
    return column % STRIP * LANES + column // STRIP


Number = int | np.uint32 | np.uint64


class Words(NamedTuple):
    """Scratch of the loaders: a memory in which columns are put in the order of the strips.

    Attributes:
        whole: (ROWS * SPAN // 2,) uint64.
        bytes: the same memory as uint8.
        ints: the same memory as int32.
        sums: (ROWS, WIDE) int32, rows of the full image weighted for the half image.
        line: (TILE + 2 * HALO,) int32, a row of the half image.
    """

    whole: NDArray[np.uint64]
    bytes: NDArray[np.uint8]
    ints: NDArray[np.int32]
    sums: NDArray[np.int32]
    line: NDArray[np.int32]


@part(forceinline=True)
def _join(low: Number, high: Number, bits: int) -> np.uint64:
    """Two numbers side by side in one, the second moved up by a number of bits."""
    return np.uint64(low) | np.uint64(high) << np.uint64(bits)


@part()
def order_bytes(p: NDArray[np.uint8], row: int, words: Words) -> None:
    """Put `TILE` pixels in the order of the strips: byte k of a word is of strip k."""
    out = words.whole[row * SPAN // 8 :]
    for c in range(STRIP):
        a = _join(p[c], p[STRIP + c], 8)
        b = _join(p[2 * STRIP + c], p[3 * STRIP + c], 8)
        d = _join(p[4 * STRIP + c], p[5 * STRIP + c], 8)
        e = _join(p[6 * STRIP + c], p[7 * STRIP + c], 8)
        out[c] = _join(_join(a, b, 16), _join(d, e, 16), 32)


@part()
def order_ints(p: NDArray[np.int32], row: int, words: Words) -> None:
    """The same for numbers of 32 bits, of which a word has two."""
    out = words.whole[row * SPAN // 2 :]
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
    """Set all columns of array rows ``first`` to ``last`` to ordered numbers times ``unit``.

    Apart from the ordering, which runs ahead: a number just stored in parts is slow to load.
    """
    for row in range(first, last):
        source = p[row * SPAN : (row + 1) * SPAN]
        target = x[row * PITCH + ORIGIN : row * PITCH + ORIGIN + SPAN]
        for i in range(SPAN):
            target[i] = source[i] * unit


@part(forceinline=True)
def keep_beside(
    line: NDArray[np.integer], span: tuple[int, int], row: int, out: NDArray[np.integer]
) -> None:
    """Put what a row's columns ``span`` have beside a whole tile behind its ordered numbers."""
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
    """Set a row's columns ``span``, which end within the tile."""
    first, last = span
    for column in range(first, last):
        out[position(column)] = line[column - first] * unit


@part()
def load_full(
    luma: NDArray[np.uint8],
    size: tuple[int, int],
    corner: tuple[int, int],
    rows: int,
    words: Words,
    x: NDArray[np.float64],
) -> None:
    """Fill the tile at ``corner``, and `HALO` pixels around it, from the top left ``size``.

    Only pixels inside are written.
    """
    height, width = size
    r0, c0 = corner
    first, last = max(-HALO, -c0), min(TILE + HALO, width - c0)
    top, bottom = max(0, HALO - r0), min(rows + 2 * HALO, height - r0 + HALO)
    for row in range(top, bottom):
        line = luma[r0 + row - HALO, c0 + first : c0 + last]
        if last >= TILE:
            order_bytes(line[-first:], row, words)
            keep_beside(line, (first, last), row, words.bytes)
        else:
            set_columns(line, (first, last), 1.0, x[row * PITCH + ORIGIN :])
    if last >= TILE:
        set_rows(words.bytes, top, bottom, 1.0, x)


@part()
def pad(
    size: tuple[int, int],
    corner: tuple[int, int],
    rows: int,
    replicate: bool,
    x: NDArray[np.float64],
) -> None:
    """Fill what of a tile lies outside ``size``: with its edge pixels, or with zeros."""
    height, width = size
    r0, c0 = corner
    top, bottom = max(0, HALO - r0), min(rows + 2 * HALO, height - r0 + HALO)
    left, right = max(-HALO, -c0), min(TILE + HALO, width - c0)
    for row in range(top, bottom):
        line = x[row * PITCH + ORIGIN : (row + 1) * PITCH]
        for column in range(-HALO, left):
            line[position(column)] = line[position(left)] if replicate else 0.0
        for column in range(right, TILE + HALO):
            line[position(column)] = line[position(right - 1)] if replicate else 0.0
    for row in range(rows + 2 * HALO):
        if row < top or row >= bottom:
            nearest = min(max(row, top), bottom - 1)
            for column in range(PITCH):
                x[row * PITCH + column] = x[nearest * PITCH + column] if replicate else 0.0
