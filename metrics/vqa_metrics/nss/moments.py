"""Sums over MSCN coefficients and neighbour products, from which the distributions are fitted.

For the coefficients themselves and the products with four neighbours, the fits need the sums of
squares and the counts on each side of zero, and the sum of magnitudes. All are kept per column of
a tile, so that the inner loops add vectors to vectors and never the elements of one, which takes
several instructions; blocks, seams and the frame are sums of columns.

With ``h = |v| + v`` and ``g = |v| - v``, ``h`` is 2v or 0 and ``g`` is 0 or -2v, both exact, so
that the sums of squares need no comparison.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.simd import Vector, absolute, fma, load, splat, store
from vqa_metrics.nss.tile import LANES, ORIGIN, PITCH, TILE

KINDS = 5
"""Kinds of samples: the coefficients, then their products with four neighbours.

In order: left, upper, upper left, and left with upper, which is the pair of a coefficient and its
upper right neighbour, counted one column further right.
"""
FIELDS = 5
"""Numbers per kind of sample.

In order: the sum of squares below zero, that above zero, the sum of magnitudes, how many samples
are below zero, and how many above.
"""
SUMS = 3 * KINDS * TILE
"""Elements of the column sums: three per kind and column; the counts are kept elsewhere."""
SPANNING = 2
"""The first of the kinds whose pairs span two rows."""

WIDTH = 2 * LANES
"""Elements of a vector of float32: two columns of every strip."""

Three = tuple[Vector, Vector, Vector]


@part(forceinline=True)
def _fold(v: Vector, below: Vector, above: Vector, total: Vector) -> Three:
    """Add one sample: four times its square on its side of zero, and its magnitude."""
    magnitude = absolute(v)
    high = magnitude + v
    low = magnitude - v
    return fma(low, low, below), fma(high, high, above), total + magnitude


@part(forceinline=True)
def _get(sums: NDArray[np.float32], kind: int, c: int) -> Three:
    at = 3 * kind * TILE + c
    return load(sums, at), load(sums, at + TILE), load(sums, at + 2 * TILE)


@part(forceinline=True)
def _put(sums: NDArray[np.float32], kind: int, c: int, t: Three) -> None:
    at = 3 * kind * TILE + c
    store(sums, at, t[0])
    store(sums, at + TILE, t[1])
    store(sums, at + 2 * TILE, t[2])


@part()
def add_sums(
    z: NDArray[np.float32],
    r0: int,
    r1: int,
    strip_columns: tuple[int, int],
    columns: NDArray[np.float32],
) -> None:
    """Add rows r0 to r1 of a tile to the column sums.

    Rows are the inner loop: the fifteen sums of a column stay in registers, and a coefficient that
    was loaded as the current row is the upper neighbour of the next.

    Args:
        z: Coefficients of the tile.
        r0: First row.
        r1: One past the last.
        strip_columns: First column of every strip, and one past the last; both even.
        columns: (SUMS,) float32, what is added to.
    """
    for c in range(strip_columns[0] * LANES, strip_columns[1] * LANES, WIDTH):
        here, left, up = _get(columns, 0, c), _get(columns, 1, c), _get(columns, 2, c)
        corner, cross = _get(columns, 3, c), _get(columns, 4, c)
        at = r0 * PITCH + ORIGIN + c
        above, beside = load(z, at), load(z, at - LANES)
        for _ in range(r0, r1):
            at += PITCH
            v, w = load(z, at), load(z, at - LANES)
            here = _fold(v, here[0], here[1], here[2])
            left = _fold(v * w, left[0], left[1], left[2])
            up = _fold(v * above, up[0], up[1], up[2])
            corner = _fold(v * beside, corner[0], corner[1], corner[2])
            cross = _fold(w * above, cross[0], cross[1], cross[2])
            above, beside = v, w
        _put(columns, 0, c, here)
        _put(columns, 1, c, left)
        _put(columns, 2, c, up)
        _put(columns, 3, c, corner)
        _put(columns, 4, c, cross)


@part()
def pair_sums(
    upper: NDArray[np.float32], lower: NDArray[np.float32], sums: NDArray[np.float32]
) -> None:
    """Set the column sums of the pairs that span two rows; the rows begin one column left."""
    none = splat(np.float32(0))
    for c in range(0, TILE, WIDTH):
        v, left = load(lower, LANES + c), load(lower, c)
        above, corner = load(upper, LANES + c), load(upper, c)
        _put(sums, 2, c, _fold(v * above, none, none, none))
        _put(sums, 3, c, _fold(v * corner, none, none, none))
        _put(sums, 4, c, _fold(left * above, none, none, none))


@part()
def pair_counts(
    upper: NDArray[np.float32], lower: NDArray[np.float32], counts: NDArray[np.uint8]
) -> None:
    """Set the column counts of the pairs that `pair_sums` sums."""
    for c in range(TILE):
        v, left, above, corner = lower[LANES + c], lower[c], upper[LANES + c], upper[c]
        counts[4 * TILE + c] = np.uint8(v * above < 0)
        counts[5 * TILE + c] = np.uint8(v * above != 0)
        counts[6 * TILE + c] = np.uint8(v * corner < 0)
        counts[7 * TILE + c] = np.uint8(v * corner != 0)
        counts[8 * TILE + c] = np.uint8(left * above < 0)
        counts[9 * TILE + c] = np.uint8(left * above != 0)


@part(fastmath=True)
def fold_pairs(
    a: NDArray[np.float32], b: NDArray[np.float32], count: int, kind: int, out: NDArray[np.float64]
) -> None:
    """Add the products of the first ``count`` of two rows or columns to ``out`` (KINDS, FIELDS)."""
    below, above, size, negative, positive = 0.0, 0.0, 0.0, 0, 0
    for i in range(count):
        v = np.float64(a[i]) * np.float64(b[i])
        low = min(v, 0.0)
        high = max(v, 0.0)
        below += low * low
        above += high * high
        size += high - low
        negative += int(v < 0)
        positive += int(v > 0)
    out[kind, 0] += below
    out[kind, 1] += above
    out[kind, 2] += size
    out[kind, 3] += negative
    out[kind, 4] += positive
