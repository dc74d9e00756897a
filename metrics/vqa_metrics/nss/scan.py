"""One pass over one scale of a frame: all sums that NIQE and BRISQUE need, tile by tile.

The two metrics differ in what they see beyond the edges and in which pixels are neighbours, and in
nothing else. BRISQUE: the whole frame, zeros around it, neighbours wrap round the frame. NIQE: the
frame cropped to whole blocks, edge pixels repeated, neighbours wrap round each block. So
most of the work is done once for both.

Tiles go from left to right, then down. What a later tile needs of an earlier one is copied before
its buffers are used again: the last column for the tile to the right (``buffers.before``), the last
row for the tile below (``buffers.seams``), and the outermost rows and columns for the pairs that
wrap round the frame (``buffers.rows``, ``buffers.columns``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import Kernel, fingerprint, kernel, part
from vqa_metrics.nss.buffers import Buffers
from vqa_metrics.nss.filter import Taps
from vqa_metrics.nss.fold import add_block, add_frame, add_strips, finish
from vqa_metrics.nss.moments import fold_pairs
from vqa_metrics.nss.signs import BYTE
from vqa_metrics.nss.tile import BLOCK, LANES, ORIGIN, PITCH, STRIP, TILE, column_offset
from vqa_metrics.nss.view import (
    TileView,
    load_view,
    measure_edges,
    measure_frame,
    measure_pair,
    needs_measuring,
)

ScaleSums = Kernel[
    [NDArray[np.uint8], bool, tuple[Taps, Taps], Buffers, NDArray[np.float64], NDArray[np.float64]],
    int,
]


@part()
def _fold_sides(buffers: Buffers, size: int, first: int, out: NDArray[np.float64]) -> None:
    """Add, for NIQE, the pairs of a block's left and right column; rows wrap round the block."""
    left, right = buffers.sides[0, : size + 1], buffers.sides[1, : size + 1]
    first, last = ORIGIN + column_offset(first), ORIGIN + column_offset(first + size - 1)
    for row in range(1, size + 1):
        left[row] = buffers.z[row * PITCH + first]
        right[row] = buffers.z[row * PITCH + last]
    left[0], right[0] = left[size], right[size]
    fold_pairs(left[1:], right[1:], out[1])
    fold_pairs(left[1:], right[:-1], out[3])
    fold_pairs(right[1:], left[:-1], out[4])


