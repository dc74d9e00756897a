"""The arrays of one pass over a frame, small enough for the first two cache levels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from vqa_metrics.nss.filter import SCRATCH
from vqa_metrics.nss.fold import CELLS, PAIR
from vqa_metrics.nss.moments import SUMS
from vqa_metrics.nss.signs import BYTE, COUNTS
from vqa_metrics.nss.tile import BLOCK, HALO, LANES, PITCH, ROWS, SPAN, TILE, WIDE, Words

_LINE = 64
"""Bytes of a cache line, and of the widest vectors."""


class Work(NamedTuple):
    """Arrays of one pass, which leaves them ready for the next; flat ones have a tile's pitch.

    Attributes:
        words: scratch of the loaders.
        x: pixels.
        filtered: scratch of the filter.
        z: coefficients, float32; row r of the tile is row r + 1, and row 0 stays zero.
        bits: the same memory as int32.
        before: (BLOCK,) coefficients in the column left of the tile.
        below: uint8, where they are below zero, a byte for eight rows.
        other: uint8, where they are not zero.
        flat: uint8, where they are rounding residue, per column.
        sums: float32 column sums of the tile.
        counts: uint8 column counts.
        pair_sums: column sums of the pairs with the row above the tile.
        pair_counts: column counts of those pairs.
        pairs: (2 * PAIR,) float32, scratch of the folding.
        inside: (2, CELLS) float64, sums by strip: of its first column, of the others.
        across: the same of the pairs with the row above the tile.
        frame: (CELLS,) sums of the frame by strip.
        sides: (2, BLOCK + 1) left and right column of a block.
        seams: (tiles, PITCH) last rows of coefficients of the tiles above.
        rows: (2, W) top and bottom row of coefficients.
        columns: (2, H) left and right column of coefficients.
    """

    words: Words
    x: NDArray[np.float64]
    filtered: NDArray[np.float64]
    z: NDArray[np.float32]
    bits: NDArray[np.int32]
    before: NDArray[np.float32]
    below: NDArray[np.uint8]
    other: NDArray[np.uint8]
    flat: NDArray[np.uint8]
    sums: NDArray[np.float32]
    counts: NDArray[np.uint8]
    pair_sums: NDArray[np.float32]
    pair_counts: NDArray[np.uint8]
    pairs: NDArray[np.float32]
    inside: NDArray[np.float64]
    across: NDArray[np.float64]
    frame: NDArray[np.float64]
    sides: NDArray[np.float32]
    seams: NDArray[np.float32]
    rows: NDArray[np.float32]
    columns: NDArray[np.float32]


def _zeros(size: int, kind: DTypeLike) -> NDArray[Any]:
    """Zeros that begin on a cache line, which NumPy does not promise."""
    length = size * np.dtype(kind).itemsize
    memory = np.zeros(length + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + length].view(kind)


def new_work(height: int, width: int) -> Work:
    """Arrays for one scale of a frame, given its size at that scale."""
    packed = (BLOCK // BYTE + 1) * PITCH
    words = _zeros(ROWS * SPAN // 2, np.uint64)
    z = _zeros((BLOCK + 2) * PITCH, np.float32)
    return Work(
        words=Words(
            words,
            words.view(np.uint8),
            words.view(np.int32),
            _zeros(ROWS * WIDE, np.int32).reshape(ROWS, WIDE),
            _zeros(TILE + 2 * HALO, np.int32),
        ),
        x=_zeros(ROWS * PITCH, np.float64),
        filtered=_zeros(SCRATCH, np.float64),
        z=z,
        bits=z.view(np.int32),
        before=np.zeros(BLOCK, np.float32),
        below=_zeros(packed, np.uint8),
        other=_zeros(packed, np.uint8),
        flat=_zeros(TILE + LANES, np.uint8),
        sums=_zeros(SUMS, np.float32),
        counts=_zeros(COUNTS, np.uint8),
        pair_sums=_zeros(SUMS, np.float32),
        pair_counts=_zeros(COUNTS, np.uint8),
        pairs=_zeros(2 * PAIR, np.float32),
        inside=_zeros(2 * CELLS, np.float64).reshape(2, CELLS),
        across=_zeros(2 * CELLS, np.float64).reshape(2, CELLS),
        frame=_zeros(CELLS, np.float64),
        sides=np.zeros((2, BLOCK + 1), np.float32),
        seams=np.zeros((-(-width // TILE), PITCH), np.float32),
        rows=np.zeros((2, width), np.float32),
        columns=np.zeros((2, height), np.float32),
    )
