"""Black bars around a picture."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vqa_harness.frames import Frame
from vqa_harness.signatures import Region

DARK = (
    28.0 / 255
)  # brightest that a bar gets, as a share of white; compression lifts black a little
BRIGHT = 40.0 / 255  # some of a picture must reach this before its bars are told
SMALLEST = 0.25  # share of the width and height that is never taken for bars
EDGE = 0.01  # bars narrower than this share are none


def picture_area(frames: Iterable[Frame]) -> Region | None:
    """The part of the picture inside black bars.

    Args:
        frames: of one size; the brightest value of each row and column over all of them counts.

    Returns:
        x, y, width, height, even numbers; all of the picture where there are no bars; None where it
        is too dark to tell.
    """
    rows = columns = None
    for frame in frames:
        luma = frame.planes[1 if frame.chroma == "rgb" else 0]
        by_row, by_column = luma.max(axis=1), luma.max(axis=0)
        if rows is None or columns is None:
            rows, columns = by_row, by_column
        elif by_row.shape == rows.shape and by_column.shape == columns.shape:
            rows, columns = np.maximum(rows, by_row), np.maximum(columns, by_column)
        last = frame
    if rows is None or columns is None:
        return None
    white = 2.0**last.depth - 1
    if rows.max() < BRIGHT * white:
        return None
    y, height = _span(rows > DARK * white)
    x, width = _span(columns > DARK * white)
    return x, y, width, height


def _span(lit: np.ndarray) -> tuple[int, int]:
    """First lit place and how far it is to the last, on even numbers."""
    size = len(lit)
    places = np.flatnonzero(lit)
    first, stop = int(places[0]), int(places[-1]) + 1
    if stop - first < SMALLEST * size:
        return 0, size
    first = first + first % 2 if first > EDGE * size else 0
    stop = stop - stop % 2 if size - stop > EDGE * size else size
    return first, stop - first
