"""The arrays of one pass over a frame, small enough for the first two cache levels.

A tile of 192 columns takes 255 KiB as float64 pixels and 123 KiB as float32 coefficients, of which
48 rows are in use at a time. They are made once per thread and size and used for every
tile and every frame: memory that is new costs a page fault per 4 KiB when it is first touched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from vqa_metrics.nss.filter import FILTER_ELEMENTS
from vqa_metrics.nss.fold import CELLS, PAIR
from vqa_metrics.nss.moments import SUMS
from vqa_metrics.nss.signs import BYTE, COUNTS, Signs
from vqa_metrics.nss.tile import (
    BLOCK,
    HALO,
    LANES,
    PITCH,
    ROWS,
    SPAN,
    TILE,
    WIDE,
    LoadScratch,
)

_LINE = 64
"""Bytes of a cache line, which is also the size of the widest vectors."""


class ColumnSums(NamedTuple):
    """Sums by column of a tile.

    Attributes:
        sums: (moments.SUMS,) float32.
        counts: (signs.COUNTS,) uint8.
    """

    sums: NDArray[np.float32]
    counts: NDArray[np.uint8]


class Edges(NamedTuple):
    """Coefficients that later tiles need of earlier ones, and the outermost of the frame.

    Attributes:
        before: (BLOCK,) float32, coefficients in the column left of the tile.
        seams: (tiles * PITCH,) float32, last rows of coefficients of the tiles above.
        rows: (2 * W,) float32, top and then bottom row of coefficients of the frame.
        columns: (2 * H,) float32, left and then right column of coefficients of the frame.
    """

    before: NDArray[np.float32]
    seams: NDArray[np.float32]
    rows: NDArray[np.float32]
    columns: NDArray[np.float32]


class Buffers(NamedTuple):
    """Arrays of one pass, which leaves them ready for the next.

    Arrays of a tile are one-dimensional, with `tile.PITCH` elements from row to row, so that a
    kernel addresses rows above and below by a constant. What goes together is one member: handing
    over all arrays takes Numba longer to compile than a short part does.

    Attributes:
        scratch: Scratch of the loaders.
        x: (ROWS * PITCH,) float64 pixels with their halo.
        filtered: (FILTER_ELEMENTS,) float64, scratch of the filter.
        z: ((BLOCK + 2) * PITCH,) float32 coefficients; row r of the tile is row r + 1, and row 0
            stays zero, so that the first row has an upper neighbour that adds nothing.
        signs: The same memory as integers, and the signs in it.
        tile: Column sums of the tile.
        seam: Column sums of the pairs with the row above the tile.
        pairs: (2 * PAIR,) float32, scratch of the folding.
        inside: (2 * CELLS,) float64, sums by strip: of its first column, and of the others.
        across: The same for the pairs with the row above the tile.
        frame: (CELLS,) float64, sums of the frame by strip.
        sides: (2 * (BLOCK + 1),) float32, left and right column of a block.
        edges: What is kept of each tile.
    """

    scratch: LoadScratch
    x: NDArray[np.float64]
    filtered: NDArray[np.float64]
    z: NDArray[np.float32]
    signs: Signs
    tile: ColumnSums
    seam: ColumnSums
    pairs: NDArray[np.float32]
    inside: NDArray[np.float64]
    across: NDArray[np.float64]
    frame: NDArray[np.float64]
    sides: NDArray[np.float32]
    edges: Edges


def _zeros(size: int, kind: DTypeLike) -> NDArray[Any]:
    """Make an array of zeros that begins on a cache line, which NumPy does not promise."""
    length = size * np.dtype(kind).itemsize
    memory = np.zeros(length + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + length].view(kind)


def new_buffers(height: int, width: int) -> Buffers:
    """Make the arrays for one scale of a frame.

    Args:
        height: Rows of the frame at that scale.
        width: Columns of the frame at that scale.
    """
    packed = (BLOCK // BYTE + 1) * PITCH
    words = _zeros(ROWS * SPAN // 2, np.uint64)
    z = _zeros((BLOCK + 2) * PITCH, np.float32)
    return Buffers(
        scratch=LoadScratch(
            words,
            words.view(np.uint8),
            words.view(np.int32),
            _zeros(ROWS * WIDE, np.int32),
            _zeros(TILE + 2 * HALO, np.int32),
        ),
        x=_zeros(ROWS * PITCH, np.float64),
        filtered=_zeros(FILTER_ELEMENTS, np.float64),
        z=z,
        signs=Signs(
            z.view(np.int32),
            _zeros(packed, np.uint8),
            _zeros(packed, np.uint8),
            _zeros(TILE + LANES, np.uint8),
        ),
        tile=ColumnSums(_zeros(SUMS, np.float32), _zeros(COUNTS, np.uint8)),
        seam=ColumnSums(_zeros(SUMS, np.float32), _zeros(COUNTS, np.uint8)),
        pairs=_zeros(2 * PAIR, np.float32),
        inside=_zeros(2 * CELLS, np.float64),
        across=_zeros(2 * CELLS, np.float64),
        frame=_zeros(CELLS, np.float64),
        sides=np.zeros(2 * (BLOCK + 1), np.float32),
        edges=Edges(
            before=np.zeros(BLOCK, np.float32),
            seams=np.zeros(-(-width // TILE) * PITCH, np.float32),
            rows=np.zeros(2 * width, np.float32),
            columns=np.zeros(2 * height, np.float32),
        ),
    )
