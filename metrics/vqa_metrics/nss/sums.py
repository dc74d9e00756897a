"""Natural-scene statistics of a frame, shared by NIQE and BRISQUE.

Both metrics look at locally normalised luma (MSCN coefficients) and at products of neighbouring
coefficients, at full and at half scale. One pass gives the sums for both; see `nss_pass`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import is_compiled
from vqa_metrics.nss.buffers import Work, new_work
from vqa_metrics.nss.filter import SCALE
from vqa_metrics.nss.moments import FIELDS, KINDS
from vqa_metrics.nss.params import window_taps
from vqa_metrics.nss.scan import scale_sums
from vqa_metrics.nss.tile import BLOCK

Array = NDArray[np.float64]


class _Kept(threading.local):
    """Arrays of a thread by size, for the next frame: new memory is slow to touch first."""

    def __init__(self) -> None:
        self.works: dict[tuple[int, int], Work] = {}


_kept = _Kept()


@dataclass(frozen=True, slots=True)
class NssSums:
    """Sums over MSCN coefficients and their products, at full and half scale.

    The last two axes are (5 kinds, 5 fields): the coefficients, then products with the left, upper,
    upper left and upper right neighbour; sum of squares below zero, above zero, sum of magnitudes,
    samples below zero, above zero.

    Attributes:
        blocks: (2, rows, columns, 5, 5) float64 per block of 96x96 pixels; NIQE.
        frame: (2, 5, 5) float64 of the whole frame; BRISQUE.
        samples: pixels of the frame at either scale.
        flat_fraction: share of the frame's pixels, 0 to 1, whose 7x7 window is flat or a linear
            ramp. There the coefficients are rounding residue, and the scores depend on its sign.
    """

    blocks: Array
    frame: Array
    samples: tuple[int, int]
    flat_fraction: float


def _unscale() -> Array:
    """What undoes `SCALE`, exact powers of two, by kind and field."""
    unit = np.array([SCALE, *[SCALE**2] * (KINDS - 1)])
    one = np.ones(KINDS)
    return 1.0 / np.stack([unit**2, unit**2, unit, one, one], axis=1)


def _work(size: tuple[int, int]) -> Work:
    """Arrays of this thread for one scale; those of both scales of the last size are kept."""
    works = _kept.works
    if size not in works:
        if len(works) > 1:
            works.clear()
        works[size] = new_work(*size)
    return works[size]


def _arguments(pixels: NDArray[np.uint8], scale: int, blocks: bool) -> tuple[Any, ...]:
    """What `scale_sums` takes for one scale of a frame; the last two are filled by it."""
    height, width = pixels.shape
    grid = (height // BLOCK, width // BLOCK) if blocks else (0, 0)
    size = ((height + 1) // 2, (width + 1) // 2) if scale else (height, width)
    sums = np.zeros((*grid, KINDS, FIELDS)), np.zeros((KINDS, FIELDS))
    return pixels, scale == 1, window_taps(), _work(size), *sums


def nss_sums(luma: NDArray[np.uint8], *, blocks: bool = True) -> NssSums:
    """Measure a frame.

    Args:
        luma: (H, W) uint8, full range, any layout.
        blocks: whether NIQE's sums are wanted as well; there are no blocks otherwise.

    Raises:
        ValueError: not two-dimensional uint8, or empty.
    """
    if luma.ndim != 2 or luma.dtype != np.uint8 or not luma.size:
        raise ValueError(
            f"luma must be a non-empty (H, W) uint8 array, not {luma.dtype} {luma.shape}"
        )
    pixels = np.require(luma, requirements=("C", "W"))
    scales = [_arguments(pixels, scale, blocks) for scale in range(2)]
    residue = [scale_sums(*arguments) for arguments in scales]
    height, width = pixels.shape
    return NssSums(
        blocks=np.stack([arguments[-2] for arguments in scales]) * _unscale(),
        frame=np.stack([arguments[-1] for arguments in scales]) * _unscale(),
        samples=(height * width, ((height + 1) // 2) * ((width + 1) // 2)),
        flat_fraction=residue[0] / (height * width),
    )


def sums_compiled() -> bool:
    """Whether `nss_sums` can run at once, from memory or from the disk cache."""
    return is_compiled(scale_sums, *_arguments(np.zeros((BLOCK, BLOCK), np.uint8), 0, True))
