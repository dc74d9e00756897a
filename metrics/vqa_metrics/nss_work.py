"""The arrays of one pass over a frame, small enough for the first two cache levels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_metrics.nss_filter import SCRATCH
from vqa_metrics.nss_moments import COUNTS, PAIR, STEP, SUMS
from vqa_metrics.nss_tile import BLOCK, PITCH, ROWS, TILE


class Work(NamedTuple):
    """Arrays of one pass, all zeros before it; flat ones have the pitch of a tile.

    Attributes:
        x: pixels.
        filtered: scratch of the filter.
        z: coefficients, float32; row r of the tile is row r + 1, and row 0 stays zero.
        below: uint8, where they are below zero.
        other: uint8, where they are not zero.
        sums: (4, SUMS) column sums by row group.
        counts: (4, COUNTS) column counts by row group.
        total_sums: column sums of the tile.
        total_counts: column counts of the tile.
        sides: (2, BLOCK + 1) left and right column of a block.
        flat: (TILE,) uint8.
        seams: (2, W + 2) last rows of coefficients of this and the last band.
        rows: (2, W) top and bottom row of coefficients.
        columns: (2, H) left and right column of coefficients.
    """

    x: NDArray[np.float64]
    filtered: NDArray[np.float64]
    z: NDArray[np.float32]
    below: NDArray[np.uint8]
    other: NDArray[np.uint8]
    sums: NDArray[np.float32]
    counts: NDArray[np.uint8]
    total_sums: NDArray[np.float32]
    total_counts: NDArray[np.uint8]
    sides: NDArray[np.float32]
    flat: NDArray[np.uint8]
    seams: NDArray[np.float32]
    rows: NDArray[np.float32]
    columns: NDArray[np.float32]


def new_work(height: int, width: int) -> Work:
    """Arrays for one scale of a frame, given its size at that scale."""
    tile = (BLOCK + STEP + 2) * PITCH
    return Work(
        x=np.zeros(ROWS * PITCH),
        filtered=np.zeros(SCRATCH),
        z=np.zeros(tile, np.float32),
        below=np.zeros(tile, np.uint8),
        other=np.zeros(tile, np.uint8),
        sums=np.zeros((PAIR + 1, SUMS), np.float32),
        counts=np.zeros((PAIR + 1, COUNTS), np.uint8),
        total_sums=np.zeros(SUMS, np.float32),
        total_counts=np.zeros(COUNTS, np.uint8),
        sides=np.zeros((2, BLOCK + 1), np.float32),
        flat=np.zeros(TILE, np.uint8),
        seams=np.zeros((2, width + 2), np.float32),
        rows=np.zeros((2, width), np.float32),
        columns=np.zeros((2, height), np.float32),
    )
