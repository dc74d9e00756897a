"""Bands of frequencies: how each is shaped, and how differences in it are weighted.

Every function takes one row of both pictures. Numbers are those of libjxl, see `opsin`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part

Row = NDArray[np.float32]

_MATHS = {"contract", "nsz", "reassoc"}
_F = np.float32

LOW = (_F(33.832837186260), _F(14.458268100570), _F(49.87984651440))
"""Scale of low frequencies of X, Y and B."""
LOW_WEIGHTS = (_F(29.2353797994), _F(0.844626970982), _F(0.703646627719))
"""Weights of squared differences in them."""
BLUE_OF_YELLOW = _F(-0.362267051518)
"""Share of Y that is added to B in low frequencies."""
MIDDLE_WEIGHTS = (_F(2150.0), _F(10.6195433239), _F(16.2176043152))
"""Weights of squared differences in middle frequencies."""
HIGH_WEIGHTS = (_F(400.0), _F(1.50815703118))
"""Weights of squared differences in high frequencies of X and Y."""
ACTIVITY = (_F(2.5), _F(0.4))
"""Shares of X and of Y in the activity that masks differences."""


@part(fastmath=_MATHS)
def _shrunk(value: np.float32, by: np.float32) -> np.float32:
    """Move a value towards zero, and no farther."""
    return np.float32(max(value - by, _F(0)) + min(value + by, _F(0)))


@part(fastmath=_MATHS)
def _stretched(value: np.float32, by: np.float32) -> np.float32:
    """Double a small value, and move a larger one from zero."""
    return np.float32(value + min(max(value, -by), by))


@part(fastmath=_MATHS)
def _limited(value: np.float32, top: np.float32) -> np.float32:
    """Let what exceeds a limit count less."""
    return np.float32(value - _F(1 - 0.724216145665) * _shrunk(value, top))


@part(fastmath=_MATHS)
def low_row(
    a: Row,
    b: Row,
    low_a: Row,
    low_b: Row,
    component: int,
    width: int,
    yellow: Row,
    coarse: Row,
) -> None:
    """Take low frequencies out of both pictures, and add up their difference.

    Args:
        a: reference, which loses its low frequencies.
        b: distorted.
        low_a: low frequencies of the reference.
        low_b: those of the distorted picture.
        component: 0 for X, 1 for Y, 2 for B; Y comes first.
        width: pixels.
        yellow: difference in Y, written for Y and read for B.
        coarse: what the weighted squares are added to; set for Y.
    """
    scale, weight = LOW[component], LOW_WEIGHTS[component]
    for c in range(width):
        difference = low_a[c] - low_b[c]
        a[c] -= low_a[c]
        b[c] -= low_b[c]
        if component == 1:
            yellow[c] = difference
            coarse[c] = _F(0)
        elif component == 2:
            difference += BLUE_OF_YELLOW * yellow[c]
        coarse[c] += weight * (difference * scale) * (difference * scale)


@part(fastmath=_MATHS)
def middle_row(
    a: Row, b: Row, middle_a: Row, middle_b: Row, component: int, width: int, fine: Row
) -> None:
    """Take middle frequencies out of both pictures, shape them and add up their difference.

    Args:
        a: reference without low frequencies, which loses its middle ones.
        b: distorted.
        middle_a: middle frequencies of the reference.
        middle_b: those of the distorted picture.
        component: 0 for X, 1 for Y, 2 for B; Y comes first.
        width: pixels.
        fine: what the weighted squares are added to; set for Y.
    """
    weight = MIDDLE_WEIGHTS[component]
    for c in range(width):
        p, q = middle_a[c], middle_b[c]
        a[c] -= p
        b[c] -= q
        if component == 0:
            p, q = _shrunk(p, _F(0.29)), _shrunk(q, _F(0.29))
        elif component == 1:
            p, q = _stretched(p, _F(0.1)), _stretched(q, _F(0.1))
            fine[c] = _F(0)
        middle_a[c], middle_b[c] = p, q
        fine[c] += weight * (p - q) * (p - q)


@part(fastmath=_MATHS)
def suppress_row(x: Row, y: Row, width: int) -> None:
    """Weaken high frequencies of X where Y has some."""
    for c in range(width):
        x[c] *= _F(46.0 * (1 - 0.653020556257)) / (y[c] * y[c] + _F(46.0)) + _F(0.653020556257)


@part(fastmath=_MATHS)
def split_row(value: Row, smooth: Row, component: int, width: int) -> None:
    """Split high frequencies of X or Y into high and highest ones, and shape them.

    Args:
        value: high frequencies, replaced by the highest.
        smooth: the same, blurred, replaced by the high ones.
        component: 0 for X, 1 for Y.
        width: pixels.
    """
    for c in range(width):
        high = smooth[c]
        if component == 0:
            value[c] = _shrunk(value[c] - high, _F(0.04))
            smooth[c] = _shrunk(high, _F(1.5))
        else:
            high = _limited(high, _F(28.4691806922))
            value[c] = _limited(value[c] - high, _F(5.19175294647)) * _F(2.69313763794)
            smooth[c] = _stretched(high * _F(2.155), _F(0.132))


@part(fastmath=_MATHS)
def high_row(a: Row, b: Row, component: int, width: int, fine: Row) -> None:
    """Add up the difference in high frequencies; what the reference has not counts more."""
    weight = HIGH_WEIGHTS[component] * _F(0.8)
    for c in range(width):
        p, q = a[c], b[c]
        amplitude = abs(p)
        along = -q if p < _F(0) else q
        beyond = max(_F(0.4) * amplitude - along, _F(0)) + max(along - amplitude, _F(0))
        fine[c] += weight * ((p - q) * (p - q) + beyond * beyond)


@part(fastmath=_MATHS)
def activity_row(highest: Row, high: Row, component: int, width: int, activity: Row) -> None:
    """Add up activity: its square of X, then of both, of which the root is compressed.

    Args:
        highest: the highest frequencies of X, then of Y.
        high: high frequencies of the same.
        component: 0 for X, 1 for Y; X comes first.
        width: pixels.
        activity: what is computed.
    """
    share = ACTIVITY[component]
    bias = _F(6.19424080439 * 12.61050594197)
    for c in range(width):
        value = (highest[c] + high[c]) * share
        if component == 0:
            activity[c] = value * value
        else:
            root = np.sqrt(activity[c] + value * value)
            activity[c] = np.sqrt(_F(6.19424080439) * root + bias) - np.sqrt(bias)
