"""Sums over MSCN coefficients and neighbour products, from which the distributions are fitted.

For the coefficients themselves and the products with four neighbours, the fits need the sums of
squares and the counts on each side of zero, and the sum of magnitudes. All are kept per column of
a tile: no reduction stands in the inner loops, and blocks, seams and frame are sums of columns.

With ``h = |v| + v`` and ``g = |v| - v``, ``h`` is 2v or 0 and ``g`` is 0 or -2v, both exact, so
that the sums of squares need no comparison.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss_tile import LANES, ORIGIN, PITCH, TILE

KINDS = 5
"""Coefficients, then products with left, upper, upper left neighbour, and of left with upper: each
pair of a coefficient and its upper right neighbour is counted one column further right."""
FIELDS = 5
"""Sum of squares below zero, above zero, sum of magnitudes, samples below zero, above zero."""
STEP = 4
"""Rows per pass over the column sums, which stay in registers for that long."""
SUMS = 3 * KINDS * TILE
SPANNING = 2
"""First of the kinds whose pairs span two rows."""

Three = tuple[np.float32, np.float32, np.float32]


@part(fastmath={"contract"}, forceinline=True)
def _fold(v: np.float32, t: Three) -> Three:
    """Add one sample: (2v)^2 if below zero, (2v)^2 if above, its magnitude."""
    size = abs(v)
    above = size + v
    below = size - v
    return t[0] + below * below, t[1] + above * above, t[2] + size


@part(fastmath={"contract"}, forceinline=True)
def _sample(p: NDArray[np.float32], c: int, t: tuple[Three, ...]) -> tuple[Three, ...]:
    """Add one coefficient and its four products; ``p`` starts one row up and one column left."""
    v, left, upper, corner = p[PITCH + LANES + c], p[PITCH + c], p[LANES + c], p[c]
    return (
        _fold(v, t[0]),
        _fold(v * left, t[1]),
        _fold(v * upper, t[2]),
        _fold(v * corner, t[3]),
        _fold(left * upper, t[4]),
    )


@part(forceinline=True)
def _get(sums: NDArray[np.float32], c: int) -> tuple[Three, ...]:
    return (
        (sums[c], sums[TILE + c], sums[2 * TILE + c]),
        (sums[3 * TILE + c], sums[4 * TILE + c], sums[5 * TILE + c]),
        (sums[6 * TILE + c], sums[7 * TILE + c], sums[8 * TILE + c]),
        (sums[9 * TILE + c], sums[10 * TILE + c], sums[11 * TILE + c]),
        (sums[12 * TILE + c], sums[13 * TILE + c], sums[14 * TILE + c]),
    )


@part(forceinline=True)
def _put(sums: NDArray[np.float32], c: int, t: tuple[Three, ...]) -> None:
    sums[c], sums[TILE + c], sums[2 * TILE + c] = t[0]
    sums[3 * TILE + c], sums[4 * TILE + c], sums[5 * TILE + c] = t[1]
    sums[6 * TILE + c], sums[7 * TILE + c], sums[8 * TILE + c] = t[2]
    sums[9 * TILE + c], sums[10 * TILE + c], sums[11 * TILE + c] = t[3]
    sums[12 * TILE + c], sums[13 * TILE + c], sums[14 * TILE + c] = t[4]


@part()
def add_sums(
    z: NDArray[np.float32], r0: int, r1: int, places: tuple[int, int], columns: NDArray[np.float32]
) -> None:
    """Add rows r0 to r1 of a tile, a multiple of `STEP`, in some columns of every strip."""
    first = places[0] * LANES
    sums = columns[first:]
    for row in range(r0, r1, STEP):
        p0 = z[row * PITCH + ORIGIN - LANES + first :]
        p1, p2, p3 = p0[PITCH:], p0[2 * PITCH :], p0[3 * PITCH :]
        for c in range(min(places[1] * LANES - first, TILE)):
            t = _get(sums, c)
            t = _sample(p0, c, t)
            t = _sample(p1, c, t)
            t = _sample(p2, c, t)
            t = _sample(p3, c, t)
            _put(sums, c, t)


@part()
def pair_sums(
    upper: NDArray[np.float32], lower: NDArray[np.float32], sums: NDArray[np.float32]
) -> None:
    """Set the column sums of the pairs that span two rows, given from one column left."""
    none = (np.float32(0), np.float32(0), np.float32(0))
    for c in range(TILE):
        v, left, above, corner = lower[LANES + c], lower[c], upper[LANES + c], upper[c]
        t = _fold(v * above, none)
        sums[6 * TILE + c], sums[7 * TILE + c], sums[8 * TILE + c] = t
        t = _fold(v * corner, none)
        sums[9 * TILE + c], sums[10 * TILE + c], sums[11 * TILE + c] = t
        t = _fold(left * above, none)
        sums[12 * TILE + c], sums[13 * TILE + c], sums[14 * TILE + c] = t


@part()
def pair_counts(
    upper: NDArray[np.float32], lower: NDArray[np.float32], counts: NDArray[np.uint8]
) -> None:
    """Set the column counts of the same pairs."""
    for c in range(TILE):
        v, left, above, corner = lower[LANES + c], lower[c], upper[LANES + c], upper[c]
        counts[4 * TILE + c] = np.uint8(v * above < 0)
        counts[5 * TILE + c] = np.uint8(v * above != 0)
        counts[6 * TILE + c] = np.uint8(v * corner < 0)
        counts[7 * TILE + c] = np.uint8(v * corner != 0)
        counts[8 * TILE + c] = np.uint8(left * above < 0)
        counts[9 * TILE + c] = np.uint8(left * above != 0)


@part(fastmath=True)
def fold_pairs(a: NDArray[np.float32], b: NDArray[np.float32], out: NDArray[np.float64]) -> None:
    """Add the products of two rows or columns of equal length to ``out``, fields in order."""
    below, above, size, negative, positive = 0.0, 0.0, 0.0, 0, 0
    for i in range(len(a)):
        v = np.float64(a[i]) * np.float64(b[i])
        low = min(v, 0.0)
        high = max(v, 0.0)
        below += low * low
        above += high * high
        size += high - low
        negative += int(v < 0)
        positive += int(v > 0)
    out[0] += below
    out[1] += above
    out[2] += size
    out[3] += negative
    out[4] += positive
