"""Linear RGB to XYB, the colour space of JPEG XL, one row at a time in float32.

Weights and bias are those of libjxl (``lib/jxl/cms/opsin_params.h``, Copyright the JPEG XL Project
Authors, BSD-3-Clause; see ``data/LIBJXL_NOTICE.txt``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part

Row = NDArray[np.float32]

_MATHS = {"contract", "nsz", "reassoc"}
_LONG = (np.float32(0.30), np.float32(0.622), np.float32(0.078))
_MEDIUM = (np.float32(0.23), np.float32(0.692), np.float32(0.078))
_SHORT = (
    np.float32(0.24342268924547819),
    np.float32(0.20476744424496821),
    np.float32(0.5518098665095536),
)
_BIAS = np.float32(0.0037930732552754493)
_BIAS_ROOT = np.float32(np.cbrt(0.0037930732552754493))
_SHORT_OFFSET = np.float32(0.55 - np.cbrt(0.0037930732552754493))
_LEAST = np.float32(1e-24)
"""Stands for no light at all, so that the root is finite on the way."""


@part(fastmath=_MATHS)
def cube_root(value: np.float32) -> np.float32:
    """Return the cube root, right to 3e-7 of itself, of 1e-24 at least.

    The logarithm that a float's exponent is gives the inverse root to 4 %; two steps of third order
    do the rest without a division.
    """
    value = max(value, _LEAST)
    exponent = np.float32(np.float32(value).view(np.int32))
    guess = np.int32(np.float32(exponent * np.float32(-1 / 3) + np.float32(1419967116.9)))
    root = np.int32(guess).view(np.float32)
    for _ in range(2):
        error = np.float32(1) - value * root * root * root
        root = np.float32(root + root * error * (np.float32(1 / 3) + np.float32(2 / 9) * error))
    return np.float32(value * root * root)


@part(fastmath=_MATHS)
def xyb_row(r: Row, g: Row, b: Row, width: int, x: Row, y: Row, b_less_y: Row) -> None:
    """Make a row of X, Y and B - Y, moved into positive numbers as SSIMULACRA2 wants them.

    Args:
        r: linear red, as g and b; below 0 outside BT.709's colours.
        g: linear green.
        b: linear blue.
        width: pixels.
        x: room for 14 X + 0.42.
        y: room for Y + 0.01.
        b_less_y: room for B - Y + 0.55.
    """
    half = np.float32(0.5)
    for c in range(width):
        red, green, blue = r[c], g[c], b[c]
        long = cube_root(_LONG[0] * red + _LONG[1] * green + _LONG[2] * blue + _BIAS)
        medium = cube_root(_MEDIUM[0] * red + _MEDIUM[1] * green + _MEDIUM[2] * blue + _BIAS)
        short = cube_root(_SHORT[0] * red + _SHORT[1] * green + _SHORT[2] * blue + _BIAS)
        luma = (long + medium) * half - _BIAS_ROOT
        x[c] = np.float32(7) * (long - medium) + np.float32(0.42)
        y[c] = luma + np.float32(0.01)
        b_less_y[c] = short - luma + _SHORT_OFFSET
