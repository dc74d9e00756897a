"""One pass over a pair of pictures: code values to light, XYB and error maps, scale after scale.

A picture goes through in bands of sixteen rows. The light of the first scale is never kept whole:
each row of it becomes XYB, and half a row of the next scale, which later scales shrink in place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import kernel, part
from vqa_metrics.light.kernels import Codes, linear_row, scratch_size
from vqa_metrics.ssimulacra2.maps import (
    COLUMNS,
    MARGIN,
    PITCH,
    ROWS,
    TALL,
    load,
    tile_sums,
)
from vqa_metrics.ssimulacra2.opsin import xyb_row

Row = NDArray[np.float32]

_PLANES = 6
"""R, G and B of the reference and of the distorted picture; or X, Y and B - Y."""
_MATHS = {"contract", "nsz", "reassoc"}


class Buffers(NamedTuple):
    """Arrays of one pass over pictures of one size; the next pass may have them as they are.

    Attributes:
        light: (2 * planes, width) float32, linear rows: of even row numbers, and of odd.
        scratch: of `linear_row`.
        band: (planes, rows * pitch) float32, XYB with margins around it.
        small: (planes, height / 2, width / 2) float32, light of the scale after the first and,
            in its upper left, of those that follow.
        half: (width / 2) float32, a row on its way there.
        tile: of `maps.load`.
        blurred: of `maps.tile_sums`.
    """

    light: NDArray[np.float32]
    scratch: Row
    band: NDArray[np.float32]
    small: NDArray[np.float32]
    half: Row
    tile: Row
    blurred: Row


def new_buffers(height: int, width: int) -> Buffers:
    """Make the arrays for pictures of a size: some 7 bytes a pixel."""
    step = width + PITCH
    return Buffers(
        np.zeros((2 * _PLANES, width), np.float32),
        np.zeros(scratch_size(width), np.float32),
        np.zeros((_PLANES, TALL * step), np.float32),
        np.zeros((_PLANES, (height + 1) // 2, (width + 1) // 2), np.float32),
        np.zeros((width + 1) // 2, np.float32),
        np.zeros(4 * TALL * PITCH, np.float32),
        np.zeros(4 * ROWS * PITCH, np.float32),
    )


@part(fastmath=_MATHS)
def _halve_row(upper: Row, lower: Row, width: int, half: Row, out: Row) -> None:
    """Average 2 by 2 pixels of two rows, an odd last column with itself."""
    quarter = np.float32(0.25)
    for c in range(width // 2):
        half[c] = (upper[2 * c] + upper[2 * c + 1] + lower[2 * c] + lower[2 * c + 1]) * quarter
    if width % 2:
        half[width // 2] = (upper[width - 1] + lower[width - 1]) * np.float32(0.5)
    for c in range((width + 1) // 2):
        out[c] = half[c]


@part()
def _take_row(row: int, at: int, height: int, width: int, further: bool, own: Buffers) -> None:
    """Make a linear row XYB in row ``at`` of the band, and half a row of the next scale."""
    step = own.band.shape[1] // TALL
    parity = row % 2 * _PLANES
    start = at * step + MARGIN
    for side in range(0, _PLANES, 3):
        xyb_row(
            own.light[parity + side],
            own.light[parity + side + 1],
            own.light[parity + side + 2],
            width,
            own.band[side, start:],
            own.band[side + 1, start:],
            own.band[side + 2, start:],
        )
    if further and (row % 2 == 1 or row == height - 1):
        for plane in range(_PLANES):
            upper, lower = own.light[plane], own.light[parity + plane]
            _halve_row(upper, lower, width, own.half, own.small[plane, row // 2])


@part()
def _clear(own: Buffers) -> None:
    """Forget what the last scale left in the band, whose margins must be zero."""
    for plane in range(_PLANES):
        band = own.band[plane]
        for i in range(band.size):
            band[i] = np.float32(0)


@part()
def _carry(own: Buffers) -> None:
    """Move the last rows of the band to its top, where the next one begins."""
    step = own.band.shape[1] // TALL
    for plane in range(_PLANES):
        band = own.band[plane]
        bottom = band[ROWS * step :]
        for i in range(2 * MARGIN * step):
            band[i] = bottom[i]


@part()
def _blank_row(at: int, own: Buffers) -> None:
    """Set a row of the band, which lies below the picture, to zero."""
    step = own.band.shape[1] // TALL
    for plane in range(_PLANES):
        row = own.band[plane, at * step :]
        for i in range(step):
            row[i] = np.float32(0)


@part()
def _band_sums(
    rows: int,
    width: int,
    structure: NDArray[np.bool_],
    sums: NDArray[np.float64],
    own: Buffers,
) -> None:
    """Add up the error maps over a band, tile by tile."""
    step = own.band.shape[1] // TALL
    for component in range(3):
        wanted = structure[component]
        for left in range(0, width, COLUMNS):
            columns = min(COLUMNS, width - left)
            a, b = own.band[component, left:], own.band[component + 3, left:]
            load(a, b, step, columns + 2 * MARGIN, wanted, own.tile)
            tile_sums(own.tile, own.blurred, rows, columns, wanted, sums[component])


@kernel()
def first_scale(
    reference: Codes,
    distorted: Codes,
    structure: NDArray[np.bool_],
    further: bool,
    sums: NDArray[np.float64],
    own: Buffers,
) -> None:
    """Add up the error maps of the first scale.

    Args:
        reference: code values of the reference.
        distorted: those of the distorted picture, of the same size.
        structure: (3,) for which of X, Y and B - Y lost structure is wanted.
        further: whether the next scale is wanted.
        sums: (3, `maps.SUMS`) what the sums are added to.
        own: of this size.
    """
    height, width = reference.first.shape
    _clear(own)
    done = 0
    for top in range(0, height, ROWS):
        if top:
            _carry(own)
        for row in range(done, top + ROWS + MARGIN):
            at = row - top + MARGIN
            if row < height:
                light = own.light[row % 2 * _PLANES :]
                linear_row(reference, row, own.scratch, light[0], light[1], light[2])
                linear_row(distorted, row, own.scratch, light[3], light[4], light[5])
                _take_row(row, at, height, width, further, own)
            else:
                _blank_row(at, own)
        done = top + ROWS + MARGIN
        _band_sums(min(ROWS, height - top), width, structure, sums, own)


@kernel()
def next_scale(
    height: int,
    width: int,
    structure: NDArray[np.bool_],
    further: bool,
    sums: NDArray[np.float64],
    own: Buffers,
) -> None:
    """Add up the error maps of a scale whose light the scale before has left in ``own.small``.

    Args:
        height: rows of this scale.
        width: columns of this scale.
        structure: as `first_scale` takes it.
        further: whether the next scale is wanted.
        sums: as `first_scale` takes it.
        own: of the size of the first scale.
    """
    _clear(own)
    done = 0
    for top in range(0, height, ROWS):
        if top:
            _carry(own)
        for row in range(done, top + ROWS + MARGIN):
            at = row - top + MARGIN
            if row < height:
                for plane in range(_PLANES):
                    source, light = own.small[plane, row], own.light[row % 2 * _PLANES + plane]
                    for c in range(width):
                        light[c] = source[c]
                _take_row(row, at, height, width, further, own)
            else:
                _blank_row(at, own)
        done = top + ROWS + MARGIN
        _band_sums(min(ROWS, height - top), width, structure, sums, own)
