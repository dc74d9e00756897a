"""What turns one picture's code values into linear RGB with the primaries of BT.709."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import ColourInfo
from vqa_metrics.light.transfer import STEPS, table

LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Weights of red and of blue in luma, by matrix."""
PRIMARIES = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "smpte432": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
"""x and y of red, green and blue. Those of BT.601 differ little from BT.709's and are taken as
such; all others too, as they are rare. DCI-P3 (``smpte431``) is taken as Display P3."""
D65 = (0.3127, 0.3290)

Matrix = tuple[float, ...]


class Conversion(NamedTuple):
    """How code values become light; plain numbers and arrays, as a kernel takes them.

    Attributes:
        signal: (12,) float32, three rows of weights of the planes and a constant: R'G'B' times
            `transfer.STEPS`.
        curve: (STEPS + 2,) float32, light by R'G'B'.
        primaries: (9,) float32, three rows that make BT.709's primaries of the picture's.
        same: whether they are BT.709's already.
        hlg: whether light of the scene is to be made light of a display.
    """

    signal: NDArray[np.float32]
    curve: NDArray[np.float32]
    primaries: NDArray[np.float32]
    same: bool
    hlg: bool


@lru_cache(maxsize=32)
def conversion(colour: ColourInfo, depth: int, curve: str, *, gray: bool = False) -> Conversion:
    """Prepare the conversion of pictures of one kind.

    Args:
        colour: How code values mean light.
        depth: Bits per sample.
        curve: One of `transfer.CURVES`.
        gray: Whether there is luma alone; the second and third plane then do not count.
    """
    primaries = to_bt709(colour.primaries)
    signal = signal_matrix(colour, depth)
    if gray:
        signal[:, 3] = signal_matrix(replace(colour, matrix="rgb"), depth)[0, 3]
        signal[:, 1:3] = 0
    return Conversion(
        (signal * STEPS).astype(np.float32).reshape(-1),
        table(curve),
        primaries.astype(np.float32).reshape(-1),
        bool(np.array_equal(primaries, np.eye(3))),
        curve == "hlg",
    )


def signal_matrix(colour: ColourInfo, depth: int) -> NDArray[np.float64]:
    """Return (3, 4) what makes R'G'B', 0 to 1, of three code values and the number 1.

    Args:
        colour: How code values mean light; matrix ``rgb`` for code values that are R'G'B'.
        depth: Bits per sample.
    """
    unit, top = 2.0 ** (depth - 8), 2.0**depth - 1
    low, span, chroma_span = (0.0, top, top) if colour.full_range else (16.0, 219.0, 224.0)
    if not colour.full_range:
        low, span, chroma_span = low * unit, span * unit, chroma_span * unit
    if colour.matrix == "rgb":
        return np.column_stack([np.eye(3) / span, np.full(3, -low / span)])
    red, blue = LUMA_WEIGHTS[colour.matrix]
    green = 1 - red - blue
    of_blue, of_red = 2 * (1 - blue), 2 * (1 - red)
    rows = np.array(
        [
            [1, 0, of_red],
            [1, -of_blue * blue / green, -of_red * red / green],
            [1, of_blue, 0],
        ]
    )
    scaled = rows / [span, chroma_span, chroma_span]
    return np.column_stack([scaled, -scaled @ [low, 128 * unit, 128 * unit]])


def to_bt709(primaries: str) -> NDArray[np.float64]:
    """Return (3, 3) what makes linear RGB of BT.709 of linear RGB of other primaries, both D65."""
    named = {"smpte431": "smpte432"}.get(primaries, primaries)
    if named not in PRIMARIES or named == "bt709":
        return np.eye(3)
    solved = np.linalg.solve(_to_xyz("bt709"), _to_xyz(named))
    return np.asarray(solved, np.float64)


def _to_xyz(primaries: str) -> NDArray[np.float64]:
    corners = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in PRIMARIES[primaries]]).T
    white = np.array([D65[0] / D65[1], 1.0, (1 - D65[0] - D65[1]) / D65[1]])
    made: NDArray[np.float64] = corners * np.linalg.solve(corners, white)
    return made
