"""Sums over the error maps of one tile: blur, structure, artefacts, lost detail.

The blur is libjxl's: three cosines that end five pixels from the middle, by which D. Charalampidis
("Recursive implementation of the Gaussian filter using truncated cosine functions", IEEE TSP 2016)
approximates a Gaussian. They are nine weights. Outside the picture there are zeros. libjxl adds
them up recursively in float32, which gathers rounding errors along a row; here each pixel is a sum
of its own.

Of two pictures a and b are blurred a, b, a^2 + b^2 and (a - b)^2. With them

    1 - 2 cov / (var_a + var_b) = var(a - b) / (var_a + var_b),

so that no digits cancel where the pictures are nearly equal. Arithmetic is float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part

Row = NDArray[np.float32]

MARGIN = 4
"""Pixels that the blur reaches to each side."""
TAPS = (
    np.float32(0.26462111),
    np.float32(0.21292859),
    np.float32(0.10933537),
    np.float32(0.03601111),
    np.float32(0.00941437),
)
"""Weights of the blur from its middle outwards, for a sigma of 1.5."""
ROWS = 16
"""Rows of a tile, a multiple of 4."""
COLUMNS = 256
"""Columns of a tile."""
PITCH = COLUMNS + 2 * MARGIN + 8
"""Elements from row to row of a tile."""
TALL = ROWS + 2 * MARGIN
"""Rows that the blur needs."""
SUMS = 6
"""Structure, artefacts and lost detail, each the sum and the sum of fourth powers."""

_C2 = np.float32(0.0009)
_MATHS = {"contract", "nsz"}
_ADDING = {"contract", "nsz", "reassoc"}
_AHEAD = 4
"""Planes of a tile: a, b, their squares added, their difference squared."""


@part(fastmath=_MATHS)
def load(a: Row, b: Row, step: int, columns: int, structure: bool, tile: Row) -> None:
    """Copy a tile and compute its products.

    Args:
        a: reference, from the tile's first pixel with its margin on.
        b: distorted.
        step: elements from row to row of both.
        columns: columns with both margins.
        structure: whether the products are needed.
        tile: room for `_AHEAD` planes of `TALL` rows.
    """
    plane = TALL * PITCH
    for row in range(TALL):
        one, other = a[row * step :], b[row * step :]
        mine, its = tile[row * PITCH :], tile[plane + row * PITCH :]
        for c in range(columns):
            mine[c] = one[c]
            its[c] = other[c]
        if structure:
            squares, differences = its[plane:], its[2 * plane :]
            for c in range(columns):
                p, q = one[c], other[c]
                squares[c] = p * p + q * q
                differences[c] = (p - q) * (p - q)


@part(fastmath=_MATHS)
def _down(p: Row, out: Row) -> None:
    """Blur down the columns: twelve rows become four. Each sample stays in a register for all."""
    w0, w1, w2, w3, w4 = TAPS
    for c in range(PITCH):
        a0 = p[c]
        a1 = p[PITCH + c]
        a2 = p[2 * PITCH + c]
        a3 = p[3 * PITCH + c]
        a4 = p[4 * PITCH + c]
        a5 = p[5 * PITCH + c]
        a6 = p[6 * PITCH + c]
        a7 = p[7 * PITCH + c]
        a8 = p[8 * PITCH + c]
        a9 = p[9 * PITCH + c]
        a10 = p[10 * PITCH + c]
        a11 = p[11 * PITCH + c]
        out[c] = w4 * (a0 + a8) + w3 * (a1 + a7) + w2 * (a2 + a6) + w1 * (a3 + a5) + w0 * a4
        out[PITCH + c] = w4 * (a1 + a9) + w3 * (a2 + a8) + w2 * (a3 + a7) + w1 * (a4 + a6) + w0 * a5
        out[2 * PITCH + c] = (
            w4 * (a2 + a10) + w3 * (a3 + a9) + w2 * (a4 + a8) + w1 * (a5 + a7) + w0 * a6
        )
        out[3 * PITCH + c] = (
            w4 * (a3 + a11) + w3 * (a4 + a10) + w2 * (a5 + a9) + w1 * (a6 + a8) + w0 * a7
        )


@part(fastmath=_MATHS)
def _across(p: Row, c: int) -> np.float32:
    """Blur along a row, from column ``c`` on."""
    w0, w1, w2, w3, w4 = TAPS
    return (  # type: ignore[no-any-return]
        w4 * (p[c] + p[c + 8])
        + w3 * (p[c + 1] + p[c + 7])
        + w2 * (p[c + 2] + p[c + 6])
        + w1 * (p[c + 3] + p[c + 5])
        + w0 * p[c + 4]
    )


@part(fastmath=_ADDING)
def _edges(a: Row, b: Row, blurred: Row, columns: int, sums: NDArray[np.float64]) -> None:
    """Add up artefacts and lost detail over a row."""
    plane = ROWS * PITCH
    blurred_b = blurred[plane:]
    zero, one = np.float32(0), np.float32(1)
    artefacts, artefacts4, lost, lost4 = zero, zero, zero, zero
    for c in range(columns):
        edge_a = abs(a[c] - _across(blurred, c))
        edge_b = abs(b[c] - _across(blurred_b, c))
        change = (edge_b - edge_a) / (one + edge_a)
        more, less = max(change, zero), max(-change, zero)
        artefacts += more
        lost += less
        artefacts4 += (more * more) * (more * more)
        lost4 += (less * less) * (less * less)
    sums[2] += float(artefacts)
    sums[3] += float(artefacts4)
    sums[4] += float(lost)
    sums[5] += float(lost4)


@part(fastmath=_ADDING)
def _structure(blurred: Row, columns: int, sums: NDArray[np.float64]) -> None:
    """Add up lost structure over a row."""
    plane = ROWS * PITCH
    blurred_b, squares, differences = blurred[plane:], blurred[2 * plane :], blurred[3 * plane :]
    zero = np.float32(0)
    total, total4 = zero, zero
    for c in range(columns):
        mean_a, mean_b = np.float32(_across(blurred, c)), np.float32(_across(blurred_b, c))
        apart = (mean_a - mean_b) * (mean_a - mean_b)
        both = _across(squares, c) - mean_a * mean_a - mean_b * mean_b + _C2
        unlike = (_across(differences, c) - apart) / both
        error = max(unlike + apart - unlike * apart, zero)
        total += error
        total4 += (error * error) * (error * error)
    sums[0] += float(total)
    sums[1] += float(total4)


@part()
def tile_sums(
    tile: Row, blurred: Row, rows: int, columns: int, structure: bool, sums: NDArray[np.float64]
) -> None:
    """Add up the error maps over a tile that `load` filled.

    Args:
        tile: as loaded.
        blurred: room for `_AHEAD` planes of `ROWS` rows.
        rows: rows of the tile inside the picture.
        columns: columns of the tile inside the picture.
        structure: whether lost structure is wanted; otherwise edges alone.
        sums: (`SUMS`,) what they are added to.
    """
    for plane in range(_AHEAD if structure else 2):
        for row in range(0, rows, 4):
            _down(tile[(plane * TALL + row) * PITCH :], blurred[(plane * ROWS + row) * PITCH :])
    for row in range(rows):
        own = (row + MARGIN) * PITCH + MARGIN
        start = row * PITCH
        _edges(tile[own:], tile[TALL * PITCH + own :], blurred[start:], columns, sums)
        if structure:
            _structure(blurred[start:], columns, sums)