@part()
def _keep_edges(buffers: Buffers, corner: tuple[int, int], rows: int, cols: int) -> None:
    """Copy, for BRISQUE, the outermost coefficients of the frame and the last ones of the tile."""
    r0, c0 = corner
    z = buffers.z
    height, width = buffers.columns.shape[1], buffers.rows.shape[1]
    seam, last = buffers.seams[c0 // TILE], z[rows * PITCH : (rows + 1) * PITCH]
    for i in range(PITCH):
        seam[i] = last[i]
    for column in range(cols):
        if r0 == 0:
            buffers.rows[0, c0 + column] = z[PITCH + ORIGIN + column_offset(column)]
        if r0 + rows == height:
            buffers.rows[1, c0 + column] = z[rows * PITCH + ORIGIN + column_offset(column)]
    for row in range(rows):
        start = (row + 1) * PITCH + ORIGIN
        if c0 == 0:
            buffers.columns[0, r0 + row] = z[start]
        if c0 + cols == width:
            buffers.columns[1, r0 + row] = z[start + column_offset(cols - 1)]
        buffers.before[row] = z[start + TILE - 1]


@part()
def _fold_edges(buffers: Buffers, out: NDArray[np.float64]) -> None:
    """Add, for BRISQUE, the pairs that wrap round the frame."""
    top, bottom = buffers.rows[0], buffers.rows[1]
    left, right = buffers.columns[0], buffers.columns[1]
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
    buffers: Buffers, view: TileView, taps: tuple[Taps, Taps], corner: tuple[int, int], rows: int
) -> int:
    """Add a tile to the frame, for BRISQUE; returns how many coefficients are rounding residue."""
    residue = measure_frame(buffers, view, taps, rows)
    measure_pair(buffers, view, buffers.seams[corner[1] // TILE, ORIGIN - LANES :])
    add_frame(buffers.inside, buffers.across, buffers.frame)
    _keep_edges(buffers, corner, rows, view.cols)
    return residue


@part()
def _add_blocks(
    buffers: Buffers,
    view: TileView,
    taps: tuple[Taps, Taps],
    block: int,
    blocks: NDArray[np.float64],
) -> None:
    """Add a tile to its blocks, for NIQE."""
    if needs_measuring(view):
        measure_edges(buffers, view, taps)
    measure_pair(buffers, view, buffers.z)
    for first in range(0, view.cols, block):
        out = blocks[first // block]
        strips = (first // STRIP, (first + block) // STRIP)
        add_block(buffers.inside, buffers.across, strips, out)
        finish(out)
        _fold_sides(buffers, block, first, out)


@part()
def _scale_sums(
    luma: NDArray[np.uint8],
    half: bool,
    taps: tuple[Taps, Taps],
    buffers: Buffers,
    blocks: NDArray[np.float64],
    frame: NDArray[np.float64],
) -> int:
    """Do the work of `scale_sums`, which adds nothing but its place in the disk cache."""
    step = 2 if half else 1
    block = BLOCK // step
    height, width = buffers.columns.shape[1], buffers.rows.shape[1]
    bands, crop_width = blocks.shape[0], blocks.shape[1] * block
    crop = (bands * BLOCK, blocks.shape[1] * BLOCK)
    residue = 0
    buffers.frame[:] = 0
    buffers.seams[:] = 0
    for r0 in range(0, height, block):
        band = r0 // block
        rows = min(block, height - r0)
        filled = (rows + BYTE - 1) // BYTE * BYTE
        top, bottom = int(band == 0 and bands > 0), int(band == bands - 1)
        buffers.before[:] = 0
        for c0 in range(0, width, TILE):
            for number in range(2 if band < bands and c0 < crop_width else 1):
                limit = crop_width if number == 1 else width
                cols = min(TILE, limit - c0)
                left, right = int(c0 == 0), int(c0 + cols == limit)
                view = TileView(number, filled, cols, top, bottom, left, right)
                if needs_measuring(view):
                    size = crop if number == 1 else luma.shape
                    cut = (bottom == 1 and crop[0] < luma.shape[0]) or (
                        right == 1 and crop[1] < luma.shape[1]
                    )
                    # NIQE's pixels are BRISQUE's unless the crop cuts this tile; only the padding
                    # around them differs.
                    loaded = number == 1 and not cut
                    load_view(luma, size, view, loaded, step, (r0, c0), buffers)
                if number == 0:
                    residue += _add_frame(buffers, view, taps, (r0, c0), rows)
                else:
                    _add_blocks(buffers, view, taps, block, blocks[band, c0 // block :])
    add_strips(buffers.frame, frame)
    finish(frame)
    _fold_edges(buffers, frame)
    return residue


def _compile(source: int) -> ScaleSums:
    @kernel()
    def scale_sums(
        luma: NDArray[np.uint8],
        half: bool,
        taps: tuple[Taps, Taps],
        buffers: Buffers,
        blocks: NDArray[np.float64],
        frame: NDArray[np.float64],
    ) -> int:
        """Compute the sums of one scale, of coefficients times `SCALE`.

        Args:
            luma: (H, W) uint8, C-contiguous, writeable (so that one compiled version serves all).
            half: whether to measure the half image.
            taps: the window's 7 taps down the columns, and its 7 taps along the rows.
            buffers: from `new_buffers` for this scale.
            blocks: (H // 96, W // 96, KINDS, FIELDS), zeros; NIQE's sums are added.
            frame: (KINDS, FIELDS), zeros; BRISQUE's sums are added.

        Returns:
            How many coefficients of the frame are rounding residue.
        """
        # Never true. Numba's disk cache looks at this function and the values it closes over: so
        # the source of all kernels becomes part of the key, and a change of any compiles again.
        if source < 0:
            return -1
        return _scale_sums(luma, half, taps, buffers, blocks, frame)

    return scale_sums


scale_sums = _compile(fingerprint(__name__))
