"""The arrays and constants of one pass over a pair of pictures of one size.

Numbers are those of libjxl, see `opsin`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vqa_metrics.butteraugli.malta import FULL, SPARSE, Lines, Weights, lines_of, weights_of
from vqa_metrics.butteraugli.planes import Blur, Plane, Size, gaussian, new_plane, size_of

Three = tuple[Plane, Plane, Plane]


class Sigmas(NamedTuple):
    """The blurs of one size: of adaptation, low, middle and high frequencies, and activity."""

    adaptation: Blur
    low: Blur
    middle: Blur
    high: Blur
    activity: Blur


class BandWeights(NamedTuple):
    """Weights of differences along lines, of X and of Y."""

    middle: tuple[Weights, Weights]
    high: tuple[Weights, Weights]
    highest: tuple[Weights, Weights]


class Buffers(NamedTuple):
    """Arrays of one pass over pictures of one size; the next pass may have them as they are.

    Attributes:
        size: of the pictures.
        a: planes of the reference: its light, then its bands.
        b: the same of the distorted picture.
        spare: planes in between.
        yellow: difference in low frequencies of Y.
        coarse: squared differences in low frequencies.
        fine: squared differences in the others, then the map.
        line: rows in between.
        blurs: by purpose.
        full: lines of nine pixels.
        sparse: lines of five.
        weights: by band.
    """

    size: Size
    a: Three
    b: Three
    spare: Three
    yellow: Plane
    coarse: Plane
    fine: Plane
    line: Plane
    blurs: Sigmas
    full: Lines
    sparse: Lines
    weights: BandWeights


def new_buffers(height: int, width: int) -> Buffers:
    """Make the arrays for pictures of a size: some 50 bytes a pixel."""
    size = size_of(height, width)
    planes = [new_plane(size) for _ in range(12)]
    return Buffers(
        size,
        (planes[0], planes[1], planes[2]),
        (planes[3], planes[4], planes[5]),
        (planes[6], planes[7], planes[8]),
        planes[9],
        planes[10],
        planes[11],
        np.zeros(3 * size.pitch + 64, np.float32),
        Sigmas(
            gaussian(1.2, size, mirrored=True),
            gaussian(7.15593339443, size),
            gaussian(3.22489901262, size),
            gaussian(1.56416327805, size),
            gaussian(2.7, size),
        ),
        lines_of(FULL, size.pitch),
        lines_of(SPARSE, size.pitch),
        BandWeights(
            (
                weights_of(8246.75321353, 1009002.70582, sparse=True),
                weights_of(37.0819870399, 130262059.556, sparse=True),
            ),
            (
                weights_of(6923.99476109, 8051.15833247, sparse=True),
                weights_of(18.7237414387, 4498534.45232, sparse=True),
            ),
            (
                weights_of(173.5, 5.0, sparse=False),
                weights_of(1.10039032555, 71.7800275169, sparse=False),
            ),
        ),
    )
