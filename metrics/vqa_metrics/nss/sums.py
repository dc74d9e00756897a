"""Natural-scene statistics of a frame, shared by NIQE and BRISQUE.

Both metrics look at locally normalised luma (MSCN coefficients) and at products of neighbouring
coefficients, at full and at half scale. One pass gives the sums for both; see `scan`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import is_compiled
from vqa_metrics.nss.buffers import Buffers, new_buffers
from vqa_metrics.nss.filter import SCALE
from vqa_metrics.nss.moments import FIELDS, KINDS
from vqa_metrics.nss.params import window_taps
from vqa_metrics.nss.scan import scale_sums
from vqa_metrics.nss.tile import BLOCK

Array = NDArray[np.float64]


class _ThreadBuffers(threading.local):
    """The buffers of one thread by size (rows, columns), kept for its next frame.

    Frames are measured by several threads at once, so no two may share buffers.
    """

    def __init__(self) -> None:
        self.by_size: dict[tuple[int, int], Buffers] = {}


_thread_buffers = _ThreadBuffers()


@dataclass(frozen=True, slots=True)
class NssSums:
    """Sums over MSCN coefficients and their products, at full and half scale.

    The last two axes are (5 kinds, 5 fields): the coefficients, then products with the left, upper,
    upper left and upper right neighbour; sum of squares below zero, above zero, sum of magnitudes,
    samples below zero, above zero.

    Attributes:
        blocks: (2, rows, columns, 5, 5) float64, sums of each block of 96x96 pixels, for NIQE.
        frame: (2, 5, 5) float64, sums of the whole frame, for BRISQUE.
        samples: Pixels of the frame at full and at half scale.
        flat_fraction: Share of the frame's pixels, 0 to 1, whose 7x7 window is flat or a linear
            ramp. There the coefficients are rounding residue, and the scores depend on its sign.
    """

    blocks: Array
    frame: Array
    samples: tuple[int, int]
    flat_fraction: float


def _unscale() -> Array:
    """Factors (5 kinds, 5 fields) that undo `SCALE`: exact powers of two."""
    unit = np.array([SCALE, *[SCALE**2] * (KINDS - 1)])
    one = np.ones(KINDS)
    return 1.0 / np.stack([unit**2, unit**2, unit, one, one], axis=1)


def _buffers_for(size: tuple[int, int]) -> Buffers:
    """Buffers of this thread for one scale.

    Those of two sizes are kept, which are the two scales of one video.
    """
    by_size = _thread_buffers.by_size
    if size not in by_size:
        if len(by_size) > 1:
            by_size.clear()
        by_size[size] = new_buffers(*size)
    return by_size[size]


def _arguments(pixels: NDArray[np.uint8], scale: int, blocks: bool) -> tuple[Any, ...]:
    """The arguments of `scale_sums` for one scale of a frame; it fills the last two."""
    height, width = pixels.shape
    grid = (height // BLOCK, width // BLOCK) if blocks else (0, 0)
    size = ((height + 1) // 2, (width + 1) // 2) if scale else (height, width)
    sums = np.zeros((*grid, KINDS, FIELDS)), np.zeros((KINDS, FIELDS))
    return pixels.reshape(-1), (height, width), 1 + scale, window_taps(), _buffers_for(size), *sums


def nss_sums(luma: NDArray[np.uint8], *, blocks: bool = True) -> NssSums:
    """Measure the natural-scene statistics of a frame.

    Args:
        luma: (H, W) uint8, full range, in any memory layout.
        blocks: Whether to compute NIQE's sums as well; without them there are no blocks.

    Returns:
        The sums of both scales; ``blocks`` has no rows and columns if they were not asked for, or
        if the frame is smaller than a block.

    Raises:
        ValueError: The luma is not two-dimensional uint8, or it is empty.
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
    """Whether `nss_sums` can run without compiling, from memory or from the disk cache."""
    return is_compiled(scale_sums, *_arguments(np.zeros((BLOCK, BLOCK), np.uint8), 0, True))
