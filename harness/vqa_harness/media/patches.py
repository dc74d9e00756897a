"""Patches of a picture cut from its planes, so that only they need to be converted to RGB.

Each is cut with a margin, and from an even row and column on: a conversion that looks at
neighbours, or whose chroma has a phase, then sees what it sees in the whole picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Chroma, Plane, spans
from vqa_harness.media.pixels import FACTORS

MARGIN = 4
"""Rows and columns of luma on each side that a conversion may look at."""
CUT = ("420", "422", "444")
"""Subsampling for which pictures are cut."""


class CutPatches(NamedTuple):
    """Patches with their margins, side by side.

    Attributes:
        planes: a picture of them, in the format of the one they were cut from.
        rows: its rows that belong to patches.
        columns: its columns that belong to patches.
    """

    planes: tuple[Plane, ...]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]


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
    height, width = planes[0].shape
    if chroma not in CUT or height % 2 or width % 2:
        return None
    room = side + 2 * MARGIN + 2
    tops, lefts = [_begin(row) for row in rows], [_begin(column) for column in columns]
    cuts = []
    for plane, (across, down) in zip(planes, ((1, 1), *2 * (FACTORS[chroma],)), strict=True):
        taken = _inside(tops, room, down, plane.shape[0])
        cuts.append(plane[taken][:, _inside(lefts, room, across, plane.shape[1])])
    return CutPatches(
        tuple(cuts),
        spans([n * room + row - tops[n] for n, row in enumerate(rows)], side),
        spans([n * room + column - lefts[n] for n, column in enumerate(columns)], side),
    )


def _begin(first: int) -> int:
    """The even number that leaves a margin before ``first``; it may lie outside of the picture."""
    return (first - MARGIN) // 2 * 2


def _inside(starts: Sequence[int], room: int, factor: int, size: int) -> NDArray[np.intp]:
    """Which samples to take; beyond an edge it is repeated, as a conversion does."""
    numbers = spans([start // factor for start in starts], room // factor)
    return np.clip(numbers, 0, size - 1)
