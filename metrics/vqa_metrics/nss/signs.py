"""Counts of MSCN coefficients and neighbour products on either side of zero.

The sign of a product is known from the signs of its factors, so eight rows are packed into one
byte per column: one bit per coefficient that says whether it is below zero, and one whether it is
not zero. Pairs are counted by logic on those bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.filter import SCALE
from vqa_metrics.nss.simd import ones
from vqa_metrics.nss.tile import LANES, ORIGIN, PITCH, TILE

BYTE = 8
"""Rows packed together."""
COUNTS = 10 * TILE
"""Of each kind of sample, per column, those below zero and those not zero."""
RESIDUE = int(np.float32(SCALE * 2.0**-30).view(np.int32))
"""Coefficients below this are rounding residue: the window is flat or a linear ramp. As the bits of
a float32, which are in the order of the numbers."""
_MAGNITUDE = np.int32(0x7FFFFFFF)
_SIGN = np.uint32(0x80000000)


@part(forceinline=True)
def _pack_below(
    bits: NDArray[np.int32], first: int, count: int, below: NDArray[np.uint8]
) -> np.int32:
    """Pack the signs of eight rows in some columns; returns the smallest magnitude."""
    p, negative = bits[first:], below[first:]
    smallest = _MAGNITUDE
    for c in range(count):
        signs = np.uint32(0)
        for k in range(BYTE):
            value = p[k * PITCH + c]
            signs = np.uint32((signs >> np.uint32(1)) | np.uint32(np.uint32(value) & _SIGN))
            smallest = np.int32(min(smallest, np.int32(value & _MAGNITUDE)))
        negative[c] = np.uint8(signs >> np.uint32(24))
    return smallest


@part(forceinline=True)
def _pack_other(
    bits: NDArray[np.int32],
    first: int,
    count: int,
    other: NDArray[np.uint8],
    flat: NDArray[np.uint8],
) -> None:
    """Pack what is not zero, and count per column what is rounding residue."""
    p, nonzero = bits[first:], other[first:]
    for c in range(count):
        marks, small = np.int32(0), np.int32(0)
        for k in range(BYTE):
            value = p[k * PITCH + c]
            marks |= np.int32(value != 0) << np.int32(k)
            small += np.int32((value & _MAGNITUDE) < RESIDUE)
        nonzero[c] = np.uint8(marks)
        flat[c] = np.uint8(small)


@part()
def pack_signs(
    bits: NDArray[np.int32],
    row: int,
    below: NDArray[np.uint8],
    other: NDArray[np.uint8],
    flat: NDArray[np.uint8],
) -> int:
    """Pack eight rows from ``row``, which are the bits of float32, and the strips' left neighbours.

    Byte row ``row // 8 + 1`` is set. Returns how many of the eight rows are rounding residue, which
    are looked for one by one only where there are any; ``flat`` is scratch.
    """
    p = bits[(row + 1) * PITCH + ORIGIN - LANES :]
    start = (row // BYTE + 1) * PITCH + ORIGIN - LANES
    negative, nonzero = below[start:], other[start:]
    _pack_below(p, 0, LANES, negative)
    _pack_other(p, 0, LANES, nonzero, flat)
    if _pack_below(p, LANES, TILE, negative) >= RESIDUE:
        for c in range(TILE):
            nonzero[LANES + c] = 255
        return 0
    _pack_other(p, LANES, TILE, nonzero, flat)
    total = 0
    for c in range(TILE):
        total += flat[c]
    return total


@part(forceinline=True)
def _lower(byte: np.uint8, before: np.uint8) -> np.uint8:
    """Eight rows, each moved to the bit of the row below; the first is from the byte before."""
    return np.uint8((byte << 1) | (before >> 7))


@part(forceinline=True)
def _count(
    n: np.uint8, m: np.uint8, o: np.uint8, q: np.uint8, out: NDArray[np.uint8], c: int
) -> None:
    """Count products of coefficients with signs n and m, where both marks o and q are set."""
    both = o & q
    out[c] += ones(np.uint8((n ^ m) & both))
    out[TILE + c] += ones(np.uint8(both))


@part()
def count_signs(
    below: NDArray[np.uint8],
    other: NDArray[np.uint8],
    row: int,
    places: tuple[int, int],
    sums: NDArray[np.uint8],
) -> None:
    """Add eight rows from ``row``, in some columns of every strip, to the column counts.

    The row above row 0 counts in no pair.
    """
    first = places[0] * LANES
    start = row // BYTE * PITCH + ORIGIN - LANES + first
    n, o, counts = below[start:], other[start:], sums[first:]
    for c in range(min(places[1] * LANES - first, TILE)):
        n_here, o_here = n[PITCH + LANES + c], o[PITCH + LANES + c]
        n_left, o_left = n[PITCH + c], o[PITCH + c]
        n_up, o_up = _lower(n_here, n[LANES + c]), _lower(o_here, o[LANES + c])
        n_corner, o_corner = _lower(n_left, n[c]), _lower(o_left, o[c])
        _count(n_here, np.uint8(0), o_here, np.uint8(255), counts, c)
        _count(n_here, n_left, o_here, o_left, counts, 2 * TILE + c)
        _count(n_here, n_up, o_here, o_up, counts, 4 * TILE + c)
        _count(n_here, n_corner, o_here, o_corner, counts, 6 * TILE + c)
        _count(n_left, n_up, o_left, o_up, counts, 8 * TILE + c)
