"""A small picture of each frame's luma by which frames of two streams are recognised.

A signature is the area mean of the luma over a grid of 36 x 64 cells, its mean removed, in levels
of 8-bit full range. Streams of different size, depth and range therefore have comparable
signatures, and one costs a small part of decoding the frame.
"""

from __future__ import annotations

from typing import TypeAlias, cast

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from vqa_harness.frames import Frame, Plane
from vqa_harness.jit import SUMS, kernel

ROWS, COLUMNS = 36, 64
CELLS = ROWS * COLUMNS
ROWS_READ = 4  # per cell at least; of taller pictures some rows are left out
LUMA = (0.2126, 0.7152, 0.0722)  # of R, G and B, BT.709

Signature: TypeAlias = NDArray[np.float32]
Region: TypeAlias = tuple[int, int, int, int]
"""x, y, width, height in luma samples."""


def signature(frame: Frame, region: Region | None = None) -> Signature:
    """The frame's signature.

    Args:
        frame: the frame; RGB is weighted as BT.709 luma.
        region: the part of the picture to look at; None for all of it.

    Returns:
        (2304,) float32, mean 0, in levels of 8-bit full range.
    """
    planes = frame.planes
    if frame.chroma == "rgb":
        means = np.zeros(CELLS, np.float32)
        for weight, plane in zip(LUMA, planes, strict=True):
            means += np.float32(weight) * area_means(plane, region)
    else:
        means = area_means(planes[0], region)
    full = frame.colour.full_range or frame.chroma == "rgb"
    scale = (1.0 if full else 255 / 219) / 2 ** (frame.depth - 8)
    return np.asarray((means - means.mean()) * np.float32(scale), np.float32)


def area_means(plane: Plane, region: Region | None = None) -> Signature:
    """(2304,) float32 means of the cells of a plane, row by row; whole columns, every n-th row."""
    if region is not None:
        x, y, width, height = region
        plane = plane[y : y + height, x : x + width]
    step = max(1, plane.shape[0] // (ROWS * ROWS_READ))
    if plane.strides[1] != plane.itemsize or plane.strides[0] <= 0:  # turned or mirrored
        plane = cast(Plane, np.ascontiguousarray(plane))
    height, width = plane.shape
    line = plane.strides[0] // plane.itemsize
    length = (height - 1) * line + width
    flat = cast(Plane, as_strided(plane, (length,), (plane.itemsize,), writeable=False))
    out = np.zeros((ROWS, COLUMNS), np.float32)
    _area_means(flat, line, height, width, step, out)
    return out.reshape(-1)


@kernel(fastmath=SUMS)
def _area_means(
    samples: Plane, line: int, height: int, width: int, step: int, out: NDArray[np.float32]
) -> None:
    """Sum rows, weighted by their share of each band of cells; then columns."""
    bands = np.zeros((ROWS, width), np.float32)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        start = (top + bottom - 1) // 2 * line
        source = samples[start : start + width]
        first, last = top * ROWS / height, bottom * ROWS / height
        for band in range(int(first), min(ROWS, int(np.ceil(last)))):
            weight = np.float32(min(last, band + 1) - max(first, band))
            target = bands[band]
            for x in range(width):
                target[x] += weight * np.float32(source[x])
    for cell in range(COLUMNS):
        left, right = cell * width / COLUMNS, (cell + 1) * width / COLUMNS
        begin, end = int(left), min(width, int(np.ceil(right)))
        for band in range(ROWS):
            target = bands[band]
            total = np.float32(0)
            for x in range(begin, end):
                total += target[x]
            total -= np.float32(left - begin) * target[begin]
            total -= np.float32(end - right) * target[end - 1]
            out[band, cell] = total / np.float32(right - left)
