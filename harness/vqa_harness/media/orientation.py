"""Turning pictures upright as the container's display matrix asks."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Chroma

ROTATED_CHROMA: dict[Chroma, Chroma] = {"422": "440", "440": "422"}


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to turn a picture: transpose first, then mirror.

    Attributes:
        transpose: swap rows and columns.
        flip_x: then mirror left and right.
        flip_y: then mirror top and bottom.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def identity(self) -> bool:
        """Whether the picture is upright already."""
        return not (self.transpose or self.flip_x or self.flip_y)

    @property
    def degrees(self) -> int:
        """The counter-clockwise rotation, 0 to 270; a mirror that remains is left to right."""
        if not self.transpose:
            return 180 if self.flip_y else 0
        return 90 if self.flip_y else 270

    @property
    def mirrored(self) -> bool:
        """Whether the picture is mirrored, so that no rotation alone does the same."""
        return (self.transpose + self.flip_x + self.flip_y) % 2 == 1

    def apply(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """A view of (H, W, ...) ``array``, turned."""
        if self.transpose:
            array = array.swapaxes(0, 1)
        if self.flip_x:
            array = array[:, ::-1]
        return array[::-1] if self.flip_y else array

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the turned picture."""
        return (height, width) if self.transpose else (width, height)

    def chroma(self, chroma: Chroma) -> Chroma:
        """The subsampling of the turned picture."""
        return ROTATED_CHROMA.get(chroma, chroma) if self.transpose else chroma


UPRIGHT = Orientation()


def from_matrix(data: bytes) -> Orientation | None:
    """The orientation in a 3x3 display matrix of nine native int32, as FFmpeg gives it.

    A point (x, y) is shown at (a x + c y, b x + d y), with a, b, c, d = m[0], m[1], m[3], m[4].
    Returns None where that is not a multiple of 90 degrees, or nonsense.
    """
    if len(data) < 36:
        return None
    a, b, _, c, d = struct.unpack("=5i", data[:20])
    if a and d and abs(a) == abs(d) and not (b or c):
        return Orientation(False, a < 0, d < 0)
    if b and c and abs(b) == abs(c) and not (a or d):
        return Orientation(True, c < 0, b < 0)
    return None


def from_degrees(degrees: int) -> Orientation | None:
    """The orientation that turns a picture counter-clockwise by a multiple of 90 degrees."""
    turns = {
        0: UPRIGHT,
        90: Orientation(True, False, True),
        180: Orientation(False, True, True),
        270: Orientation(True, True, False),
    }
    return turns.get(degrees % 360)
