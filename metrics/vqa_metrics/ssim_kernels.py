"""SSIM of one scale in a single pass, and the 2x2 mean between scales of MS-SSIM.

Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
TIP 2004. The window is applied to the sum s and the difference d of the two images instead of to
the images: four filtered planes (s, d, s^2, d^2) give all five moments, since

    2 mu_x mu_y       = (mu_s^2 - mu_d^2) / 2      mu_x^2 + mu_y^2       = (mu_s^2 + mu_d^2) / 2
    2 sigma_xy        = (var_s - var_d) / 2        sigma_x^2 + sigma_y^2 = (var_s + var_d) / 2

Arithmetic is float32. Variances do not change when a constant is subtracted, so each tile is
centred on its middle pixel: in flat areas, where the difference of two large squares would lose its
digits, the numbers are small.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import kernel, part

Samples = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Taps = tuple[np.float32, np.float32, np.float32, np.float32, np.float32, np.float32]

WINDOW = 11
"""Rows and columns of the Gaussian window."""
_ROWS = 32
"""Rows of a tile, a multiple of `_GROUP`: few enough that its planes fit the second cache level."""
_COLUMNS = 256
"""Columns of a tile."""
_PITCH = 288
"""Elements from row to row: room for the window beside the tile, rounded up to whole vectors."""
_GROUP = 4
"""Rows filtered together, so that a sample is loaded once for four windows."""
_MATHS = {"contract", "nsz"}
"""``fastmath`` of the filters: products may be fused with sums, and the sign of zero is free."""
_SUMS = {"contract", "nsz", "reassoc"}
"""``fastmath`` where values are summed over a row: also in any order, which vectors need."""


@part(fastmath=_MATHS)
def _load(
    x: Samples,
    y: Samples,
    centre: np.float32,
    s: NDArray[np.float32],
    d: NDArray[np.float32],
    ss: NDArray[np.float32],
    dd: NDArray[np.float32],
) -> None:
    """Set a row of the sum, less the centre, of the difference, and of the squares of both."""
    for c in range(x.size):
        a = np.float32(x[c])
        b = np.float32(y[c])
        p = np.float32(a + b - centre)
        q = np.float32(a - b)
        s[c] = p
        d[c] = q
        ss[c] = p * p
        dd[c] = q * q


@part(fastmath=_MATHS)
def _down(p: NDArray[np.float32], taps: Taps, out: NDArray[np.float32]) -> None:
    """Apply the window down the columns: ``_GROUP + 10`` rows become ``_GROUP``.

    It is written out because each sample then stays in a register for all four windows.
    """
    w0, w1, w2, w3, w4, w5 = taps
    for c in range(_PITCH):
        a0 = p[c]
        a1 = p[_PITCH + c]
        a2 = p[2 * _PITCH + c]
        a3 = p[3 * _PITCH + c]
        a4 = p[4 * _PITCH + c]
        a5 = p[5 * _PITCH + c]
        a6 = p[6 * _PITCH + c]
        a7 = p[7 * _PITCH + c]
        a8 = p[8 * _PITCH + c]
        a9 = p[9 * _PITCH + c]
        a10 = p[10 * _PITCH + c]
        a11 = p[11 * _PITCH + c]
        a12 = p[12 * _PITCH + c]
        a13 = p[13 * _PITCH + c]
        out[c] = (
            w0 * (a0 + a10) + w1 * (a1 + a9) + w2 * (a2 + a8) + w3 * (a3 + a7) + w4 * (a4 + a6)
        ) + w5 * a5
        out[_PITCH + c] = (
            w0 * (a1 + a11) + w1 * (a2 + a10) + w2 * (a3 + a9) + w3 * (a4 + a8) + w4 * (a5 + a7)
        ) + w5 * a6
        out[2 * _PITCH + c] = (
            w0 * (a2 + a12) + w1 * (a3 + a11) + w2 * (a4 + a10) + w3 * (a5 + a9) + w4 * (a6 + a8)
        ) + w5 * a7
        out[3 * _PITCH + c] = (
            w0 * (a3 + a13) + w1 * (a4 + a12) + w2 * (a5 + a11) + w3 * (a6 + a10) + w4 * (a7 + a9)
        ) + w5 * a8


@part(fastmath=_MATHS)
def _across(a: NDArray[np.float32], c: int, taps: Taps) -> np.float32:
    """Apply the window along a row, from column ``c`` on, adding samples of equal taps first."""
    w0, w1, w2, w3, w4, w5 = taps
    return (  # type: ignore[no-any-return]
        w0 * (a[c] + a[c + 10])
        + w1 * (a[c + 1] + a[c + 9])
        + w2 * (a[c + 2] + a[c + 8])
        + w3 * (a[c + 3] + a[c + 7])
        + w4 * (a[c + 4] + a[c + 6])
        + w5 * a[c + 5]
    )


@part(fastmath=_SUMS)
def _row(
    s: NDArray[np.float32],
    d: NDArray[np.float32],
    ss: NDArray[np.float32],
    dd: NDArray[np.float32],
    columns: int,
    centre: np.float32,
    c1: np.float32,
    c2: np.float32,
    taps: Taps,
) -> tuple[np.float32, np.float32]:
    """Add up SSIM and its contrast-structure term over a row."""
    half = np.float32(0.5)
    full, structure = np.float32(0), np.float32(0)
    for c in range(columns):
        mean_s = np.float32(_across(s, c, taps))
        mean_d = np.float32(_across(d, c, taps))
        var_s = np.float32(_across(ss, c, taps) - mean_s * mean_s)
        var_d = np.float32(_across(dd, c, taps) - mean_d * mean_d)
        mean_s += centre
        mean_s *= mean_s
        mean_d *= mean_d
        likeness = ((mean_s - mean_d) * half + c1) / ((mean_s + mean_d) * half + c1)
        contrast = ((var_s - var_d) * half + c2) / ((var_s + var_d) * half + c2)
        full += likeness * contrast
        structure += contrast
    return full, structure


@kernel()
def ssim_sums(
    x: Samples, y: Samples, taps: Taps, c1: np.float32, c2: np.float32
) -> tuple[float, float]:
    """Add up SSIM and its contrast-structure term over all windows inside the image.

    Args:
        x: (H, W) uint8, uint16 or float32, at least 11 x 11, rows without gaps.
        y: The same shape and dtype.
        taps: The first six of the window's eleven 1-D weights, which are symmetric.
        c1: (K1 L)^2.
        c2: (K2 L)^2.

    Returns:
        The two sums, in float64.
    """
    height, width = x.shape
    margin = WINDOW - 1
    tile = np.zeros((4, (_ROWS + margin + _GROUP) * _PITCH), np.float32)
    filtered = np.zeros((4, (_ROWS + _GROUP) * _PITCH), np.float32)
    full, structure = 0.0, 0.0
    for left in range(0, width - margin, _COLUMNS):
        columns = min(_COLUMNS, width - margin - left)
        right = left + columns + margin
        for top in range(0, height - margin, _ROWS):
            rows = min(_ROWS, height - margin - top)
            middle = top + (rows + margin) // 2, left + (columns + margin) // 2
            centre = np.float32(np.float32(x[middle]) + np.float32(y[middle]))
            for i in range(rows + margin):
                at = i * _PITCH
                _load(
                    x[top + i, left:right],
                    y[top + i, left:right],
                    centre,
                    tile[0, at:],
                    tile[1, at:],
                    tile[2, at:],
                    tile[3, at:],
                )
            for plane in range(4):
                for i in range(0, rows, _GROUP):
                    _down(tile[plane, i * _PITCH :], taps, filtered[plane, i * _PITCH :])
            for i in range(rows):
                at = i * _PITCH
                sums = _row(
                    filtered[0, at:],
                    filtered[1, at:],
                    filtered[2, at:],
                    filtered[3, at:],
                    columns,
                    centre,
                    c1,
                    c2,
                    taps,
                )
                full += float(sums[0])
                structure += float(sums[1])
    return full, structure


@kernel()
def halve(x: Samples) -> NDArray[np.float32]:
    """Halve an image by the mean of 2x2 pixels.

    The last row and column of an odd size are repeated.

    Args:
        x: (H, W) uint8, uint16 or float32.

    Returns:
        (ceil(H / 2), ceil(W / 2)) float32; exact for up to 16 bits over four halvings.
    """
    height, width = x.shape
    out = np.empty(((height + 1) // 2, (width + 1) // 2), np.float32)
    quarter = np.float32(0.25)
    for r in range(out.shape[0]):
        above = x[2 * r]
        below = x[min(2 * r + 1, height - 1)]
        target = out[r]
        for c in range(width // 2):
            upper = np.float32(above[2 * c]) + np.float32(above[2 * c + 1])
            lower = np.float32(below[2 * c]) + np.float32(below[2 * c + 1])
            target[c] = np.float32(upper + lower) * quarter
        if width % 2:
            last = np.float32(above[width - 1]) + np.float32(below[width - 1])
            target[width // 2] = last * np.float32(0.5)
    return out
