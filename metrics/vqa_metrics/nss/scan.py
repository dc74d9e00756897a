"""One pass over one scale of a frame: all sums that NIQE and BRISQUE need, tile by tile.

The two metrics differ in what they see beyond the edges and in which pixels are neighbours, and in
nothing else. BRISQUE: the whole frame, zeros around it, neighbours wrap round the frame. NIQE: the
frame cropped to whole blocks, edge pixels repeated, neighbours wrap round each block. So
most of the work is done once for both.

Tiles go from left to right, then down. What a later tile needs of an earlier one is copied before
its buffers are used again: the last column for the tile to the right (``edges.before``), the last
row for the tile below (``edges.seams``), and the outermost rows and columns for the pairs that
wrap round the frame (``edges.rows``, ``edges.columns``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import kernel, part
from vqa_metrics.nss.buffers import Buffers, Edges
from vqa_metrics.nss.filter import Taps
from vqa_metrics.nss.fold import add_block, add_frame, add_strips, finish
from vqa_metrics.nss.moments import fold_pairs
from vqa_metrics.nss.signs import BYTE
from vqa_metrics.nss.tail import tail
from vqa_metrics.nss.tile import BLOCK, LANES, ORIGIN, PITCH, STRIP, TILE, column_offset
from vqa_metrics.nss.view import (
    TileView,
    load_view,
    measure_edges,
    measure_frame,
    measure_pair,
    needs_measuring,
    zero,
)


@part()
def _fold_sides(
    z: NDArray[np.float32],
    sides: NDArray[np.float32],
    size: int,
    first: int,
    out: NDArray[np.float64],
) -> None:
    """Add, for NIQE, the pairs of a block's left and right column; rows wrap round the block."""
    left, right = sides, tail(sides, BLOCK + 1)
    start, last = ORIGIN + column_offset(first), ORIGIN + column_offset(first + size - 1)
    for row in range(1, size + 1):
        left[row] = z[row * PITCH + start]
        right[row] = z[row * PITCH + last]
    left[0], right[0] = left[size], right[size]
    fold_pairs(tail(left, 1), tail(right, 1), size, 1, out)
    fold_pairs(tail(left, 1), right, size, 3, out)
    fold_pairs(tail(right, 1), left, size, 4, out)


