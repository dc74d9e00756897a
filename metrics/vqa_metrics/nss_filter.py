"""The 7x7 Gaussian window and the MSCN coefficients of a tile.

Mittal, Moorthy, Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", 2012, (1-3).
The window is applied as the LIVE releases do under MATLAB: down the columns, then along the rows,
in float64, one fused multiply-add per tap, last tap first, with two 1-D kernels whose last bits
come from MATLAB's singular value decomposition. So much for ``mu``, since the sign of ``x - mu``
must be right in flat areas; the mean of squares only scales it and may round as is fastest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.fused import fma
from vqa_metrics.nss_tile import HALO, LANES, PITCH

GROUP = 4
"""Rows filtered together, so that a pixel is loaded once for four windows."""
Taps = tuple[float, float, float, float, float, float, float]
SCALE = 2.0**27
"""Power of two on all stored coefficients: rounding residue (1e-16) stays a normal float32 even in
the square of a product, and so does the largest coefficient of a 7x7 window (2.8)."""
SCRATCH = 2 * GROUP * PITCH
"""Elements of the scratch array: filtered columns of the pixels and of their squares."""


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


@part(forceinline=True)
def _filter_columns(
    x: NDArray[np.float64], row: int, c0: int, c1: int, taps: Taps, v: NDArray[np.float64]
) -> None:
    """Windows of ``GROUP`` rows from tile row ``row``: pixels, then squares."""
    first = HALO + c0 - 3
    p = x[(row + HALO - 3) * PITCH + first :]
    out = v[first:]
    for c in range(min(c1 - c0 + 6, PITCH)):
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
        out[c] = _ordered(taps, p0, p1, p2, p3, p4, p5, p6)
        out[PITCH + c] = _ordered(taps, p1, p2, p3, p4, p5, p6, p7)
        out[2 * PITCH + c] = _ordered(taps, p2, p3, p4, p5, p6, p7, p8)
        out[3 * PITCH + c] = _ordered(taps, p3, p4, p5, p6, p7, p8, p9)
        p0, p1, p2, p3, p4 = p0 * p0, p1 * p1, p2 * p2, p3 * p3, p4 * p4
        p5, p6, p7, p8, p9 = p5 * p5, p6 * p6, p7 * p7, p8 * p8, p9 * p9
        out[4 * PITCH + c] = _symmetric(taps, p0, p1, p2, p3, p4, p5, p6)
        out[5 * PITCH + c] = _symmetric(taps, p1, p2, p3, p4, p5, p6, p7)
        out[6 * PITCH + c] = _symmetric(taps, p2, p3, p4, p5, p6, p7, p8)
        out[7 * PITCH + c] = _symmetric(taps, p3, p4, p5, p6, p7, p8, p9)


@part()
def mscn(
    x: NDArray[np.float64],
    r0: int,
    r1: int,
    c0: int,
    c1: int,
    taps: tuple[Taps, Taps],
    v: NDArray[np.float64],
    z: NDArray[np.float32],
) -> None:
    """``z = (x - mu) / (sigma + 1)`` for rows r0 to r1 and columns c0 to c1 of a tile.

    ``r1 - r0`` is rounded up to a multiple of `GROUP`, ``c1 - c0`` to one of `LANES`. Row r of the
    tile is row ``r + 1`` of ``z``. The difference is taken in float64 and only then stored as
    float32, which keeps its sign; all values are stored times `SCALE`.
    """
    unit = np.float32(1.0 / SCALE)
    along = taps[1]
    c1 = c0 + (c1 - c0 + LANES - 1) // LANES * LANES
    for group in range(r0, r1, GROUP):
        _filter_columns(x, group, c0, c1, taps[0], v)
        for row in range(GROUP):
            start = (group + row + HALO) * PITCH + HALO + c0
            source = x[start : start + c1 - c0]
            start = (group + row + 1) * PITCH + HALO + c0
            target = z[start : start + c1 - c0]
            start = row * PITCH + HALO + c0 - 3
            m = v[start : start + c1 - c0 + 6]
            start += GROUP * PITCH
            s = v[start : start + c1 - c0 + 6]
            for c in range(min(c1 - c0, PITCH)):
                mean = _ordered(
                    along, m[c], m[c + 1], m[c + 2], m[c + 3], m[c + 4], m[c + 5], m[c + 6]
                )
                square = _symmetric(
                    along, s[c], s[c + 1], s[c + 2], s[c + 3], s[c + 4], s[c + 5], s[c + 6]
                )
                variance = np.float32(abs(square - mean * mean))
                difference = np.float32(source[c] - mean)
                target[c] = difference / (np.sqrt(variance) * unit + unit)
