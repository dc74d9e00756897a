"""Planes with margins, and their blurs, in float32.

A plane is one-dimensional: rows of ``pitch`` elements, with `MARGIN` rows above and below the
picture and as many columns beside it. Margins hold zeros, so that a blur adds nothing outside the
picture; its sums are divided by the weights that lie inside.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.simd import fma, load, splat, store

Plane = NDArray[np.float32]

MARGIN = 16
"""Rows and columns around the picture: as far as the widest blur reaches."""
LANES = 16
"""Elements that are computed at a time."""


class Blur(NamedTuple):
    """A Gaussian for pictures of one size.

    Attributes:
        weights: (radius + 1,) float32, from the middle outwards.
        rows: (H,) float32, one by the sum of the weights inside the picture.
        columns: (W and up to a multiple of 16,) float32, the same; 0 beyond the picture.
    """

    weights: NDArray[np.float32]
    rows: NDArray[np.float32]
    columns: NDArray[np.float32]


class Size(NamedTuple):
    """Size of a picture and of the planes that hold it.

    Attributes:
        height: rows of the picture.
        width: columns of the picture.
        pitch: elements from row to row.
    """

    height: int
    width: int
    pitch: int


def size_of(height: int, width: int) -> Size:
    """Return the layout for a picture."""
    return Size(height, width, _whole(width) + 2 * MARGIN)


def new_plane(size: Size) -> Plane:
    """Make a plane of zeros."""
    return np.zeros((size.height + 2 * MARGIN) * size.pitch + LANES, np.float32)


def gaussian(sigma: float, size: Size, *, mirrored: bool = False) -> Blur:
    """Prepare a blur that reaches 2.25 sigma, rounded down, to each side.

    Args:
        sigma: standard deviation in pixels; 2.25 of it is below 17.
        size: of the pictures.
        mirrored: whether the margins hold the mirrored picture, so that all weights count.
    """
    radius = max(1, int(2.25 * sigma))
    weights = np.exp(-(np.arange(radius + 1) ** 2) / (2 * sigma**2))
    both = np.concatenate([weights[:0:-1], weights])
    reach = [np.convolve(np.ones(n), both)[radius : radius + n] for n in size[:2]]
    if mirrored:
        reach = [np.full(n, both.sum()) for n in size[:2]]
    columns = np.zeros(_whole(size.width))
    columns[: size.width] = 1 / reach[1]
    made = (weights, 1 / reach[0], columns)
    return Blur(*[values.astype(np.float32) for values in made])


def _whole(count: int) -> int:
    return -(-count // LANES) * LANES


@part()
def start_of(row: int, pitch: int) -> int:
    """Return the index of a row's first pixel."""
    return (row + MARGIN) * pitch + MARGIN


@part()
def blur(source: Plane, kind: Blur, size: Size, line: Plane, out: Plane) -> None:
    """Blur a plane.

    Args:
        source: with its margins filled.
        kind: the blur.
        size: of the picture.
        line: room for a row and `LANES` elements on both sides.
        out: another plane; its margins may be written to up to a multiple of 16 columns, by zeros.
    """
    height, width, pitch = size
    weights, rows, columns = kind
    radius = weights.size - 1
    for row in range(height):
        above = (row + MARGIN) * pitch
        scale = splat(rows[row])
        for c in range(0, pitch, LANES):
            total = load(source, above + c) * splat(weights[0])
            for k in range(1, radius + 1):
                both = load(source, above + c - k * pitch) + load(source, above + c + k * pitch)
                total = fma(both, splat(weights[k]), total)
            store(line, LANES + c, total * scale)
        for c in range(0, width, LANES):
            at = LANES + MARGIN + c
            total = load(line, at) * splat(weights[0])
            for k in range(1, radius + 1):
                total = fma(load(line, at - k) + load(line, at + k), splat(weights[k]), total)
            store(out, above + MARGIN + c, total * load(columns, c))


@part()
def fill_margins(plane: Plane, size: Size, value: np.float32) -> None:
    """Set all margins to a value."""
    height, width, pitch = size
    for i in range(MARGIN * pitch):
        plane[i] = value
    for i in range((height + MARGIN) * pitch, plane.size):
        plane[i] = value
    for row in range(height):
        line = plane[(row + MARGIN) * pitch :]
        for c in range(MARGIN):
            line[c] = value
        for c in range(MARGIN + width, pitch):
            line[c] = value


@part()
def mirror_margins(plane: Plane, size: Size) -> None:
    """Set two rows and columns around the picture to what is opposite; it has 2 or more."""
    height, width, pitch = size
    for row in range(height):
        line = plane[(row + MARGIN) * pitch :]
        for k in range(2):
            line[MARGIN - 1 - k] = line[MARGIN + k]
            line[MARGIN + width + k] = line[MARGIN + width - 1 - k]
    for k in range(2):
        top, bottom = (MARGIN - 1 - k) * pitch, (MARGIN + height + k) * pitch
        first, last = (MARGIN + k) * pitch, (MARGIN + height - 1 - k) * pitch
        for c in range(pitch):
            plane[top + c] = plane[first + c]
            plane[bottom + c] = plane[last + c]
