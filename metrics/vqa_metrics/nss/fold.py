"""From the column sums of a tile to the sums of its blocks and of the frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.moments import FIELDS, KINDS, SPANNING
from vqa_metrics.nss.simd import load, store
from vqa_metrics.nss.tail import tail
from vqa_metrics.nss.tile import LANES, STRIP, TILE

_SUMS = 3
"""How many of the fields are float32 sums; the others are uint8 counts."""
PAIR = 2 * LANES
"""Elements of two columns of every strip, which are one vector of float32."""
CELLS = KINDS * FIELDS * LANES
"""Elements of an array with one number per kind, field and strip, in that order."""


@part(forceinline=True)
def _fold_columns(
    columns: NDArray[np.float32] | NDArray[np.uint8],
    start: int,
    pairs: NDArray[np.float32],
    first: NDArray[np.float64],
    others: NDArray[np.float64],
) -> None:
    """Set, for each strip, its first column and the sum of the others.

    The first column is kept apart because its left neighbour belongs to another strip: NIQE must
    leave those pairs out where a block begins.
    """
    ends = load(columns, start)
    total = load(columns, start + PAIR)
    for i in range(2, STRIP // 2, 2):
        at = start + i * PAIR
        total = total + (load(columns, at) + load(columns, at + PAIR))
    store(pairs, 0, ends)
    store(pairs, PAIR, total)
    for i in range(LANES):
        first[i] = pairs[i]
        others[i] = np.float64(pairs[PAIR + i]) + pairs[PAIR + LANES + i] + pairs[LANES + i]


@part()
def fold_strips(
    sums: NDArray[np.float32],
    counts: NDArray[np.uint8],
    kind: int,
    pairs: NDArray[np.float32],
    strips: NDArray[np.float64],
) -> None:
    """Fold the columns of a tile to sums by strip, for the kinds from ``kind`` on.

    Args:
        sums: (SUMS,) float32 column sums.
        counts: (COUNTS,) uint8 column counts.
        kind: First kind; those before are left as they are.
        pairs: (2 * PAIR,) float32, scratch.
        strips: (2 * CELLS,) float64, set to the first columns and to the sums of the others.
    """
    others = tail(strips, CELLS)
    for k in range(kind, KINDS):
        for field in range(_SUMS):
            cell = (k * FIELDS + field) * LANES
            start = (_SUMS * k + field) * TILE
            _fold_columns(sums, start, pairs, tail(strips, cell), tail(others, cell))
        for field in range(FIELDS - _SUMS):
            cell = (k * FIELDS + _SUMS + field) * LANES
            start = ((FIELDS - _SUMS) * k + field) * TILE
            _fold_columns(counts, start, pairs, tail(strips, cell), tail(others, cell))


@part()
def add_frame(
    inside: NDArray[np.float64], across: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Add all samples of a tile: its own pairs, and those across its upper edge."""
    for i in range(CELLS):
        out[i] += inside[i] + inside[CELLS + i]
    for i in range(SPANNING * FIELDS * LANES, CELLS):
        out[i] += across[i] + across[CELLS + i]


@part()
def add_block(
    inside: NDArray[np.float64],
    across: NDArray[np.float64],
    strips: tuple[int, int],
    out: NDArray[np.float64],
) -> None:
    """Add the samples in a range of strips to ``out``, without pairs that leave the range.

    Args:
        inside: (2 * CELLS,) float64, sums of the tile by strip, see `fold_strips`.
        across: (2 * CELLS,) float64, sums of the pairs with the row above the tile.
        strips: First strip, and one past the last.
        out: (KINDS, FIELDS) float64, what is added to.
    """
    start, stop = strips
    # Bounds that LLVM does not know: it would write out all 25 rounds.
    for kind in range(out.shape[0]):
        beside = int(kind not in (0, SPANNING))
        for field in range(out.shape[1]):
            cell = (kind * FIELDS + field) * LANES
            total = 0.0
            for i in range(cell + start, cell + stop):
                total += inside[CELLS + i]
                if kind >= SPANNING:
                    total += across[CELLS + i]
            for i in range(cell + start + beside, cell + stop):
                total += inside[i]
                if kind >= SPANNING:
                    total += across[i]
            out[kind, field] += total


@part()
def finish(sums: NDArray[np.float64]) -> None:
    """Turn sums (KINDS, FIELDS) into what `NssSums` promises, in place.

    The kernels add four times the squares, see `moments`, and count what is not zero instead of
    what is above zero.
    """
    for kind in range(KINDS):
        sums[kind, 0] *= 0.25
        sums[kind, 1] *= 0.25
        sums[kind, 4] -= sums[kind, 3]


@part()
def add_strips(strips: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Add the sums by strip (CELLS,) to ``out`` (KINDS, FIELDS)."""
    for kind in range(KINDS):
        for field in range(FIELDS):
            cell = (kind * FIELDS + field) * LANES
            for i in range(cell, cell + LANES):
                out[kind, field] += strips[i]
