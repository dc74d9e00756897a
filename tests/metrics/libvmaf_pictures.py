"""Pictures for libvmaf's features: bands of a slow gradient, moving texture, noise.

They are made of integers alone, so that they are the same everywhere.
"""

import numpy as np

SIZE = (324, 220)
COUNT = 3
MOTION = 3
"""Columns per frame."""


def pictures(depth, chroma):
    """(Distorted, reference): frames, each a tuple of planes Y, U, V."""
    return [[_frame(n, depth, chroma, coarse) for n in range(COUNT)] for coarse in (True, False)]


def _frame(number, depth, chroma, coarse):
    width, height = SIZE
    factor = 1 if chroma == "444" else 2
    planes = []
    for plane in range(3):
        w, h = (width, height) if plane == 0 else (width // factor, height // factor)
        scale = 1 << (depth - 8)
        x = np.arange(w)[None, :] + MOTION * number
        bands = np.broadcast_to((60 + 20 * plane) * scale + x * 24 * scale // w, (h, w))
        value = np.where(
            np.arange(h)[:, None] < h // 2, bands, _texture(plane, number, w, h, scale)
        )
        if coarse:
            rng = np.random.default_rng([plane, number])
            noise = rng.integers(-12 * scale, 12 * scale + 1, value.shape)
            banded = value // scale * scale
            value = np.where(np.arange(h)[:, None] < h // 2, banded, value + noise)
        planes.append(np.clip(value, 0, 255 * scale).astype(np.uint8 if depth == 8 else np.uint16))
    return tuple(planes)


def _texture(plane, number, w, h, scale):
    """Noise, blurred over 5x5 samples, that moves."""
    wide = np.random.default_rng([9, plane]).integers(0, 250 * scale, (h + 5, w + 5 + 4 * MOTION))
    sums = np.pad(wide, 1).cumsum(0).cumsum(1)
    blurred = (sums[5:, 5:] - sums[:-5, 5:] - sums[5:, :-5] + sums[:-5, :-5]) // 25
    begin = MOTION * number
    return blurred[:h, begin : begin + w]
