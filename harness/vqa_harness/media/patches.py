"""Patches of a picture cut from its planes, so that only they need to be converted to RGB.

Each is cut with a margin, and from an even row and column on: a conversion that looks at
neighbours, or whose chroma has a phase, then sees what it sees in the whole picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Chroma, Plane, spans
from vqa_harness.media.pixels import FACTORS

T = TypeVar("T", bound=NDArray[Any])
MARGIN = 4
"""Rows and columns of luma on each side that a conversion may look at."""
CUT = ("420", "422", "444")
"""Subsampling for which pictures are cut."""


class CutPatches(NamedTuple):
    """Patches with their margins, side by side.

    Attributes:
        planes: a picture of them, in the format of the one they were cut from.
        rows: its rows that belong to patches.
        columns: the first column of each column of patches in it.
    """

    planes: tuple[Plane, ...]
    rows: NDArray[np.intp]
    columns: list[int]


def cut_patches(
    planes: Sequence[Plane], chroma: Chroma, rows: Sequence[int], columns: Sequence[int], side: int
) -> CutPatches | None:
    """Cut square patches.

    Args:
        planes: (H, W) each, Y, U, V.
        chroma: their subsampling.
        rows: the first row of the patches of each row of patches.
        columns: the first column of the patches of each column of patches.
        side: rows and columns of a patch.

    Returns:
        The patches; None for a picture of odd size or of another subsampling.
    """
    if chroma not in CUT or any(size % 2 for size in planes[0].shape):
        return None
    room = side + 2 * MARGIN + 2
    tops, lefts = [_begin(row) for row in rows], [_begin(column) for column in columns]
    cuts: list[Plane] = []
    for plane, (across, down) in zip(planes, ((1, 1), *2 * (FACTORS[chroma],)), strict=True):
        taken = _inside(tops, room, down, plane.shape[0])
        begin, width = [left // across for left in lefts], room // across
        if min(begin) < 0 or max(begin) + width > plane.shape[1]:
            plane = plane[:, _inside(lefts, room, across, plane.shape[1])]
            begin = [n * width for n in range(len(lefts))]
        cuts.append(side_by_side(plane, taken, begin, width))
    return CutPatches(
        tuple(cuts),
        spans([n * room + row - tops[n] for n, row in enumerate(rows)], side),
        [n * room + column - lefts[n] for n, column in enumerate(columns)],
    )


def side_by_side(picture: T, rows: NDArray[np.intp], columns: Sequence[int], width: int) -> T:
    """Rows of a picture, and of these the parts that begin at some columns, one after another.

    Whole parts are copied, which takes a fraction of the time of picking their columns.
    """
    parts = [picture[rows, begin : begin + width] for begin in columns]
    return cast(T, np.concatenate(parts, axis=1))


def _begin(first: int) -> int:
    """The even number that leaves a margin before ``first``; it may lie outside of the picture."""
    return (first - MARGIN) // 2 * 2


def _inside(starts: Sequence[int], room: int, factor: int, size: int) -> NDArray[np.intp]:
    """Which samples to take; beyond an edge it is repeated, as a conversion does."""
    numbers = spans([start // factor for start in starts], room // factor)
    return np.clip(numbers, 0, size - 1)
