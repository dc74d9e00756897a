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
from vqa_metrics.fused import fma
from vqa_metrics.nss_tile import HALO, LANES, ORIGIN, PITCH, STRIP, TILE

GROUP = 4
"""Rows filtered together, so that a pixel is loaded once for four windows."""
Taps = tuple[float, float, float, float, float, float, float]
Range = tuple[int, int]
Window = Callable[[Taps, float, float, float, float, float, float, float], float]
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
    k: Taps, a: float, b: float, c: float, d: float, e: float, f: float, g: float
) -> float:
    """The window as the releases round it: last tap first, one rounding per tap."""
    return fma(
        k[0], a, fma(k[1], b, fma(k[2], c, fma(k[3], d, fma(k[4], e, fma(k[5], f, k[6] * g)))))
    )


@part(forceinline=True)
def _symmetric(
    k: Taps, a: float, b: float, c: float, d: float, e: float, f: float, g: float
) -> float:
    """The window to within a few roundings: equal taps taken together."""
    return fma(k[0], a + g, fma(k[1], b + f, fma(k[2], c + e, k[3] * d)))


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


def _mscn(window: Window) -> Mscn:
    """The coefficients with ``mu`` taken by a window."""

    @part(forceinline=True)
    def _filter_columns(
        x: NDArray[np.float64], row: int, places: Range, taps: Taps, v: NDArray[np.float64]
    ) -> None:
        """Windows of ``GROUP`` rows from tile row ``row``: pixels, then squares."""
        first, last = places[0] * LANES, places[1] * LANES
        p = x[row * PITCH + ORIGIN + first :]
        out = v[ORIGIN + first :]
        for c in range(min(last - first, TILE + LANES)):
            p0 = p[c]
            p1 = p[PITCH + c]
            p2 = p[2 * PITCH + c]
            p3 = p[3 * PITCH + c]
            p4 = p[4 * PITCH + c]
            p5 = p[5 * PITCH + c]
            p6 = p[6 * PITCH + c]
            p7 = p[7 * PITCH + c]
            p8 = p[8 * PITCH + c]
            p9 = p[9 * PITCH + c]
            out[c] = window(taps, p0, p1, p2, p3, p4, p5, p6)
            out[PITCH + c] = window(taps, p1, p2, p3, p4, p5, p6, p7)
            out[2 * PITCH + c] = window(taps, p2, p3, p4, p5, p6, p7, p8)
            out[3 * PITCH + c] = window(taps, p3, p4, p5, p6, p7, p8, p9)
            p0, p1, p2, p3, p4 = p0 * p0, p1 * p1, p2 * p2, p3 * p3, p4 * p4
            p5, p6, p7, p8, p9 = p5 * p5, p6 * p6, p7 * p7, p8 * p8, p9 * p9
            out[4 * PITCH + c] = _symmetric(taps, p0, p1, p2, p3, p4, p5, p6)
            out[5 * PITCH + c] = _symmetric(taps, p1, p2, p3, p4, p5, p6, p7)
            out[6 * PITCH + c] = _symmetric(taps, p2, p3, p4, p5, p6, p7, p8)
            out[7 * PITCH + c] = _symmetric(taps, p3, p4, p5, p6, p7, p8, p9)

    @part(fastmath={"contract"})
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

        ``r1 - r0`` is rounded up to a multiple of `GROUP`. Row r of the tile is row ``r + 1`` of
        ``z``. The difference is taken in float64 and only then stored as float32, which keeps its
        sign; all values are stored times `SCALE`.
        """
        unit = np.float32(1.0 / SCALE)
        along = taps[1]
        first, count = ORIGIN + p0 * LANES, (p1 - p0) * LANES
        near, far = _needed(p0, p1)
        for group in range(r0, r1, GROUP):
            _filter_columns(x, group, near, taps[0], v)
            if far[0] < far[1]:
                _filter_columns(x, group, far, taps[0], v)
            _join_strips(v)
            for row in range(GROUP):
                start = (group + row + HALO) * PITCH + first
                source = x[start : start + count]
                start = (group + row + 1) * PITCH + first
                target = z[start : start + count]
                start = row * PITCH + first - _BESIDE
                m = v[start : start + PITCH]
                s = v[start + GROUP * PITCH : start + (GROUP + 1) * PITCH]
                for c in range(min(count, STRIP * LANES)):
                    mean = window(
                        along, m[c], m[c + 8], m[c + 16], m[c + 24], m[c + 32], m[c + 40], m[c + 48]
                    )
                    square = _symmetric(
                        along, s[c], s[c + 8], s[c + 16], s[c + 24], s[c + 32], s[c + 40], s[c + 48]
                    )
                    variance = np.float32(abs(fma(-mean, mean, square)))
                    difference = np.float32(source[c] - mean)
                    target[c] = difference / (np.sqrt(variance) * unit + unit)

    return mscn


mscn = _mscn(_ordered)
"""With every sign as in the releases."""
mscn_fast = _mscn(_symmetric)
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
