"""A frame as what the kernels take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from vqa_harness.frames import ColourInfo, Frame
from vqa_harness.media.pixels import FACTORS
from vqa_harness.protocols import RunInfo
from vqa_metrics.light.conversion import conversion
from vqa_metrics.light.kernels import Codes
from vqa_metrics.light.transfer import curve_of
from vqa_metrics.reference import packed

SMALLEST = 8
"""Fewest rows or columns; figures of smaller pictures libjxl refuses or calls nonsensical."""
_RGB = ColourInfo(full_range=True, matrix="rgb")


class Light:
    """How the frames of a run become linear light.

    Args:
        transfer: a curve for standard dynamic range, see `transfer.curve_of`; ``auto`` for what
            the video is tagged with.

    Attributes:
        curves: names of the curves taken so far.
        assumed: whether a frame did not say its curve.
    """

    def __init__(self, transfer: str = "auto") -> None:
        self.curves: set[str] = set()
        self.assumed = False
        self._chosen = transfer
        self._still = False

    def open(self, run: RunInfo) -> None:
        """Learn whether the reference is a still image, which untagged is taken as sRGB."""
        self._still = (run.reference or run.distorted).still

    def pair(self, frame: Frame, ref: Frame) -> tuple[Codes, Codes]:
        """Return the planes of the reference and of the distorted frame with what makes light.

        Two RGB pictures of 8 bits are taken as they are, and not as the YCbCr made of them.
        """
        rgb = frame.rgb_depth > 0 and ref.rgb_depth > 0
        exact = rgb and frame.rgb_depth == ref.rgb_depth == 8
        made = [self._codes(one, graphics=rgb or self._still, exact=exact) for one in (ref, frame)]
        return made[0], made[1]

    def _codes(self, frame: Frame, *, graphics: bool, exact: bool) -> Codes:
        """Return a frame's planes; a gray one has no chroma."""
        curve = curve_of(frame.colour, self._chosen, graphics=graphics)
        self.curves.add(curve)
        self.assumed |= frame.colour.transfer == "unknown"
        if exact:
            red, green, blue = (np.ascontiguousarray(frame.rgb[..., c]) for c in range(3))
            made = conversion(_RGB, 8, curve)
            return Codes(packed(red), packed(green), packed(blue), 1, 1, made)
        gray = frame.chroma == "gray"
        planes = [packed(plane) for plane in frame.planes] * (3 if gray else 1)
        across, down = FACTORS.get(frame.chroma, (1, 1))
        made = conversion(frame.colour, frame.depth, curve, gray=gray)
        return Codes(planes[0], planes[1], planes[2], across, down, made)

    def info(self) -> Mapping[str, Any]:
        """Return what a metric says of its light in the log."""
        return {"transfer": sorted(self.curves), "transfer_assumed": self.assumed}


def size_of(method: str, reference: Codes, distorted: Codes) -> tuple[int, int]:
    """Return rows and columns of two pictures that are to be compared.

    Args:
        method: What compares them, for the message.
        reference: The reference.
        distorted: The other picture.

    Raises:
        ValueError: The sizes differ, or a side has fewer than 8 pixels.
    """
    height, width = reference.first.shape
    if distorted.first.shape != reference.first.shape:
        raise ValueError(
            f"pictures differ in size: {reference.first.shape} and {distorted.first.shape}"
        )
    if min(height, width) < SMALLEST:
        raise ValueError(f"{method} needs 8 rows and columns, the picture has {height, width}")
    return height, width


def blank_codes(side: int, dtype: DTypeLike) -> Codes:
    """Return a square black picture, which kernels are compiled with.

    Args:
        side: rows and columns.
        dtype: uint8 or uint16.
    """
    plane = packed(np.zeros((side, side), dtype))
    colour = ColourInfo(full_range=False, matrix="bt709")
    return Codes(plane, plane, plane, 1, 1, conversion(colour, 8, "bt1886"))
