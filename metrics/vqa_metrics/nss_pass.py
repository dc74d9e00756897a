"""One pass over one scale of a frame: all sums that NIQE and BRISQUE need, tile by tile.

The two metrics differ in what they see beyond the edges and in which pixels are neighbours, and in
nothing else. BRISQUE: the whole frame, zeros around it, neighbours wrap round the frame. NIQE: the
frame cropped to whole blocks, edge pixels repeated, neighbours wrap round each block. So
most of the work is done once for both.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import fingerprint, kernel, part
from vqa_metrics.nss_filter import Taps
from vqa_metrics.nss_moments import KINDS, STEP, fold_columns, fold_pairs
from vqa_metrics.nss_tile import BLOCK, HALO, PITCH, TILE
from vqa_metrics.nss_view import (
    View,
    blank,
    changed,
    count_flat,
    load_view,
    place_pair,
    set_coefficients,
    set_sums,
)
from vqa_metrics.nss_work import Work

ScaleSums = Callable[
    [NDArray[np.uint8], bool, tuple[Taps, Taps], Work, NDArray[np.float64], NDArray[np.float64]],
    int,
]


@part()
def _fold(work: Work, number: int, size: int, first: int, out: NDArray[np.float64]) -> None:
    """Add the sums of a span of columns; for NIQE without pairs that leave the block."""
    for kind in range(KINDS):
        start = first + (number if kind in (1, 3) else 0)
        stop = first + size - (number if kind == 4 else 0)
        fold_columns(work.total_sums, work.total_counts, kind, start, stop, out)


@part()
def _fold_sides(work: Work, size: int, first: int, out: NDArray[np.float64]) -> None:
    """NIQE: add the pairs of a block's left and right column, rows wrapping round."""
    left, right = work.sides[0, : size + 1], work.sides[1, : size + 1]
    for row in range(1, size + 1):
        left[row] = work.z[row * PITCH + HALO + first]
        right[row] = work.z[row * PITCH + HALO + first + size - 1]
    left[0], right[0] = left[size], right[size]
    fold_pairs(left[1:], right[1:], out[1])
    fold_pairs(left[1:], right[:-1], out[3])
    fold_pairs(right[1:], left[:-1], out[4])


@part()
def _keep_edges(work: Work, band: int, corner: tuple[int, int], rows: int, cols: int) -> None:
    """BRISQUE: remember the outermost coefficients of the frame, and the tile's last row."""
    r0, c0 = corner
    z = work.z
    last = rows * PITCH + HALO
    for c in range(cols):
        work.seams[1 - band % 2, c0 + c + 1] = z[last + c]
        work.rows[1, c0 + c] = z[last + c]
        if r0 == 0:
            work.rows[0, c0 + c] = z[PITCH + HALO + c]
    for row in range(rows):
        if c0 == 0:
            work.columns[0, r0 + row] = z[(row + 1) * PITCH + HALO]
        work.columns[1, r0 + row] = z[(row + 1) * PITCH + HALO + cols - 1]


@part()
def _fold_edges(work: Work, out: NDArray[np.float64]) -> None:
    """BRISQUE: add the pairs that wrap round the frame."""
    top, bottom = work.rows[0], work.rows[1]
    left, right = work.columns[0], work.columns[1]
    fold_pairs(top, bottom, out[2])
    fold_pairs(top[1:], bottom[:-1], out[3])
    fold_pairs(top[:-1], bottom[1:], out[4])
    fold_pairs(left, right, out[1])
    fold_pairs(left[1:], right[:-1], out[3])
    fold_pairs(right[1:], left[:-1], out[4])
    fold_pairs(left[:1], right[-1:], out[3])
    fold_pairs(right[:1], left[-1:], out[4])


@part()
def _fold_tile(
    work: Work, view: View, block: int, frame: NDArray[np.float64], blocks: NDArray[np.float64]
) -> None:
    """Add a tile's column sums to the frame's, or to those of its blocks."""
    if view.number == 0:
        _fold(work, view.number, view.cols, 0, frame)
    for first in range(0, view.cols * view.number, block):
        _fold(work, view.number, block, first, blocks[first // block])
        _fold_sides(work, block, first, blocks[first // block])


@part()
def _scale_sums(
    luma: NDArray[np.uint8],
    half: bool,
    taps: tuple[Taps, Taps],
    work: Work,
    blocks: NDArray[np.float64],
    frame: NDArray[np.float64],
) -> int:
    """See `scale_sums`."""
    step = 2 if half else 1
    block = BLOCK // step
    height, width = work.columns.shape[1], work.rows.shape[1]
    bands, crop_width = blocks.shape[0], blocks.shape[1] * block
    crop = (bands * BLOCK, blocks.shape[1] * BLOCK)
    residue = 0
    for r0 in range(0, height, block):
        band = r0 // block
        rows = min(block, height - r0)
        filled = (rows + STEP - 1) // STEP * STEP
        top, bottom = int(band == 0 and bands > 0), int(band == bands - 1)
        groups = 3 if top + bottom > 0 else 1
        for c0 in range(0, width, TILE):
            for number in range(2 if band < bands and c0 < crop_width else 1):
                limit = crop_width if number == 1 else width
                cols = min(TILE, limit - c0)
                left, right = int(c0 == 0), int(c0 + cols == limit)
                view = View(number, filled, cols, groups, top, bottom, left, right)
                if changed(view):
                    size = crop if number == 1 else luma.shape
                    cut = (bottom == 1 and crop[0] < luma.shape[0]) or (
                        right == 1 and crop[1] < luma.shape[1]
                    )
                    loaded = number == 1 and not cut
                    load_view(luma, size, number, loaded, step, (r0, c0), work.x)
                    set_coefficients(work, view, taps)
                if number == 0:
                    blank(work, view, rows)
                    residue += count_flat(work.z, rows, cols, work.flat)
                    _keep_edges(work, band, (r0, c0), rows, cols)
                place_pair(work, view, work.seams[band % 2, c0:])
                set_sums(work, view)
                _fold_tile(work, view, block, frame, blocks[min(band, bands - 1), c0 // block :])
    _fold_edges(work, frame)
    return residue


def _compile(source: int) -> ScaleSums:
    @kernel()
    def scale_sums(
        luma: NDArray[np.uint8],
        half: bool,
        taps: tuple[Taps, Taps],
        work: Work,
        blocks: NDArray[np.float64],
        frame: NDArray[np.float64],
    ) -> int:
        """Sums of one scale, coefficients times `SCALE`.

        Args:
            luma: (H, W) uint8, C-contiguous, writeable (so that one compiled version serves all).
            half: whether to measure the half image.
            taps: the window's 7 taps down the columns, and its 7 taps along the rows.
            work: from `new_work` for this scale.
            blocks: (H // 96, W // 96, KINDS, FIELDS), zeros; NIQE's sums are added.
            frame: (KINDS, FIELDS), zeros; BRISQUE's sums are added.

        Returns:
            How many coefficients of the frame are rounding residue.
        """
        if source < 0:  # never: it makes the kernels' source part of the key in the disk cache
            return -1
        return _scale_sums(luma, half, taps, work, blocks, frame)

    return scale_sums


scale_sums = _compile(fingerprint())
