"""The 7x7 Gaussian window and the MSCN coefficients of a tile.

Mittal, Moorthy, Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", 2012, (1-3).
The window is applied as the LIVE releases do under MATLAB: down the columns, then along the rows,
in float64, one fused multiply-add per tap, last tap first, with two 1-D kernels whose last bits
come from MATLAB's singular value decomposition. So much for ``mu``, since the sign of ``x - mu``
must be right in flat areas; the mean of squares only scales it and may round as is fastest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.simd import Lanes, fma, load, narrow, root, size, splat, store
from vqa_metrics.nss.tile import HALO, LANES, ORIGIN, PITCH, STRIP, TILE

GROUP = 8
"""Rows filtered together, so that a pixel is loaded once for as many windows."""
Taps = tuple[float, float, float, float, float, float, float]
Range = tuple[int, int]
Window = Callable[[Taps, Lanes, Lanes, Lanes, Lanes, Lanes, Lanes, Lanes], Lanes]
Mscn = Callable[
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
"""Power of two on all stored coefficients: rounding residue (1e-16) stays a normal float32 even in
the square of a product, and so does the largest coefficient of a 7x7 window (2.8)."""
SCRATCH = 2 * GROUP * PITCH
"""Elements of the scratch array: filtered columns of the pixels and of their squares."""
_BESIDE = HALO * LANES
"""Elements of a row that stand for the columns left, or right, of each strip."""


@part(forceinline=True)
def _ordered(
    k: Taps, a: Lanes, b: Lanes, c: Lanes, d: Lanes, e: Lanes, f: Lanes, g: Lanes
) -> Lanes:
    """The window as the releases round it: last tap first, one rounding per tap."""
    total = fma(splat(k[5]), f, splat(k[6]) * g)
    total = fma(splat(k[3]), d, fma(splat(k[4]), e, total))
    return fma(splat(k[0]), a, fma(splat(k[1]), b, fma(splat(k[2]), c, total)))


@part(forceinline=True)
def _symmetric(
    k: Taps, a: Lanes, b: Lanes, c: Lanes, d: Lanes, e: Lanes, f: Lanes, g: Lanes
) -> Lanes:
    """The window to within a few roundings: equal taps taken together."""
    total = fma(splat(k[2]), c + e, splat(k[3]) * d)
    return fma(splat(k[0]), a + g, fma(splat(k[1]), b + f, total))


@part(forceinline=True)
def _relative(
    k: Taps, a: Lanes, b: Lanes, c: Lanes, d: Lanes, e: Lanes, f: Lanes, g: Lanes
) -> Lanes:
    """The same over its middle tap, a product less."""
    total = fma(splat(k[2] / k[3]), c + e, d)
    return fma(splat(k[0] / k[3]), a + g, fma(splat(k[1] / k[3]), b + f, total))


@part(forceinline=True)
def _times(k: Taps, unit: float) -> Taps:
    return k[0] * unit, k[1] * unit, k[2] * unit, k[3] * unit, k[4] * unit, k[5] * unit, k[6] * unit


@part(forceinline=True)
def _six(p: NDArray[np.float64], at: int, step: int) -> tuple[Lanes, ...]:
    """The vectors of a window but its last."""
    a, b, c = load(p, at), load(p, at + step), load(p, at + 2 * step)
    return a, b, c, load(p, at + 3 * step), load(p, at + 4 * step), load(p, at + 5 * step)


@part()
def _join_strips(v: NDArray[np.float64]) -> None:
    """Give every strip the three columns on either side: of its neighbours, or from beside."""
    for row in range(2 * GROUP):
        line = v[row * PITCH + ORIGIN - _BESIDE : (row + 1) * PITCH]
        end = _BESIDE + TILE
        a, b, c = line[end], line[end + 1], line[end + 2]
        d, e, f = line[end + 3], line[end + 4], line[end + 5]
        for i in range(_BESIDE):
            line[i] = line[TILE - 1 + i]
        for i in range(_BESIDE):
            line[end + i] = line[_BESIDE + 1 + i]
        line[0], line[LANES], line[2 * LANES] = a, b, c
        line[end + 7], line[end + LANES + 7], line[end + 2 * LANES + 7] = d, e, f


@part()
def _needed(p0: int, p1: int) -> tuple[Range, Range]:
    """Columns of every strip that the windows of columns p0 to p1, all, first or last, look at."""
    if p1 < STRIP:
        return (0, p1 + HALO), (STRIP - HALO, STRIP + 1)
    if p0 > 0:
        return (p0 - HALO, STRIP + 1), (0, HALO)
    return (0, STRIP + 1), (0, 0)


def _mscn(down: Window, along: Window, fast: bool) -> Mscn:
    """The coefficients with ``mu`` taken by these windows."""

    @part(forceinline=True)
    def _filter_columns(
        x: NDArray[np.float64], row: int, places: Range, taps: Taps, v: NDArray[np.float64]
    ) -> None:
        """Windows of ``GROUP`` rows from tile row ``row``: pixels, then squares."""
        for column in range(places[0], places[1]):
            out = ORIGIN + column * LANES
            at = row * PITCH + out
            a, b, c, d, e, f = _six(x, at, PITCH)
            a2, b2, c2, d2, e2, f2 = a * a, b * b, c * c, d * d, e * e, f * f
            for i in range(GROUP):
                g = load(x, at + (i + 6) * PITCH)
                g2 = g * g
                store(v, out + i * PITCH, down(taps, a, b, c, d, e, f, g))
                square = _relative(taps, a2, b2, c2, d2, e2, f2, g2)
                store(v, out + (GROUP + i) * PITCH, square)
                a, b, c, d, e, f = b, c, d, e, f, g
                a2, b2, c2, d2, e2, f2 = b2, c2, d2, e2, f2, g2

    @part(forceinline=True)
    def _divide_row(
        source: NDArray[np.float64],
        v: NDArray[np.float64],
        places: Range,
        taps: tuple[Taps, Taps],
        target: NDArray[np.float32],
    ) -> None:
        """Coefficients of one row, two columns of every strip at a time."""
        unit = splat(np.float32(1.0 / SCALE))
        mean_taps, square_taps = taps
        at = ORIGIN + places[0] * LANES - _BESIDE
        a, b, c, d, e, f = _six(v, at, LANES)
        a2, b2, c2, d2, e2, f2 = _six(v, at + GROUP * PITCH, LANES)
        for column in range(places[0], places[1], 2):
            at = ORIGIN + column * LANES
            g, h = load(v, at + _BESIDE), load(v, at + _BESIDE + LANES)
            left = along(mean_taps, a, b, c, d, e, f, g)
            right = along(mean_taps, b, c, d, e, f, g, h)
            difference = narrow(load(source, at) - left, load(source, at + LANES) - right)
            a, b, c, d, e, f = c, d, e, f, g, h
            beside = at + GROUP * PITCH + _BESIDE
            g, h = load(v, beside), load(v, beside + LANES)
            left = _symmetric(square_taps, a2, b2, c2, d2, e2, f2, g) - left * left
            right = _symmetric(square_taps, b2, c2, d2, e2, f2, g, h) - right * right
            a2, b2, c2, d2, e2, f2 = c2, d2, e2, f2, g, h
            sigma = root(size(narrow(left, right)))
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
        """``z = (x - mu) / (sigma + 1)`` for rows r0 to r1 and columns p0 to p1 of every strip.

        ``r1 - r0`` is rounded up to a multiple of `GROUP`; ``p1 - p0`` is even. Row r of the tile
        is row ``r + 1`` of ``z``. The difference is taken in float64 and only then stored as
        float32, which keeps its sign; all values are stored times `SCALE`.
        """
        down = taps[0]
        square_taps = _times(taps[1], down[3])
        along_taps = (square_taps if fast else taps[1]), square_taps
        near, far = _needed(p0, p1)
        for group in range(r0, r1, GROUP):
            _filter_columns(x, group, near, down, v)
            if far[0] < far[1]:
                _filter_columns(x, group, far, down, v)
            _join_strips(v)
            for row in range(GROUP):
                source = x[(group + row + HALO) * PITCH :]
                target = z[(group + row + 1) * PITCH :]
                _divide_row(source, v[row * PITCH :], (p0, p1), along_taps, target)

    return mscn


mscn = _mscn(_ordered, _ordered, False)
"""With every sign as in the releases."""
mscn_fast = _mscn(_relative, _symmetric, True)
"""The same, except that coefficients which are rounding residue may have any sign."""


@part()
def join_coefficients(
    z: NDArray[np.float32], r0: int, r1: int, before: NDArray[np.float32]
) -> None:
    """Give every strip the coefficients on its left; ``before`` has those left of the tile."""
    for row in range(r0, r1):
        line = z[(row + 1) * PITCH + ORIGIN - LANES : (row + 2) * PITCH]
        for i in range(LANES):
            line[i] = line[TILE - 1 + i]
        line[0] = before[row]
