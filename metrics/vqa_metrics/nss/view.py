"""How NIQE and BRISQUE each see a tile, and the column sums of what they see.

View 0 is BRISQUE's: the whole frame, zeros around it. View 1 is NIQE's: the frame cropped to whole
blocks, edge pixels repeated. A tile is measured for view 0, and for view 1 only at the crop's
edges, where coefficients are computed again in those rows and columns that differ.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss.buffers import Buffers, ColumnSums
from vqa_metrics.nss.filter import Taps, join_coefficients, mscn, mscn_fast
from vqa_metrics.nss.fold import fold_strips
from vqa_metrics.nss.half import load_half
from vqa_metrics.nss.moments import SPANNING, add_sums, pair_counts, pair_sums
from vqa_metrics.nss.signs import BYTE, Signs, count_signs, pack_signs
from vqa_metrics.nss.tail import tail
from vqa_metrics.nss.tile import (
    LANES,
    ORIGIN,
    PITCH,
    STRIP,
    TILE,
    LoadScratch,
    column_offset,
    load_full,
    pad,
)

EDGE = 6
"""Columns of every strip measured again at a crop's edge.

The padding changes the last 3, the end of the cropped half image 2 more, and columns are filtered
by twos.
"""
EDGE_ROWS = 8
"""Rows measured again at a crop's edge: as many, rounded up to `filter.GROUP`."""

CHUNK = 48
"""Rows that go through all steps together, a multiple of `BYTE`.

Their coefficients (48 rows of 320 float32, 60 KiB) are read again for signs and sums while they are
in the first cache levels.
"""

Range = tuple[int, int]


class TileView(NamedTuple):
    """A tile as one metric sees it; flags are 0 or 1, because kernels add them.

    Attributes:
        number: 0 for BRISQUE, 1 for NIQE.
        rows: Rows of the tile, rounded up to a multiple of `BYTE`.
        cols: Columns of the tile that lie inside the frame or the crop.
        top: Whether the tile is in the crop's first row of blocks.
        bottom: Whether the tile is in the crop's last row of blocks.
        left: Whether the tile begins at the left edge of the frame.
        right: Whether the tile ends at the right edge of the frame or crop.
    """

    number: int
    rows: int
    cols: int
    top: int
    bottom: int
    left: int
    right: int


@part()
def zero(values: NDArray[np.floating] | NDArray[np.uint8], count: int) -> None:
    """Set the first ``count`` elements to zero."""
    for i in range(count):
        values[i] = 0


@part()
def needs_measuring(view: TileView) -> bool:
    """Whether the tile has to be measured, in part at least."""
    return view.number == 0 or view.top + view.bottom + view.left + view.right > 0


