"""Code values to linear light in float64, one pixel's formula at a time."""

import numpy as np

KR_KB = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
BT2020_TO_BT709 = np.array(
    [
        [1.660491, -0.587641, -0.072850],
        [-0.124550, 1.132900, -0.008349],
        [-0.018151, -0.100579, 1.118730],
    ]
)
"""As printed in ITU-R BT.2087."""


def upsampled(plane, across, down, height, width):
    """Linear interpolation; samples lie on columns of luma, and between its rows."""
    rows = np.clip((np.arange(height) + 0.5) / down - 0.5, 0, plane.shape[0] - 1)
    columns = np.clip(np.arange(width) / across, 0, plane.shape[1] - 1)
    r, c = np.floor(rows).astype(int), np.floor(columns).astype(int)
    r1, c1 = np.minimum(r + 1, plane.shape[0] - 1), np.minimum(c + 1, plane.shape[1] - 1)
    a, b = (rows - r)[:, None], columns - c
    p = plane.astype(np.float64)
    upper = p[np.ix_(r, c)] * (1 - b) + p[np.ix_(r, c1)] * b
    lower = p[np.ix_(r1, c)] * (1 - b) + p[np.ix_(r1, c1)] * b
    return upper * (1 - a) + lower * a


def signal(planes, factors, depth, colour):
    """(H, W, 3) R'G'B', 0 to 1."""
    height, width = planes[0].shape
    unit = 2 ** (depth - 8)
    low, span, chroma_span = (16 * unit, 219 * unit, 224 * unit)
    if colour.full_range:
        low, span, chroma_span = 0, 2**depth - 1, 2**depth - 1
    y = (planes[0].astype(np.float64) - low) / span
    cb, cr = (
        (upsampled(p, *factors, height, width) - 128 * unit) / chroma_span for p in planes[1:]
    )
    kr, kb = KR_KB[colour.matrix]
    r, b = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    return np.clip(np.stack([r, (y - kr * r - kb * b) / (1 - kr - kb), b], 2), 0, 1)


def bt1886(v):
    return v**2.4


def srgb(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def pq(v):
    power = v ** (1 / 78.84375)
    light = (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (
        1 / 0.1593017578125
    )
    return light * 10000 / 255


def hlg(v):
    scene = np.where(v <= 0.5, v**2 / 3, (np.exp((v - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    luminance = scene @ [0.2627, 0.6780, 0.0593]
    return scene * luminance[..., None] ** 0.2 * 1000 / 255
