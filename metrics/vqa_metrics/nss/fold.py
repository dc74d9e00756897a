"""From the column sums of a tile to the sums of its blocks and of the frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.moments import FIELDS, KINDS, SPANNING
from vqa_metrics.nss.simd import load, store
from vqa_metrics.nss.tile import LANES, STRIP, TILE

_SUMS = 3
"""How many of the fields are sums; the others are counts."""
PAIR = 2 * LANES
"""Elements of two columns, a vector of float32."""
CELLS = KINDS * FIELDS * LANES
"""Elements of an array with one number per kind, field and strip."""


@part(forceinline=True)
def _fold_columns(
    columns: NDArray[np.float32] | NDArray[np.uint8],
    start: int,
    pairs: NDArray[np.float32],
    first: NDArray[np.float64],
    others: NDArray[np.float64],
) -> None:
    """Set, for each strip, its first column and the sum of the others, given 24 x 8 columns."""
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
    """Fold the column sums of kinds from ``kind`` on: first columns, then sums of the others."""
    first, others = strips[0], strips[1]
    for k in range(kind, KINDS):
        for field in range(_SUMS):
            cell = (k * FIELDS + field) * LANES
            _fold_columns(sums, (_SUMS * k + field) * TILE, pairs, first[cell:], others[cell:])
        for field in range(FIELDS - _SUMS):
            cell = (k * FIELDS + _SUMS + field) * LANES
            start = ((FIELDS - _SUMS) * k + field) * TILE
            _fold_columns(counts, start, pairs, first[cell:], others[cell:])


@part()
def add_frame(
    inside: NDArray[np.float64], across: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Add all that a tile has, its own pairs and those across its upper edge."""
    for i in range(CELLS):
        out[i] += inside[0, i] + inside[1, i]
    for i in range(SPANNING * FIELDS * LANES, CELLS):
        out[i] += across[0, i] + across[1, i]


@part()
def add_block(
    inside: NDArray[np.float64],
    across: NDArray[np.float64],
    strips: tuple[int, int],
    out: NDArray[np.float64],
) -> None:
    """Add to ``out`` (KINDS, FIELDS) what lies in a range of strips, and no pair that leaves it."""
    start, stop = strips
    for kind in range(KINDS):
        beside = int(kind not in (0, SPANNING))
        for field in range(FIELDS):
            cell = (kind * FIELDS + field) * LANES
            total = 0.0
            for i in range(cell + start, cell + stop):
                total += inside[1, i]
                if kind >= SPANNING:
                    total += across[1, i]
            for i in range(cell + start + beside, cell + stop):
                total += inside[0, i]
                if kind >= SPANNING:
                    total += across[0, i]
            out[kind, field] += total


@part()
def finish(sums: NDArray[np.float64]) -> None:
    """Turn four times the squares into squares, and what is not zero into what is above zero."""
    for kind in range(KINDS):
        sums[kind, 0] *= 0.25
        sums[kind, 1] *= 0.25
        sums[kind, 4] -= sums[kind, 3]


@part()
def add_strips(strips: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Add ``strips``, per kind, field and strip, to ``out`` (KINDS, FIELDS)."""
    for kind in range(KINDS):
        for field in range(FIELDS):
            cell = (kind * FIELDS + field) * LANES
            for i in range(cell, cell + LANES):
                out[kind, field] += strips[i]
