"""Linear light to responses of cones that are adapted to their surroundings: X, Y and B.

This XYB is not that of SSIMULACRA2. Numbers are those of libjxl (``lib/jxl/butteraugli``, Copyright
the JPEG XL Project Authors, BSD-3-Clause; see ``data/LIBJXL_NOTICE.txt``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part

Row = NDArray[np.float32]

_MATHS = {"contract", "nsz", "reassoc"}
_F = np.float32
_LONG = (_F(0.29956550340058319), _F(0.63373087833825936), _F(0.077705617820981968))
_MEDIUM = (_F(0.22158691104574774), _F(0.69391388044116142), _F(0.0987313588422))
_SHORT = (_F(0.02), _F(0.02), _F(0.20480129041026129))
_DARK, _DARK_SHORT = _F(1.7557483643287353), _F(12.226454707163354)
"""Responses to no light."""
_SCALE, _SHIFT, _OFFSET = _F(19.245013259874995), _F(9.9710635769299145), _F(-23.16046239805755)
_LEAST = _F(1e-4)
_LN2 = _F(0.6931471805599453)


@part(fastmath=_MATHS)
def logarithm(value: np.float32) -> np.float32:
    """Return the natural logarithm of a positive, normal number, right to 3e-7."""
    bits = np.float32(value).view(np.int32)
    # As many powers of two are taken out as leave 0.71 to 1.41.
    power = np.int32((bits - np.int32(0x3F3504F3)) >> np.int32(23))
    rest = np.int32(bits - (power << np.int32(23))).view(np.float32)
    t = (rest - _F(1)) / (rest + _F(1))
    square = t * t
    series = _F(1) + square * (
        _F(1 / 3) + square * (_F(1 / 5) + square * (_F(1 / 7) + square * _F(1 / 9)))
    )
    return np.float32(_F(2) * t * series + np.float32(power) * _LN2)


@part(fastmath=_MATHS)
def _sensitivity(adapted: np.float32) -> np.float32:
    """Response by light of what the cone is adapted to."""
    response = _SCALE * logarithm(adapted + _SHIFT) + _OFFSET
    return max(np.float32(response / adapted), _LEAST)


@part(fastmath=_MATHS)
def cone_row(
    light: tuple[Row, Row, Row], smooth: tuple[Row, Row, Row], width: int, nits: np.float32
) -> None:
    """Replace a row of linear R, G and B by X, Y and B.

    Args:
        light: R, G and B, what is replaced.
        smooth: the same, blurred.
        width: pixels.
        nits: luminance of 1.0 in cd/m2.
    """
    red, green, blue = light
    red_near, green_near, blue_near = smooth
    for c in range(width):
        r, g, b = red_near[c] * nits, green_near[c] * nits, blue_near[c] * nits
        near_long = max(_LONG[0] * r + _LONG[1] * g + _LONG[2] * b + _DARK, _DARK)
        near_medium = max(_MEDIUM[0] * r + _MEDIUM[1] * g + _MEDIUM[2] * b + _DARK, _DARK)
        near_short = max(_SHORT[0] * r + _SHORT[1] * g + _SHORT[2] * b + _DARK_SHORT, _DARK_SHORT)
        r, g, b = red[c] * nits, green[c] * nits, blue[c] * nits
        long = _LONG[0] * r + _LONG[1] * g + _LONG[2] * b + _DARK
        medium = _MEDIUM[0] * r + _MEDIUM[1] * g + _MEDIUM[2] * b + _DARK
        short = _SHORT[0] * r + _SHORT[1] * g + _SHORT[2] * b + _DARK_SHORT
        long = max(long * _sensitivity(near_long), _DARK)
        medium = max(medium * _sensitivity(near_medium), _DARK)
        short = max(short * _sensitivity(near_short), _DARK_SHORT)
        red[c] = long - medium
        green[c] = long + medium
        blue[c] = short
