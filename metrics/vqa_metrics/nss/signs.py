"""Counts of MSCN coefficients and neighbour products on either side of zero.

The sign of a product is known from the signs of its factors, so eight rows are packed into one
byte per column: one bit per coefficient that says whether it is below zero, and one whether it is
not zero. Pairs are counted by logic on those bytes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.filter import SCALE
from vqa_metrics.nss.simd import popcount
from vqa_metrics.nss.tail import tail
from vqa_metrics.nss.tile import LANES, ORIGIN, PITCH, TILE

BYTE = 8
"""Rows packed together, one bit each."""
COUNTS = 10 * TILE
"""Elements of the column counts: per kind and column, how many are below zero and not zero."""
RESIDUE = int(np.float32(SCALE * 2.0**-30).view(np.int32))
"""Magnitude below which a coefficient is rounding residue: its window is flat or a linear ramp.

It is stored as the bits of a float32, which as integers are in the order of the numbers.
"""
_MAGNITUDE = np.int32(0x7FFFFFFF)
"""All bits of a float32 but its sign; also the largest int32."""
_SIGN = np.uint32(0x80000000)
"""The sign bit of a float32."""


class Signs(NamedTuple):
    """Coefficients of a tile as integers, and their signs, packed eight rows to a byte.

    Attributes:
        bits: The memory of the coefficients as int32, for signs and magnitudes.
        negative: uint8, one bit per coefficient that is below zero.
        nonzero: uint8, one bit per coefficient that is not zero.
        residue_marks: (TILE + LANES,) uint8, how many of eight rows are rounding residue, per
            column; scratch.
    """

    bits: NDArray[np.int32]
    negative: NDArray[np.uint8]
    nonzero: NDArray[np.uint8]
    residue_marks: NDArray[np.uint8]


@part(forceinline=True)
def _pack_negative(
    bits: NDArray[np.int32], first: int, count: int, negative: NDArray[np.uint8]
) -> np.int32:
    """Pack the signs of eight rows in some columns; returns the smallest magnitude, as bits."""
    p, negative_bytes = tail(bits, first), tail(negative, first)
    smallest = _MAGNITUDE
    for c in range(count):
        signs = np.uint32(0)
        for k in range(BYTE):
            value = p[k * PITCH + c]
            signs = np.uint32((signs >> np.uint32(1)) | np.uint32(np.uint32(value) & _SIGN))
            smallest = np.int32(min(smallest, np.int32(value & _MAGNITUDE)))
        negative_bytes[c] = np.uint8(signs >> np.uint32(24))
    return smallest


@part(forceinline=True)
def _pack_nonzero(
    bits: NDArray[np.int32],
    first: int,
    count: int,
    nonzero: NDArray[np.uint8],
    residue: NDArray[np.uint8],
) -> None:
    """Pack which coefficients are not zero, and count in each column the rounding residue."""
    p, nonzero_bytes = tail(bits, first), tail(nonzero, first)
    for c in range(count):
        marks, small = np.int32(0), np.int32(0)
        for k in range(BYTE):
            value = p[k * PITCH + c]
            marks |= np.int32(value != 0) << np.int32(k)
            small += np.int32((value & _MAGNITUDE) < RESIDUE)
        nonzero_bytes[c] = np.uint8(marks)
        residue[c] = np.uint8(small)


@part()
def pack_signs(signs: Signs, row: int) -> int:
    """Pack eight rows of a tile, and the columns left of the strips, into bytes.

    Byte row ``row // 8 + 1`` is set. Where the smallest magnitude of the eight rows is above
    residue, which is nearly everywhere, nothing is zero and no second look is needed.

    Args:
        signs: Coefficients of the tile, and where to set their bits.
        row: First row, a multiple of eight.

    Returns:
        How many of the coefficients are rounding residue.
    """
    p = tail(signs.bits, (row + 1) * PITCH + ORIGIN - LANES)
    start = (row // BYTE + 1) * PITCH + ORIGIN - LANES
    negative_bytes, nonzero_bytes = tail(signs.negative, start), tail(signs.nonzero, start)
    residue = signs.residue_marks
    _pack_negative(p, 0, LANES, negative_bytes)
    _pack_nonzero(p, 0, LANES, nonzero_bytes, residue)
    if _pack_negative(p, LANES, TILE, negative_bytes) >= RESIDUE:
        for c in range(TILE):
            nonzero_bytes[LANES + c] = 255
        return 0
    _pack_nonzero(p, LANES, TILE, nonzero_bytes, residue)
    total = 0
    for c in range(TILE):
        total += residue[c]
    return total


@part(forceinline=True)
def _lower(byte: np.uint8, before: np.uint8) -> np.uint8:
    """Move each of eight rows to the bit of the row below; the first comes from the byte before."""
    return np.uint8((byte << 1) | (before >> 7))


@part(forceinline=True)
def _count(
    n: np.uint8, m: np.uint8, o: np.uint8, q: np.uint8, out: NDArray[np.uint8], c: int
) -> None:
    """Count products of two coefficients: signs n and m, and marks o and q that they are not zero.

    Up to 96 rows are counted, so a count fits its byte.
    """
    both = o & q
    out[c] += popcount(np.uint8((n ^ m) & both))
    out[TILE + c] += popcount(np.uint8(both))


@part()
def count_signs(
    signs: Signs, row: int, strip_columns: tuple[int, int], sums: NDArray[np.uint8]
) -> None:
    """Add eight rows from ``row``, in some columns of every strip, to the column counts.

    Byte row 0, which stands above row 0 of the tile, has no bit set, so that no pair counts there;
    those pairs are `moments.pair_counts`.

    Args:
        signs: Packed, see `pack_signs`.
        row: First row, a multiple of eight.
        strip_columns: First column of every strip, and one past the last.
        sums: (COUNTS,) uint8, what is added to.
    """
    first = strip_columns[0] * LANES
    start = row // BYTE * PITCH + ORIGIN - LANES + first
    n, o, counts = tail(signs.negative, start), tail(signs.nonzero, start), tail(sums, first)
    for c in range(min(strip_columns[1] * LANES - first, TILE)):
        n_here, o_here = n[PITCH + LANES + c], o[PITCH + LANES + c]
        n_left, o_left = n[PITCH + c], o[PITCH + c]
        n_up, o_up = _lower(n_here, n[LANES + c]), _lower(o_here, o[LANES + c])
        n_corner, o_corner = _lower(n_left, n[c]), _lower(o_left, o[c])
        _count(n_here, np.uint8(0), o_here, np.uint8(255), counts, c)
        _count(n_here, n_left, o_here, o_left, counts, 2 * TILE + c)
        _count(n_here, n_up, o_here, o_up, counts, 4 * TILE + c)
        _count(n_here, n_corner, o_here, o_corner, counts, 6 * TILE + c)
        _count(n_left, n_up, o_left, o_up, counts, 8 * TILE + c)
