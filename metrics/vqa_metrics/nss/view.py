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
from vqa_metrics.nss.buffers import Work
from vqa_metrics.nss.filter import Taps, join_coefficients, mscn, mscn_fast
from vqa_metrics.nss.fold import fold_strips
from vqa_metrics.nss.half import load_half
from vqa_metrics.nss.moments import SPANNING, add_sums, pair_counts, pair_sums
from vqa_metrics.nss.signs import BYTE, count_signs, pack_signs
from vqa_metrics.nss.tile import LANES, ORIGIN, PITCH, STRIP, TILE, load_full, pad, position

EDGE = 6
"""Columns measured again at a crop's edge: 3 differ by padding, 2 where the half image of the crop
ends, and they are filtered by twos."""
EDGE_ROWS = 8
"""The same for rows, a multiple of those that are filtered together."""

CHUNK = 48
"""Rows that go through all steps while they are in the first cache level, a multiple of `BYTE`."""

Range = tuple[int, int]


class View(NamedTuple):
    """A tile as one metric sees it; flags are 0 or 1.

    Attributes:
        number: 0 for BRISQUE, 1 for NIQE.
        rows: of the tile, rounded up to a multiple of `BYTE`.
        cols: of the tile, inside the frame or the crop.
        top: whether the tile is in the crop's first row of blocks.
        bottom: in its last.
        left: whether the tile begins at the left edge of the frame.
        right: whether it ends at the right edge of the frame or crop.
    """

    number: int
    rows: int
    cols: int
    top: int
    bottom: int
    left: int
    right: int


@part()
def changed(view: View) -> bool:
    """Whether the tile has to be measured, in part at least."""
    return view.number == 0 or view.top + view.bottom + view.left + view.right > 0


@part()
def load_view(
    luma: NDArray[np.uint8],
    size: Range,
    view: View,
    loaded: bool,
    step: int,
    corner: Range,
    work: Work,
) -> None:
    """Fill a pixel tile from the top left ``size`` (of the full image), and pad it for a view."""
    if not loaded:
        if step == 2:
            load_half(luma, size, corner, view.rows, work.words, work.x)
        else:
            load_full(luma, size, corner, view.rows, work.words, work.x)
    scaled = ((size[0] + step - 1) // step, (size[1] + step - 1) // step)
    pad(scaled, corner, view.rows, view.number == 1, work.x)


@part()
def _blank(work: Work, view: View, top: int, bottom: int, rows: int) -> int:
    """Zero what of some rows lies outside the frame, which then adds to nothing; how many."""
    inside = min(max(rows, top), bottom)
    for i in range((inside + 1) * PITCH, (bottom + 1) * PITCH):
        work.z[i] = 0
    for i in range(top + 1, inside + 1):
        for column in range(view.cols, TILE):
            work.z[i * PITCH + ORIGIN + position(column)] = 0
    return (bottom - top) * TILE - (inside - top) * view.cols


@part()
def _pack(work: Work, view: View, top: int, bottom: int, rows: int) -> Range:
    """Make new coefficients ready for counting.

    Returns:
        How many are rounding residue, and how many of those lie outside the frame.
    """
    blanks = _blank(work, view, top, bottom, rows)
    join_coefficients(work.z, top, bottom, work.before)
    flat = 0
    for row in range(top, bottom, BYTE):
        flat += pack_signs(work.bits, row, work.below, work.other, work.flat)
    return flat, blanks


@part()
def _clear(work: Work, places: Range) -> None:
    """Zero the column sums of some columns of every strip."""
    first, last = places[0] * LANES, places[1] * LANES
    for start in range(0, len(work.sums), TILE):
        work.sums[start + first : start + last] = 0
    for start in range(0, len(work.counts), TILE):
        work.counts[start + first : start + last] = 0


@part()
def _add_rows(work: Work, top: int, bottom: int, places: Range) -> None:
    """Add rows whose signs are packed to the column sums."""
    for row in range(top, bottom, BYTE):
        count_signs(work.below, work.other, row, places, work.counts)
    add_sums(work.z, top, bottom, places, work.sums)


@part()
def measure_frame(work: Work, view: View, taps: tuple[Taps, Taps], rows: int) -> int:
    """Compute the coefficients of a tile and set the sums of its strips, for view 0.

    Rows in which all is well above rounding residue are left as the faster window gives them.

    Returns:
        How many coefficients of the frame are rounding residue.
    """
    _clear(work, (0, STRIP))
    residue = 0
    for row in range(0, view.rows, CHUNK):
        stop = min(row + CHUNK, view.rows)
        mscn_fast(work.x, row, stop, 0, STRIP, taps, work.filtered, work.z)
        flat, blanks = _pack(work, view, row, stop, rows)
        if flat > blanks:
            mscn(work.x, row, stop, 0, STRIP, taps, work.filtered, work.z)
            flat, blanks = _pack(work, view, row, stop, rows)
        residue += flat - blanks
        _add_rows(work, row, stop, (0, STRIP))
    fold_strips(work.sums, work.counts, 0, work.pairs, work.inside)
    return residue


@part()
def _sum_again(work: Work, rows: int, places: Range) -> None:
    """Set the column sums of some columns of every strip."""
    _clear(work, places)
    _add_rows(work, 0, rows, places)


@part()
def measure_edges(work: Work, view: View, taps: tuple[Taps, Taps]) -> None:
    """Compute the coefficients anew that differ for view 1, and set the sums of the strips."""
    top, bottom = 0, view.rows
    if view.top == 1:
        top = EDGE_ROWS
        mscn(work.x, 0, top, 0, STRIP, taps, work.filtered, work.z)
    if view.bottom == 1:
        bottom = view.rows - EDGE_ROWS
        mscn(work.x, bottom, view.rows, 0, STRIP, taps, work.filtered, work.z)
    if view.left == 1:
        mscn(work.x, top, bottom, 0, EDGE, taps, work.filtered, work.z)
    if view.right == 1:
        mscn(work.x, top, bottom, STRIP - EDGE, STRIP, taps, work.filtered, work.z)
    join_coefficients(work.z, 0, view.rows, work.before)
    for row in range(0, view.rows, BYTE):
        pack_signs(work.bits, row, work.below, work.other, work.flat)
    if view.top + view.bottom > 0:
        _sum_again(work, view.rows, (0, STRIP))
    else:
        if view.left == 1:
            _sum_again(work, view.rows, (0, EDGE + 2))
        if view.right == 1:
            _sum_again(work, view.rows, (STRIP - EDGE, STRIP))
    fold_strips(work.sums, work.counts, 0, work.pairs, work.inside)


@part()
def measure_pair(work: Work, view: View, seam: NDArray[np.float32]) -> None:
    """Set the sums of pairs with the row above: of the tile above, or the blocks' own last."""
    start = PITCH + ORIGIN - LANES
    lower, last = work.z[start:], work.z[start + (view.rows - 1) * PITCH :]
    upper = seam if view.number == 0 else last
    pair_sums(upper, lower, work.pair_sums)
    pair_counts(upper, lower, work.pair_counts)
    fold_strips(work.pair_sums, work.pair_counts, SPANNING, work.pairs, work.across)
