"""One pass over one scale of a frame: all sums that NIQE and BRISQUE need, tile by tile.

The two metrics differ in what they see beyond the edges and in which pixels are neighbours, and in
nothing else. BRISQUE: the whole frame, zeros around it, neighbours wrap round the frame. NIQE: the
frame cropped to whole blocks, edge pixels repeated, neighbours wrap round each block. So
most of the work is done once for both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import Kernel, fingerprint, kernel, part
from vqa_metrics.nss.buffers import Work
from vqa_metrics.nss.filter import Taps
from vqa_metrics.nss.fold import add_block, add_frame, add_strips, finish
from vqa_metrics.nss.moments import fold_pairs
from vqa_metrics.nss.signs import BYTE
from vqa_metrics.nss.tile import BLOCK, LANES, ORIGIN, PITCH, STRIP, TILE, position
from vqa_metrics.nss.view import (
    View,
    changed,
    load_view,
    measure_edges,
    measure_frame,
    measure_pair,
)

ScaleSums = Kernel[
    [NDArray[np.uint8], bool, tuple[Taps, Taps], Work, NDArray[np.float64], NDArray[np.float64]],
    int,
]


@part()
def _fold_sides(work: Work, size: int, first: int, out: NDArray[np.float64]) -> None:
    """NIQE: add the pairs of a block's left and right column, rows wrapping round."""
    left, right = work.sides[0, : size + 1], work.sides[1, : size + 1]
    first, last = ORIGIN + position(first), ORIGIN + position(first + size - 1)
    for row in range(1, size + 1):
        left[row] = work.z[row * PITCH + first]
        right[row] = work.z[row * PITCH + last]
    left[0], right[0] = left[size], right[size]
    fold_pairs(left[1:], right[1:], out[1])
    fold_pairs(left[1:], right[:-1], out[3])
    fold_pairs(right[1:], left[:-1], out[4])


@part()
def _keep_edges(work: Work, corner: tuple[int, int], rows: int, cols: int) -> None:
    """BRISQUE: remember the outermost coefficients of the frame, and the tile's last ones."""
    r0, c0 = corner
    z = work.z
    height, width = work.columns.shape[1], work.rows.shape[1]
    seam, last = work.seams[c0 // TILE], z[rows * PITCH : (rows + 1) * PITCH]
    for i in range(PITCH):
        seam[i] = last[i]
    for column in range(cols):
        if r0 == 0:
            work.rows[0, c0 + column] = z[PITCH + ORIGIN + position(column)]
        if r0 + rows == height:
            work.rows[1, c0 + column] = z[rows * PITCH + ORIGIN + position(column)]
    for row in range(rows):
        start = (row + 1) * PITCH + ORIGIN
        if c0 == 0:
            work.columns[0, r0 + row] = z[start]
        if c0 + cols == width:
            work.columns[1, r0 + row] = z[start + position(cols - 1)]
        work.before[row] = z[start + TILE - 1]


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
def _add_frame(
    work: Work, view: View, taps: tuple[Taps, Taps], corner: tuple[int, int], rows: int
) -> int:
    """BRISQUE: add a tile to the frame; returns how many coefficients are rounding residue."""
    residue = measure_frame(work, view, taps, rows)
    measure_pair(work, view, work.seams[corner[1] // TILE, ORIGIN - LANES :])
    add_frame(work.inside, work.across, work.frame)
    _keep_edges(work, corner, rows, view.cols)
    return residue


@part()
def _add_blocks(
    work: Work, view: View, taps: tuple[Taps, Taps], block: int, blocks: NDArray[np.float64]
) -> None:
    """NIQE: add a tile to its blocks."""
    if changed(view):
        measure_edges(work, view, taps)
    measure_pair(work, view, work.z)
    for first in range(0, view.cols, block):
        out = blocks[first // block]
        strips = (first // STRIP, (first + block) // STRIP)
        add_block(work.inside, work.across, strips, out)
        finish(out)
        _fold_sides(work, block, first, out)


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
    work.frame[:] = 0
    work.seams[:] = 0
    for r0 in range(0, height, block):
        band = r0 // block
        rows = min(block, height - r0)
        filled = (rows + BYTE - 1) // BYTE * BYTE
        top, bottom = int(band == 0 and bands > 0), int(band == bands - 1)
        work.before[:] = 0
        for c0 in range(0, width, TILE):
            for number in range(2 if band < bands and c0 < crop_width else 1):
                limit = crop_width if number == 1 else width
                cols = min(TILE, limit - c0)
                left, right = int(c0 == 0), int(c0 + cols == limit)
                view = View(number, filled, cols, top, bottom, left, right)
                if changed(view):
                    size = crop if number == 1 else luma.shape
                    cut = (bottom == 1 and crop[0] < luma.shape[0]) or (
                        right == 1 and crop[1] < luma.shape[1]
                    )
                    loaded = number == 1 and not cut
                    load_view(luma, size, view, loaded, step, (r0, c0), work)
                if number == 0:
                    residue += _add_frame(work, view, taps, (r0, c0), rows)
                else:
                    _add_blocks(work, view, taps, block, blocks[band, c0 // block :])
    add_strips(work.frame, frame)
    finish(frame)
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


scale_sums = _compile(fingerprint(__name__))