@part()
def _keep_edges(
    z: NDArray[np.float32],
    edges: Edges,
    size: tuple[int, int],
    corner: tuple[int, int],
    rows: int,
    cols: int,
) -> None:
    """Copy, for BRISQUE, the outermost coefficients of the frame and the last ones of the tile."""
    r0, c0 = corner
    height, width = size
    seam, last = tail(edges.seams, c0 // TILE * PITCH), tail(z, rows * PITCH)
    for i in range(PITCH):
        seam[i] = last[i]
    for column in range(cols):
        if r0 == 0:
            edges.rows[c0 + column] = z[PITCH + ORIGIN + column_offset(column)]
        if r0 + rows == height:
            edges.rows[width + c0 + column] = last[ORIGIN + column_offset(column)]
    for row in range(rows):
        start = (row + 1) * PITCH + ORIGIN
        if c0 == 0:
            edges.columns[r0 + row] = z[start]
        if c0 + cols == width:
            edges.columns[height + r0 + row] = z[start + column_offset(cols - 1)]
        edges.before[row] = z[start + TILE - 1]


@part()
def _fold_edges(edges: Edges, size: tuple[int, int], out: NDArray[np.float64]) -> None:
    """Add, for BRISQUE, the pairs that wrap round the frame."""
    height, width = size
    top, bottom = edges.rows, tail(edges.rows, width)
    left, right = edges.columns, tail(edges.columns, height)
    fold_pairs(top, bottom, width, 2, out)
    fold_pairs(tail(top, 1), bottom, width - 1, 3, out)
    fold_pairs(top, tail(bottom, 1), width - 1, 4, out)
    fold_pairs(left, right, height, 1, out)
    fold_pairs(tail(left, 1), right, height - 1, 3, out)
    fold_pairs(tail(right, 1), left, height - 1, 4, out)
    fold_pairs(left, tail(right, height - 1), 1, 3, out)
    fold_pairs(right, tail(left, height - 1), 1, 4, out)


@part()
def _add_frame(
    buffers: Buffers,
    view: TileView,
    taps: tuple[Taps, Taps],
    size: tuple[int, int],
    corner: tuple[int, int],
    rows: int,
) -> int:
    """Add a tile to the frame, for BRISQUE; returns how many coefficients are rounding residue."""
    z, edges = buffers.z, buffers.edges
    residue = measure_frame(buffers, view, taps, rows)
    above = tail(edges.seams, corner[1] // TILE * PITCH + ORIGIN - LANES)
    measure_pair(z, above, view, buffers.seam, buffers.pairs, buffers.across)
    add_frame(buffers.inside, buffers.across, buffers.frame)
    _keep_edges(z, edges, size, corner, rows, view.cols)
    return residue


@part()
def _add_blocks(
    buffers: Buffers,
    view: TileView,
    taps: tuple[Taps, Taps],
    block: int,
    corner: tuple[int, int],
    blocks: NDArray[np.float64],
) -> None:
    """Add a tile to its blocks, for NIQE."""
    z = buffers.z
    if needs_measuring(view):
        measure_edges(buffers, view, taps)
    measure_pair(z, z, view, buffers.seam, buffers.pairs, buffers.across)
    for first in range(0, view.cols, block):
        out = blocks[corner[0] // block, (corner[1] + first) // block]
        strips = (first // STRIP, (first + block) // STRIP)
        add_block(buffers.inside, buffers.across, strips, out)
        finish(out)
        _fold_sides(z, buffers.sides, block, first, out)


@kernel(_nrt=False)
def scale_sums(
    luma: NDArray[np.uint8],
    size: tuple[int, int],
    step: int,
    taps: tuple[Taps, Taps],
    buffers: Buffers,
    blocks: NDArray[np.float64],
    frame: NDArray[np.float64],
) -> int:
    """Compute the sums of one scale, of coefficients times `SCALE`.

    Args:
        luma: (H * W,) uint8, writeable (so that one compiled version serves all).
        size: H and W.
        step: 1 to measure the image, 2 to measure the half image.
        taps: the window's 7 taps down the columns, and its 7 taps along the rows.
        buffers: from `new_buffers` for this scale.
        blocks: (H // 96, W // 96, KINDS, FIELDS), zeros; NIQE's sums are added.
        frame: (KINDS, FIELDS), zeros; BRISQUE's sums are added.

    Returns:
        How many coefficients of the frame are rounding residue.
    """
    block = BLOCK // step
    height, width = (size[0] + step - 1) // step, (size[1] + step - 1) // step
    bands, crop_width = blocks.shape[0], blocks.shape[1] * block
    crop = (bands * BLOCK, blocks.shape[1] * BLOCK)
    scratch, x = buffers.scratch, buffers.x
    residue = 0
    zero(buffers.frame, len(buffers.frame))
    zero(buffers.edges.seams, len(buffers.edges.seams))
    for r0 in range(0, height, block):
        band = r0 // block
        rows = min(block, height - r0)
        filled = (rows + BYTE - 1) // BYTE * BYTE
        top, bottom = int(band == 0 and bands > 0), int(band == bands - 1)
        zero(buffers.edges.before, len(buffers.edges.before))
        for c0 in range(0, width, TILE):
            for number in range(2 if band < bands and c0 < crop_width else 1):
                limit = crop_width if number == 1 else width
                cols = min(TILE, limit - c0)
                left, right = int(c0 == 0), int(c0 + cols == limit)
                view = TileView(number, filled, cols, top, bottom, left, right)
                if needs_measuring(view):
                    seen = crop if number == 1 else size
                    cut = (bottom == 1 and crop[0] < size[0]) or (right == 1 and crop[1] < size[1])
                    # NIQE's pixels are BRISQUE's unless the crop cuts this tile; only the padding
                    # around them differs.
                    loaded = number == 1 and not cut
                    load_view(luma, size[1], seen, view, loaded, step, (r0, c0), scratch, x)
                if number == 0:
                    residue += _add_frame(buffers, view, taps, (height, width), (r0, c0), rows)
                else:
                    _add_blocks(buffers, view, taps, block, (r0, c0), blocks)
    add_strips(buffers.frame, frame)
    finish(frame)
    _fold_edges(buffers.edges, (height, width), frame)
    return residue
