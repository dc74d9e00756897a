"""What is measured of each frame once, for all that looks at the picture."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.signatures import CELLS, LUMA, Signature, cell_means
from vqa_harness.frames import Frame, Plane
from vqa_harness.qc.events import time_of

BLACK = 0.1
"""Share of the way from black to white up to which a sample is black (FFmpeg's blackdetect)."""
_TOP = CELLS // 100
"""Cells whose change counts: the hundredth that changed most."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What one frame shows.

    Attributes:
        index: of the frame, in display order.
        time: of the frame, in seconds.
        cells: (2304,) float32 mean luma of each cell, in levels of 8-bit full range from black on.
        change: mean difference from the frame before of the hundredth of the cells that changed
            most, in the same levels; None for the first frame, or where the size changed.
        black: share of the luma samples that are black, 0 to 1.
        outside: largest share of a plane's samples that lie outside the legal range, 0 to 1; None
            for full range and RGB, where every value is legal.
    """

    index: int
    time: Fraction
    cells: Signature
    change: float | None
    black: float
    outside: float | None


class Measurer:
    """Measures frames that come one after another."""

    def __init__(self) -> None:
        self._last: tuple[Signature, tuple[int, int]] | None = None

    def measure(self, frame: Frame) -> Measures:
        """The measures of the next frame."""
        full = frame.colour.full_range or frame.chroma == "rgb"
        cells = cell_means(frame)
        if not full:
            cells = cells - np.float32(16 * 255 / 219)
        size = frame.width, frame.height
        change = None
        if self._last is not None and self._last[1] == size:
            change = largest_change(self._last[0], cells)
        self._last = cells, size
        outside = None if full else max(map(_outside, frame.planes, range(3), [frame.depth] * 3))
        black = _share_up_to(_luma(frame), _black_level(frame.depth, full=full))
        return Measures(frame.index, time_of(frame), cells, change, black, outside)


def largest_change(one: Signature, two: Signature) -> float:
    """The mean difference of the hundredth of the cells that differ most."""
    ranked = np.partition(np.abs(one - two), CELLS - _TOP)
    return float(np.mean(ranked[CELLS - _TOP :]))


def _luma(frame: Frame) -> NDArray[Any]:
    if frame.chroma != "rgb":
        return frame.planes[0]
    weighted = [np.float32(w) * plane for w, plane in zip(LUMA, frame.planes, strict=True)]
    return np.asarray(sum(weighted))


def _black_level(depth: int, *, full: bool) -> float:
    """The highest code value that is black."""
    level = BLACK * 255 if full else 16 + BLACK * 219
    return level * float(2 ** (depth - 8))


def _share_up_to(plane: NDArray[Any], level: float) -> float:
    # comparing whole numbers with a float would convert every sample
    bound = plane.dtype.type(level) if plane.dtype.kind == "u" else level
    return float(np.count_nonzero(plane <= bound) / plane.size)


def _outside(plane: Plane, number: int, depth: int) -> float:
    """The share of a limited-range plane outside 16 to 235, or 16 to 240 for chroma."""
    step, kind = 2 ** (depth - 8), plane.dtype.type
    span = (240 if number else 235) * step - 16 * step
    above_low = plane - kind(16 * step)  # wraps below, so that one comparison finds both sides
    return float(np.count_nonzero(above_low > kind(span)) / plane.size)
