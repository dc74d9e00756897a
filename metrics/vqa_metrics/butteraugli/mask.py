"""Masking: differences are less visible where the reference is busy all around.

Numbers are those of libjxl, see `opsin`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.butteraugli.planes import Plane, Size, start_of

_MATHS = {"contract", "nsz", "reassoc"}
_F = np.float32
_STEP = 3
"""Pixels to the neighbours that are looked at."""
_SCALE = _F(1 / (17.83 * 0.79079917404))
"""Makes 1 of what is just acceptable."""


@part(fastmath=_MATHS)
def _erode_row(
    activity: Plane,
    at: int,
    pitch: int,
    width: int,
    least: NDArray[np.float32],
    second: NDArray[np.float32],
    third: NDArray[np.float32],
) -> None:
    """Find the three smallest of each pixel, twice its double, and its eight neighbours."""
    own = activity[at:]
    for c in range(width):
        least[c] = own[c]
        second[c] = _F(2) * own[c]
        third[c] = _F(2) * own[c]
    for down in range(-_STEP, _STEP + 1, _STEP):
        for across in range(-_STEP, _STEP + 1, _STEP):
            if down == 0 and across == 0:
                continue
            near = activity[at + down * pitch + across :]
            for c in range(width):
                value = near[c]
                larger = max(least[c], value)
                least[c] = min(least[c], value)
                largest = max(second[c], larger)
                second[c] = min(second[c], larger)
                third[c] = min(third[c], largest)


@part(fastmath=_MATHS)
def _combine_row(
    least: NDArray[np.float32],
    second: NDArray[np.float32],
    third: NDArray[np.float32],
    change: NDArray[np.float32],
    coarse: NDArray[np.float32],
    fine: NDArray[np.float32],
    width: int,
) -> None:
    """Weigh fine and coarse differences by the mask; the result replaces the fine ones."""
    for c in range(width):
        mask = _F(0.45) * least[c] + _F(0.3) * second[c] + _F(0.25) * third[c]
        by_fine = _SCALE + _SCALE * _F(2.5485944793) / (
            _F(0.451936922203) * mask + _F(0.829591754942)
        )
        by_coarse = _SCALE + _SCALE * _F(0.505054525019) / (
            _F(3.87449418804) * mask + _F(0.20025578522)
        )
        total = fine[c] + _F(10) * change[c] * change[c]
        fine[c] = np.sqrt(total * by_fine * by_fine + coarse[c] * by_coarse * by_coarse)


@part()
def mask_differences(
    active_a: Plane, active_b: Plane, coarse: Plane, fine: Plane, size: Size, lines: Plane
) -> None:
    """Make one map of fine and coarse differences; it replaces the fine ones.

    Args:
        active_a: activity of the reference, infinite around.
        active_b: activity of the distorted picture, which is overwritten.
        coarse: squared differences in low frequencies.
        fine: squared differences in all others.
        size: of the picture.
        lines: room for three rows.
    """
    height, width, pitch = size
    least, second, third = lines[:width], lines[width : 2 * width], lines[2 * width : 3 * width]
    for row in range(height):
        at = start_of(row, pitch)
        _erode_row(active_a, at, pitch, width, least, second, third)
        a, b = active_a[at:], active_b[at:]
        for c in range(width):
            b[c] = a[c] - b[c]
        _combine_row(least, second, third, b, coarse[at:], fine[at:], width)