@part()
def load_view(
    luma: NDArray[np.uint8],
    pitch: int,
    size: Range,
    view: TileView,
    loaded: bool,
    step: int,
    corner: Range,
    scratch: LoadScratch,
    x: NDArray[np.float64],
) -> None:
    """Fill a pixel tile and pad it for a view.

    Args:
        luma: (H * W,) uint8, the full image.
        pitch: Its columns, W.
        size: Rows and columns of it, from the top left, that the view sees.
        view: Which metric, and which tile.
        loaded: Whether the pixels are there already, so that only the padding is made.
        step: 1 at full scale, 2 at half scale.
        corner: First row and column of the tile, at its scale.
        scratch: For the ordering of columns.
        x: (ROWS * PITCH,) float64, where the pixels go.
    """
    if not loaded:
        if step == 2:
            load_half(luma, pitch, size, corner, view.rows, scratch, x)
        else:
            load_full(luma, pitch, size, corner, view.rows, scratch, x)
    scaled = ((size[0] + step - 1) // step, (size[1] + step - 1) // step)
    pad(scaled, corner, view.rows, view.number == 1, x)


@part()
def _blank(z: NDArray[np.float32], view: TileView, top: int, bottom: int, rows: int) -> int:
    """Zero the coefficients outside the frame, so that they add to nothing; returns how many."""
    inside = min(max(rows, top), bottom)
    for i in range((inside + 1) * PITCH, (bottom + 1) * PITCH):
        z[i] = 0
    for i in range(top + 1, inside + 1):
        for column in range(view.cols, TILE):
            z[i * PITCH + ORIGIN + column_offset(column)] = 0
    return (bottom - top) * TILE - (inside - top) * view.cols


@part()
def _pack(
    z: NDArray[np.float32],
    before: NDArray[np.float32],
    signs: Signs,
    view: TileView,
    top: int,
    bottom: int,
    rows: int,
) -> Range:
    """Pack the signs of new coefficients, so that they can be counted.

    Returns:
        How many are rounding residue, and how many of those lie outside the frame.
    """
    blanks = _blank(z, view, top, bottom, rows)
    join_coefficients(z, top, bottom, before)
    flat = 0
    for row in range(top, bottom, BYTE):
        flat += pack_signs(signs, row)
    return flat, blanks


@part()
def _clear(columns: ColumnSums, strip_columns: Range) -> None:
    """Zero the column sums and counts of some columns of every strip."""
    first, count = strip_columns[0] * LANES, (strip_columns[1] - strip_columns[0]) * LANES
    for start in range(first, len(columns.sums), TILE):
        zero(tail(columns.sums, start), count)
    for start in range(first, len(columns.counts), TILE):
        zero(tail(columns.counts, start), count)


@part()
def _add_rows(
    z: NDArray[np.float32],
    signs: Signs,
    top: int,
    bottom: int,
    strip_columns: Range,
    columns: ColumnSums,
) -> None:
    """Add rows whose signs are packed to the column sums and counts."""
    for row in range(top, bottom, BYTE):
        count_signs(signs, row, strip_columns, columns.counts)
    add_sums(z, top, bottom, strip_columns, columns.sums)


@part()
def measure_frame(buffers: Buffers, view: TileView, taps: tuple[Taps, Taps], rows: int) -> int:
    """Compute the coefficients of a tile and set the sums of its strips, for view 0.

    The fast window goes first. Only where its result holds rounding residue, whose sign counts, are
    the rows filtered again in the releases' order.

    Returns:
        How many coefficients of the frame are rounding residue.
    """
    z, signs, before = buffers.z, buffers.signs, buffers.edges.before
    _clear(buffers.tile, (0, STRIP))
    residue = 0
    for row in range(0, view.rows, CHUNK):
        stop = min(row + CHUNK, view.rows)
        mscn_fast(buffers.x, row, stop, 0, STRIP, taps, buffers.filtered, z)
        flat, blanks = _pack(z, before, signs, view, row, stop, rows)
        if flat > blanks:
            mscn(buffers.x, row, stop, 0, STRIP, taps, buffers.filtered, z)
            flat, blanks = _pack(z, before, signs, view, row, stop, rows)
        residue += flat - blanks
        _add_rows(z, signs, row, stop, (0, STRIP), buffers.tile)
    fold_strips(buffers.tile.sums, buffers.tile.counts, 0, buffers.pairs, buffers.inside)
    return residue


@part()
def _sum_again(
    z: NDArray[np.float32], signs: Signs, rows: int, strip_columns: Range, columns: ColumnSums
) -> None:
    """Set the column sums and counts of some columns of every strip from the coefficients."""
    _clear(columns, strip_columns)
    _add_rows(z, signs, 0, rows, strip_columns, columns)


@part()
def measure_edges(buffers: Buffers, view: TileView, taps: tuple[Taps, Taps]) -> None:
    """Compute again the coefficients that differ for view 1, and set the sums of the strips."""
    top, bottom = 0, view.rows
    if view.top == 1:
        top = EDGE_ROWS
        mscn(buffers.x, 0, top, 0, STRIP, taps, buffers.filtered, buffers.z)
    if view.bottom == 1:
        bottom = view.rows - EDGE_ROWS
        mscn(buffers.x, bottom, view.rows, 0, STRIP, taps, buffers.filtered, buffers.z)
    if view.left == 1:
        mscn(buffers.x, top, bottom, 0, EDGE, taps, buffers.filtered, buffers.z)
    if view.right == 1:
        mscn(buffers.x, top, bottom, STRIP - EDGE, STRIP, taps, buffers.filtered, buffers.z)
    z, signs, columns = buffers.z, buffers.signs, buffers.tile
    join_coefficients(z, 0, view.rows, buffers.edges.before)
    for row in range(0, view.rows, BYTE):
        pack_signs(signs, row)
    if view.top + view.bottom > 0:
        _sum_again(z, signs, view.rows, (0, STRIP), columns)
    else:
        if view.left == 1:
            _sum_again(z, signs, view.rows, (0, EDGE + 2), columns)
        if view.right == 1:
            _sum_again(z, signs, view.rows, (STRIP - EDGE, STRIP), columns)
    fold_strips(columns.sums, columns.counts, 0, buffers.pairs, buffers.inside)


@part()
def measure_pair(
    z: NDArray[np.float32],
    seam: NDArray[np.float32],
    view: TileView,
    columns: ColumnSums,
    pairs: NDArray[np.float32],
    across: NDArray[np.float64],
) -> None:
    """Set the sums of pairs with the row above.

    For BRISQUE it is the last row of the tile above; for NIQE, where rows wrap round each block, it
    is the last row of this tile.
    """
    start = PITCH + ORIGIN - LANES
    lower, last = tail(z, start), tail(z, start + (view.rows - 1) * PITCH)
    upper = seam if view.number == 0 else last
    pair_sums(upper, lower, columns.sums)
    pair_counts(upper, lower, columns.counts)
    fold_strips(columns.sums, columns.counts, SPANNING, pairs, across)
