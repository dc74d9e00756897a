"""A map of where two pictures differ in structure, to be looked at; it is no score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from vqa_harness.frames import Frame

SIDE = 8
"""Rows and columns of the window of equal weights."""


def ssim_map(one: Frame, two: Frame) -> NDArray[np.uint8]:
    """SSIM of the luma around each pixel (Wang et al. 2004, equal weights, 8x8): white is alike.

    Returns:
        (H, W, 3) uint8, 255 for 1 and 0 for 0 and below.
    """
    peak = np.float32((1 << one.depth) - 1)
    x, y = _luma(one) / peak, _luma(two) / peak
    first, second = uniform_filter(x, SIDE), uniform_filter(y, SIDE)
    of_x = uniform_filter(x * x, SIDE) - first**2
    of_y = uniform_filter(y * y, SIDE) - second**2
    both = uniform_filter(x * y, SIDE) - first * second
    c1, c2 = np.float32(0.01**2), np.float32(0.03**2)
    above = (2 * first * second + c1) * (2 * both + c2)
    below = (first**2 + second**2 + c1) * (of_x + of_y + c2)
    level = np.rint(np.clip(above / below, 0, 1) * 255).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=-1)


def _luma(frame: Frame) -> NDArray[np.float32]:
    """(H, W) float32 in code values; of RGB the mean of the three planes."""
    if frame.chroma == "rgb":
        red, green, blue = (plane.astype(np.float32) for plane in frame.planes)
        return (red + green + blue) / np.float32(3)
    return frame.luma.astype(np.float32)
