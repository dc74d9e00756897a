"""How NIQE and BRISQUE each see a tile, and the column sums of what they see.

View 0 is BRISQUE's: the whole frame, zeros around it. View 1 is NIQE's: the frame cropped to whole
blocks, edge pixels repeated. A tile is measured for view 0, and for view 1 only in those rows and
columns at the crop's edges that differ. Two rows are placed below the tile: what the metric has
above the tile's first row (the tile above, or the blocks' own last row), and that first row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.nss_filter import SCALE, Taps, mscn
from vqa_metrics.nss_moments import COUNTS, PAIR, STEP, SUMS, add_counts, add_sums, signs
from vqa_metrics.nss_tile import BLOCK, HALO, PITCH, TILE, load_full, load_half, pad
from vqa_metrics.nss_work import Work

EDGE = 8
"""Rows and columns measured again at a crop's edge: 3 differ by padding, 5 where the half image of
the crop ends, and their neighbours; a multiple of the row steps of all kernels."""
RESIDUE = np.float32(SCALE * 2.0**-30)
"""Coefficients below this are rounding residue: the window is flat or a linear ramp."""

_SPANNING = 2
"""First of the kinds whose pairs span two rows."""

Range = tuple[int, int]


class View(NamedTuple):
    """A tile as one metric sees it; flags are 0 or 1.

    Attributes:
        number: 0 for BRISQUE, 1 for NIQE.
        rows: of the tile, rounded up to a multiple of `STEP`.
        cols: of the tile, inside the frame or the crop.
        groups: 3 (first rows, middle, last rows) where rows differ between the views, else 1.
        top: whether the tile is in the crop's first row of blocks.
        bottom: in its last.
        left: whether the tile begins at the left edge of the frame.
        right: whether it ends at the right edge of the frame or crop.
    """

    number: int
    rows: int
    cols: int
    groups: int
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
    number: int,
    loaded: bool,
    step: int,
    corner: Range,
    x: NDArray[np.float64],
) -> None:
    """Fill a pixel tile from the top left ``size`` (of the full image), and pad it for a view."""
    height, width = size
    r0, c0 = corner
    rows = BLOCK // step
    if not loaded:
        if step == 2:
            load_half(luma, height, width, r0, c0, rows, x)
        else:
            load_full(luma, height, width, r0, c0, rows, x)
    pad((height + step - 1) // step, (width + step - 1) // step, r0, c0, rows, number == 1, x)


@part()
def _span(view: View, group: int) -> Range:
    """Rows of a group: all, or first rows, middle, last rows; or the second of two rows below."""
    first, last = 0, view.rows
    if group == PAIR:
        first, last = view.rows + 1, view.rows + 1 + STEP
    elif view.groups > 1:
        first = (0, EDGE, view.rows - EDGE)[group]
        last = (EDGE, view.rows - EDGE, view.rows)[group]
    return first, last


@part()
def _part(view: View, group: int, side: int) -> Range:
    """Columns of a group to measure: all at once, or those at the ends; none if first is last."""
    first, last = 0, 0
    whole = view.number == 0 or group == PAIR
    whole = whole or (view.top == 1 and group == 0) or (view.bottom == 1 and group == 2)
    if whole:
        last = view.cols if side == 0 else 0
    elif side == 0 and view.left == 1:
        last = EDGE
    elif side == 1 and view.right == 1:
        first, last = view.cols - EDGE, view.cols
    return first, last


@part()
def set_coefficients(work: Work, view: View, taps: tuple[Taps, Taps]) -> None:
    """Compute the coefficients that differ from the last view."""
    for group in range(view.groups):
        top, bottom = _span(view, group)
        for side in range(2):
            left, right = _part(view, group, side)
            if left < right:
                mscn(work.x, top, bottom, left - 1, right + 1, taps, work.filtered, work.z)


@part()
def blank(work: Work, view: View, rows: int) -> None:
    """Zero the coefficients outside the frame, which then add to no sum and no count."""
    for i in range((rows + 1) * PITCH, (view.rows + 1) * PITCH):
        work.z[i] = 0
    for row in range(1, view.rows + 1):
        if view.left == 1:
            work.z[row * PITCH + HALO - 1] = 0
        if view.right == 1:
            work.z[row * PITCH + HALO + view.cols] = 0


@part()
def count_flat(z: NDArray[np.float32], rows: int, cols: int, flat: NDArray[np.uint8]) -> int:
    """Coefficients of a tile that are nothing but rounding residue."""
    for c in range(TILE):
        flat[c] = 0
    for row in range(1, rows + 1):
        start = row * PITCH + HALO
        values = z[start : start + cols]
        for c in range(min(cols, TILE)):
            flat[c] += np.uint8(abs(values[c]) < RESIDUE)
    total = 0
    for c in range(cols):
        total += flat[c]
    return total


@part()
def place_pair(work: Work, view: View, seam: NDArray[np.float32]) -> None:
    """Put two rows below a tile: what is above its first row for the metric, and its first row."""
    z, rows = work.z, view.rows
    upper, lower = (rows + 1) * PITCH, (rows + 2) * PITCH
    for i in range(HALO - 1, HALO + view.cols + 1):
        z[upper + i] = seam[i - HALO + 1] if view.number == 0 else z[rows * PITCH + i]
        z[lower + i] = z[PITCH + i]
    for i in range(lower + PITCH, lower + STEP * PITCH):
        z[i] = 0


@part()
def _measure(work: Work, group: int, rows: Range, cols: Range) -> None:
    """Set the column sums of a group of rows in a range of columns."""
    r0, r1 = rows
    c0, c1 = cols
    sums, counts = work.sums[group], work.counts[group]
    for start in range(0, SUMS, TILE):
        for c in range(c0, c1):
            sums[start + c] = 0
    for start in range(0, COUNTS, TILE):
        for c in range(c0, c1):
            counts[start + c] = 0
    add_sums(work.z, r0, r1, c0, c1, sums)
    add_counts(work.below, work.other, r0, r1, c0, c1, counts)


@part()
def _total(work: Work, groups: int) -> None:
    """Column sums of all groups, and of the pairs of the two rows below."""
    sums, counts = work.total_sums, work.total_counts
    sums[:] = 0
    counts[:] = 0
    for group in range(groups + 1):
        source = group if group < groups else PAIR
        kind = 0 if group < groups else _SPANNING
        some_sums, some_counts = work.sums[source], work.counts[source]
        for i in range(3 * kind * TILE, SUMS):
            sums[i] += some_sums[i]
        for i in range(2 * kind * TILE, COUNTS):
            counts[i] += some_counts[i]


@part()
def set_sums(work: Work, view: View) -> None:
    """Column sums of the tile, with the pairs of the two rows below it."""
    anew = changed(view)
    first, last = 0 if anew else view.rows, view.rows + 1 + STEP
    signs(work.z, first, last, view.cols, work.below, work.other)
    for group in range(PAIR + 1):
        if group == PAIR or (anew and group < view.groups):
            for side in range(2):
                part = _part(view, group, side)
                if part[0] < part[1]:
                    _measure(work, group, _span(view, group), part)
    _total(work, view.groups)
