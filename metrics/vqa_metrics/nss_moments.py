"""Sums over MSCN coefficients and neighbour products, from which the distributions are fitted.

For the coefficients themselves and the products with four neighbours, the fits need the sums of
squares and the counts on each side of zero, and the sum of magnitudes. All are kept per column of
a tile: no reduction stands in the inner loops, and blocks, seams and frame are sums of columns.

With ``h = |v| + v`` and ``g = |v| - v``, ``h`` is 2v or 0 and ``g`` is 0 or -2v, both exact, so
that the sums of squares need no comparison. Counts come from bytes, 64 at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss_tile import HALO, PITCH, TILE

KINDS = 5
"""Coefficients, then products with left, upper, upper left and upper right neighbour."""
FIELDS = 5
"""Sum of squares below zero, above zero, sum of magnitudes, samples below zero, above zero."""
STEP = 4
"""Rows per pass over the column sums, which stay in registers for that long."""
PAIR = 3
"""Row group of the two rows below a tile, after its first, middle and last rows; see `nss_view`."""
SUMS = 3 * KINDS * TILE
COUNTS = 2 * KINDS * TILE


@part()
def signs(
    z: NDArray[np.float32],
    r0: int,
    r1: int,
    cols: int,
    below: NDArray[np.uint8],
    other: NDArray[np.uint8],
) -> None:
    """Mark with 1 what is below zero, and what is not zero, in columns -1 to ``cols``."""
    for row in range(r0, r1):
        start = (row + 1) * PITCH + HALO - 1
        values = z[start : start + cols + 2]
        negative = below[start : start + cols + 2]
        nonzero = other[start : start + cols + 2]
        for c in range(min(cols + 2, PITCH)):
            negative[c] = np.uint8(values[c] < 0)
            nonzero[c] = np.uint8(values[c] != 0)


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
    v = p[PITCH + c + 1]
    return (
        _fold(v, t[0]),
        _fold(v * p[PITCH + c], t[1]),
        _fold(v * p[c + 1], t[2]),
        _fold(v * p[c], t[3]),
        _fold(v * p[c + 2], t[4]),
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
    z: NDArray[np.float32], r0: int, r1: int, c0: int, c1: int, sums: NDArray[np.float32]
) -> None:
    """Add rows r0 to r1 of a tile, a multiple of `STEP`, to the sums of columns c0 to c1."""
    out = sums[c0:]
    for row in range(r0, r1, STEP):
        p0 = z[row * PITCH + HALO + c0 - 1 :]
        p1, p2, p3 = p0[PITCH:], p0[2 * PITCH :], p0[3 * PITCH :]
        for c in range(min(c1 - c0, PITCH)):
            t = _get(out, c)
            t = _sample(p0, c, t)
            t = _sample(p1, c, t)
            t = _sample(p2, c, t)
            t = _sample(p3, c, t)
            _put(out, c, t)


@part()
def add_counts(
    below: NDArray[np.uint8],
    other: NDArray[np.uint8],
    r0: int,
    r1: int,
    c0: int,
    c1: int,
    counts: NDArray[np.uint8],
) -> None:
    """Add the samples below zero, and those not zero, of rows r0 to r1 to the column counts."""
    out = counts[c0:]
    for row in range(r0, r1):
        start = row * PITCH + HALO + c0 - 1
        n = below[start:]
        o = other[start:]
        for c in range(min(c1 - c0, PITCH)):
            negative, nonzero = n[PITCH + c + 1], o[PITCH + c + 1]
            out[c] += negative
            out[TILE + c] += nonzero
            both = nonzero & o[PITCH + c]
            out[2 * TILE + c] += (negative ^ n[PITCH + c]) & both
            out[3 * TILE + c] += both
            both = nonzero & o[c + 1]
            out[4 * TILE + c] += (negative ^ n[c + 1]) & both
            out[5 * TILE + c] += both
            both = nonzero & o[c]
            out[6 * TILE + c] += (negative ^ n[c]) & both
            out[7 * TILE + c] += both
            both = nonzero & o[c + 2]
            out[8 * TILE + c] += (negative ^ n[c + 2]) & both
            out[9 * TILE + c] += both


@part(fastmath=True)
def fold_columns(
    sums: NDArray[np.float32],
    counts: NDArray[np.uint8],
    kind: int,
    c0: int,
    c1: int,
    out: NDArray[np.float64],
) -> None:
    """Add the column sums of one kind over columns c0 to c1 to ``out[kind]``."""
    start = 3 * kind * TILE
    below = sums[start + c0 : start + c1]
    above = sums[start + TILE + c0 : start + TILE + c1]
    sizes = sums[start + 2 * TILE + c0 : start + 2 * TILE + c1]
    start = 2 * kind * TILE
    negative = counts[start + c0 : start + c1]
    nonzero = counts[start + TILE + c0 : start + TILE + c1]
    a, b, d = 0.0, 0.0, 0.0
    negative_count, nonzero_count = 0, 0
    for c in range(len(below)):
        a += below[c]
        b += above[c]
        d += sizes[c]
    for c in range(len(negative)):
        negative_count += int(negative[c])
        nonzero_count += int(nonzero[c])
    out[kind, 0] += 0.25 * a
    out[kind, 1] += 0.25 * b
    out[kind, 2] += d
    out[kind, 3] += negative_count
    out[kind, 4] += nonzero_count - negative_count


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
