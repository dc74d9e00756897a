"""Pictures for the tests of NIQE and BRISQUE: made of integers only, equal on every machine."""

import numpy as np


def noise(height, width, seed):
    """(H, W) int64, 0 to 255, from an integer hash of the position."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint64)
    value = rows * np.uint64(0x9E3779B97F4A7C15) ^ columns * np.uint64(0xC2B2AE3D27D4EB4F)
    value ^= np.uint64(seed * 0x165667B19E3779F9 % 2**64)
    for shift in (29, 32):
        value = (value ^ (value >> np.uint64(shift))) * np.uint64(0xBF58476D1CE4E5B9)
    return (value >> np.uint64(56)).astype(np.int64)


def blurred(image, radius):
    """Box mean, rounded down, edges repeated."""
    for axis in (0, 1):
        width = [(0, 0), (0, 0)]
        width[axis] = (radius + 1, radius)
        sums = np.cumsum(np.pad(image, width, mode="edge"), axis=axis)
        size = 2 * radius + 1
        upper, lower = (
            np.take(sums, range(size, sums.shape[axis]), axis),
            np.take(sums, range(sums.shape[axis] - size), axis),
        )
        image = (upper - lower) // size
    return image


def natural(height, width, seed=1):
    """Detail at several scales, as in a photograph, with a few straight edges."""
    image = np.full((height, width), 128, np.int64)
    for radius, weight in ((1, 1), (3, 3), (8, 8), (20, 20)):
        image += (blurred(noise(height, width, seed + radius), radius) - 128) * weight // 2
    rows, columns = np.mgrid[:height, :width]
    image += np.where((2 * rows + columns) % 311 < 120, 25, 0)
    image -= np.where((columns - rows) % 173 < 60, 20, 0)
    return np.clip(image, 0, 255).astype(np.uint8)


def poster(height, width):
    """Areas of one grey value each, and linear ramps: what rounding residue decides."""
    rows, columns = np.mgrid[:height, :width]
    greys = np.array([74, 85, 87, 103, 140, 162, 249, 248, 153, 128, 78, 203])
    flat = greys[(rows // 40 * 7 + columns // 56 * 5) % len(greys)]
    ramp = 20 + (rows + 2 * columns) % 200
    return np.where((rows // 80 + columns // 112) % 3 == 0, ramp, flat).astype(np.uint8)


def letterboxed(height, width, bar):
    image = natural(height, width)
    image[:bar] = 16
    image[-bar:] = 16
    return image


def pictures():
    """Name to (H, W) uint8."""
    return {
        "natural": natural(300, 500),
        "odd": natural(197, 291, seed=5),
        "wide": natural(97, 701, seed=9),
        "noise": noise(193, 211, 3).astype(np.uint8),
        "poster": poster(250, 420),
        "letterbox": letterboxed(288, 388, 41),
        "one_block": natural(96, 96, seed=4),
        "small": natural(61, 83, seed=2),
        "ramp": (np.add.outer(np.arange(200), np.arange(230) * 2) // 3 % 251).astype(np.uint8),
    }
