"""The 7x7 Gaussian window and the MSCN coefficients of a tile.

MSCN = mean subtracted, contrast normalised. Source: Mittal, Moorthy, Bovik, "No-Reference Image
Quality Assessment in the Spatial Domain", IEEE TIP 2012, equations 1 to 3.

For the mean ``mu`` the window is applied as the LIVE releases do under MATLAB: down the columns,
then along the rows, in float64, one fused multiply-add per tap, last tap first, with two 1-D
kernels whose last bits come from MATLAB's singular value decomposition. In flat areas ``x - mu`` is
rounding residue, and the scores depend on its sign, so every rounding has to be the same. The mean
of squares only scales the coefficients and may be rounded in whichever way is fastest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.simd import Vector, absolute, fma, load, narrow, splat, square_root, store
from vqa_metrics.nss.tail import tail
from vqa_metrics.nss.tile import HALO, LANES, ORIGIN, PITCH, STRIP, TILE

GROUP = 8
"""Rows filtered together: a pixel is loaded once and used by up to seven windows of the group."""
Taps = tuple[float, float, float, float, float, float, float]
Range = tuple[int, int]
WindowFunction = Callable[[Taps, Vector, Vector, Vector, Vector, Vector, Vector, Vector], Vector]
MscnKernel = Callable[
    [
        NDArray[np.float64],
        int,
        int,
        int,
        int,
        tuple[Taps, Taps],
        NDArray[np.float64],
        NDArray[np.float32],
    ],
    None,
]
SCALE = 2.0**27
"""Power of two that all stored coefficients are multiplied by.

With it the square of a product of rounding residues (1e-16) is still a normal float32, and so is
that of the largest coefficients that a 7x7 window allows (2.8). Being a power of two it changes no
digit; `sums.nss_sums` takes it out again.
"""
FILTER_ELEMENTS = 2 * GROUP * PITCH
"""Elements of the filter's scratch: columns of a group, of the pixels and then of their squares."""
_SIDE = HALO * LANES
"""Elements of a row that hold the three columns to the left, or right, of each strip."""


@part(forceinline=True)
def _exact_window(
    k: Taps, a: Vector, b: Vector, c: Vector, d: Vector, e: Vector, f: Vector, g: Vector
) -> Vector:
    """Apply the window as the releases round it: last tap first, one rounding per tap."""
    total = fma(splat(k[5]), f, splat(k[6]) * g)
    total = fma(splat(k[3]), d, fma(splat(k[4]), e, total))
    return fma(splat(k[0]), a, fma(splat(k[1]), b, fma(splat(k[2]), c, total)))


@part(forceinline=True)
def _symmetric_window(
    k: Taps, a: Vector, b: Vector, c: Vector, d: Vector, e: Vector, f: Vector, g: Vector
) -> Vector:
    """Apply the window to within a few roundings, adding samples of equal taps first."""
    total = fma(splat(k[2]), c + e, splat(k[3]) * d)
    return fma(splat(k[0]), a + g, fma(splat(k[1]), b + f, total))


@part(forceinline=True)
def _relative_window(
    k: Taps, a: Vector, b: Vector, c: Vector, d: Vector, e: Vector, f: Vector, g: Vector
) -> Vector:
    """Apply the symmetric window divided by its middle tap, which saves a product."""
    total = fma(splat(k[2] / k[3]), c + e, d)
    return fma(splat(k[0] / k[3]), a + g, fma(splat(k[1] / k[3]), b + f, total))


@part(forceinline=True)
def _scaled_taps(k: Taps, unit: float) -> Taps:
    return k[0] * unit, k[1] * unit, k[2] * unit, k[3] * unit, k[4] * unit, k[5] * unit, k[6] * unit


@part(forceinline=True)
def _load_six(p: NDArray[np.float64], at: int, step: int) -> tuple[Vector, ...]:
    """Load the first six of the seven vectors under a window."""
    a, b, c = load(p, at), load(p, at + step), load(p, at + 2 * step)
    return a, b, c, load(p, at + 3 * step), load(p, at + 4 * step), load(p, at + 5 * step)


@part()
def _join_strips(v: NDArray[np.float64]) -> None:
    """Give every strip of the filtered rows the three columns on either side of it.

    A strip's left neighbour is the strip before it, whose columns lie one lane earlier in memory:
    the last three vectors of the row, shifted by one element, are what stands left of column 0 of
    all strips. Only the outermost strips lack a neighbour; theirs are the columns of the halo,
    which `column_offset` keeps behind the row and which are saved before they are overwritten.
    """
    for row in range(2 * GROUP):
        line = tail(v, row * PITCH + ORIGIN - _SIDE)
        end = _SIDE + TILE
        a, b, c = line[end], line[end + 1], line[end + 2]
        d, e, f = line[end + 3], line[end + 4], line[end + 5]
        for i in range(_SIDE):
            line[i] = line[TILE - 1 + i]
        for i in range(_SIDE):
            line[end + i] = line[_SIDE + 1 + i]
        line[0], line[LANES], line[2 * LANES] = a, b, c
        line[end + 7], line[end + LANES + 7], line[end + 2 * LANES + 7] = d, e, f


@part()
def _columns_needed(p0: int, p1: int) -> tuple[Range, Range]:
    """Columns of every strip under the windows of columns p0 to p1, as two ranges.

    Strips are neighbours, so the windows at one end of a strip also look at the other end of the
    next; p0 to p1 is the whole strip, or its beginning, or its end.
    """
    if p1 < STRIP:
        return (0, p1 + HALO), (STRIP - HALO, STRIP + 1)
    if p0 > 0:
        return (p0 - HALO, STRIP + 1), (0, HALO)
    return (0, STRIP + 1), (0, 0)


def _make_mscn(down: WindowFunction, along: WindowFunction, fast: bool) -> MscnKernel:
    """Make the kernel that computes coefficients with these windows for ``mu``.

    Numba compiles a kernel for each pair of windows, so the choice costs nothing per pixel.
    """

    @part(forceinline=True)
    def _filter_columns(
        x: NDArray[np.float64], row: int, strip_columns: Range, taps: Taps, v: NDArray[np.float64]
    ) -> None:
        """Filter down the columns: ``GROUP`` rows from tile row ``row``, pixels and squares."""
        for column in range(strip_columns[0], strip_columns[1]):
            out = ORIGIN + column * LANES
            at = row * PITCH + out
            a, b, c, d, e, f = _load_six(x, at, PITCH)
            a2, b2, c2, d2, e2, f2 = a * a, b * b, c * c, d * d, e * e, f * f
            for i in range(GROUP):
                g = load(x, at + (i + 6) * PITCH)
                g2 = g * g
                store(v, out + i * PITCH, down(taps, a, b, c, d, e, f, g))
                square = _relative_window(taps, a2, b2, c2, d2, e2, f2, g2)
                store(v, out + (GROUP + i) * PITCH, square)
                a, b, c, d, e, f = b, c, d, e, f, g
                a2, b2, c2, d2, e2, f2 = b2, c2, d2, e2, f2, g2

    @part(forceinline=True)
    def _divide_row(
        source: NDArray[np.float64],
        v: NDArray[np.float64],
        strip_columns: Range,
        taps: tuple[Taps, Taps],
        target: NDArray[np.float32],
    ) -> None:
        """Filter one row along its columns and divide.

        Two columns of every strip at a time: two vectors of float64 become one of float32.
        """
        unit = splat(np.float32(1.0 / SCALE))
        mean_taps, square_taps = taps
        at = ORIGIN + strip_columns[0] * LANES - _SIDE
        a, b, c, d, e, f = _load_six(v, at, LANES)
        a2, b2, c2, d2, e2, f2 = _load_six(v, at + GROUP * PITCH, LANES)
        for column in range(strip_columns[0], strip_columns[1], 2):
            at = ORIGIN + column * LANES
            g, h = load(v, at + _SIDE), load(v, at + _SIDE + LANES)
            left = along(mean_taps, a, b, c, d, e, f, g)
            right = along(mean_taps, b, c, d, e, f, g, h)
            difference = narrow(load(source, at) - left, load(source, at + LANES) - right)
            a, b, c, d, e, f = c, d, e, f, g, h
            beside = at + GROUP * PITCH + _SIDE
            g, h = load(v, beside), load(v, beside + LANES)
            left = _symmetric_window(square_taps, a2, b2, c2, d2, e2, f2, g) - left * left
            right = _symmetric_window(square_taps, b2, c2, d2, e2, f2, g, h) - right * right
            a2, b2, c2, d2, e2, f2 = c2, d2, e2, f2, g, h
            sigma = square_root(absolute(narrow(left, right)))
            store(target, at, difference / fma(sigma, unit, unit))

    @part()
    def mscn(
        x: NDArray[np.float64],
        r0: int,
        r1: int,
        p0: int,
        p1: int,
        taps: tuple[Taps, Taps],
        v: NDArray[np.float64],
        z: NDArray[np.float32],
    ) -> None:
        """Compute ``z = (x - mu) / (sigma + 1)`` for some rows and columns of a tile.

        The difference is taken in float64 and only then stored as float32, which keeps its sign.

        Args:
            x: (ROWS * PITCH,) float64, pixels with their halo.
            r0: First row.
            r1: One past the last; ``r1 - r0`` is rounded up to a multiple of `GROUP`.
            p0: First column of every strip.
            p1: One past the last; ``p1 - p0`` is even.
            taps: Seven weights down the columns, and seven along the rows.
            v: (FILTER_ELEMENTS,) float64, scratch.
            z: Coefficients times `SCALE`, float32; row r of the tile is row ``r + 1``.
        """
        down = taps[0]
        square_taps = _scaled_taps(taps[1], down[3])
        along_taps = (square_taps if fast else taps[1]), square_taps
        near, far = _columns_needed(p0, p1)
        for group in range(r0, r1, GROUP):
            _filter_columns(x, group, near, down, v)
            if far[0] < far[1]:
                _filter_columns(x, group, far, down, v)
            _join_strips(v)
            for row in range(GROUP):
                source = tail(x, (group + row + HALO) * PITCH)
                target = tail(z, (group + row + 1) * PITCH)
                _divide_row(source, tail(v, row * PITCH), (p0, p1), along_taps, target)

    return mscn


mscn = _make_mscn(_exact_window, _exact_window, False)
"""Computes coefficients whose every sign is that of the releases."""
mscn_fast = _make_mscn(_relative_window, _symmetric_window, True)
"""Computes the same faster, except that coefficients which are rounding residue have any sign."""


@part()
def join_coefficients(
    z: NDArray[np.float32], r0: int, r1: int, before: NDArray[np.float32]
) -> None:
    """Give every strip the coefficients on its left.

    Args:
        z: Coefficients of the tile.
        r0: First row.
        r1: One past the last.
        before: (BLOCK,) float32, the column left of the tile, for its first strip.
    """
    for row in range(r0, r1):
        line = tail(z, (row + 1) * PITCH + ORIGIN - LANES)
        for i in range(LANES):
            line[i] = line[TILE - 1 + i]
        line[0] = before[row]
