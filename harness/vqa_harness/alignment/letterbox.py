"""Black bars around a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from vqa_harness.alignment.signatures import Region, signature
from vqa_harness.frames import Frame

DARK = 28.0 / 255
"""Brightest sample of a bar as a share of white.

Black is 16 / 255 in limited range, and compression lifts it a little.
"""
BRIGHT = 40.0 / 255
"""Share of white that some of a picture must reach before its bars can be told."""
DIM_SHARE, BRIGHT_SHARE = 0.05, 0.01
"""Shares of a row or column that are not dark, or even bright, from which it is of the picture.

At the edge of a bar compression lifts a sample here and there.
"""
SMALLEST = 0.25
"""Smallest share of the width or height that a picture takes; what is less is no picture."""
LIFTED = (0, 2, 4)
"""Lines of a bar that compression may have made part of the picture."""
EDGE = 0.01
"""Share of the width or height below which dark lines at the edge are not taken for bars."""


def picture_area(frames: Iterable[Frame]) -> Region | None:
    """The part of the picture inside black bars.

    Args:
        frames: of one size; the brightest value of each place over all of them counts.

    Returns:
        x, y, width, height, even numbers; all of the picture where there are no bars; None where it
        is too dark to tell, or too little of it is lit, such as by a title on black.
    """
    brightest: np.ndarray | None = None
    for frame in frames:
        luma = frame.planes[1 if frame.chroma == "rgb" else 0]
        if brightest is None or brightest.shape == luma.shape:
            brightest = luma if brightest is None else np.maximum(brightest, luma)
            last = frame
    if brightest is None:
        return None
    white = 2.0**last.depth - 1
    bright = brightest > BRIGHT * white
    if not bright.any():
        return None
    dim = brightest > DARK * white
    rows, columns = (
        _span((dim.mean(axis=axis) > DIM_SHARE) | (bright.mean(axis=axis) > BRIGHT_SHARE))
        for axis in (1, 0)
    )
    if rows is None or columns is None:
        return None
    return columns[0], rows[0], columns[1], rows[1]


def matching_areas(
    distorted: Sequence[Frame],
    reference: Sequence[Frame],
    areas: tuple[Region, Region],
) -> tuple[Region, Region] | None:
    """The parts of two pictures that show the same: each inside its bars, or what neither hides.

    Bars may stand around a whole picture or cover a part of it; signatures of the first frames tell
    which.

    Args:
        distorted: first frames of the distorted video.
        reference: first frames of the reference.
        areas: the picture inside the bars of each, from `picture_area`.

    Returns:
        A region of each; None where whole frames are just as alike.
    """
    sizes = [(f.width, f.height) for f in (distorted[0], reference[0])]
    shares = [_share(a, size) for a, size in zip(areas, sizes, strict=True)]
    left, top = (max(s[k] for s in shares) for k in (0, 1))
    right, bottom = (min(s[k] + s[k + 2] for s in shares) for k in (0, 1))
    candidates: list[tuple[Region, Region] | None] = [None, _trimmed(distorted, reference, areas)]
    if right > left and bottom > top:
        common = [_region((left, top, right - left, bottom - top), size) for size in sizes]
        candidates.append((common[0], common[1]))
    return min(candidates, key=lambda c: _unlikeness(distorted, reference, c))


def _trimmed(
    distorted: Sequence[Frame], reference: Sequence[Frame], areas: tuple[Region, Region]
) -> tuple[Region, Region]:
    """The areas without the lines at their edges that compression made of a bar.

    Edge by edge so many lines are left out as make the pictures most alike.
    """
    best = areas
    for side, frames in enumerate((distorted, reference)):
        size = frames[0].width, frames[0].height
        for axis, far in ((0, False), (1, False), (0, True), (1, True)):
            start, stop = areas[side][axis], areas[side][axis] + areas[side][axis + 2]
            if (stop == size[axis]) if far else not start:
                continue  # there is no bar
            tried = [_without(best, side, axis, lines, far=far) for lines in LIFTED]
            best = min(tried, key=lambda one: _unlikeness(distorted, reference, one))
    return best


def _without(
    areas: tuple[Region, Region], side: int, axis: int, lines: int, *, far: bool
) -> tuple[Region, Region]:
    """The areas, that of one side without some lines at one edge."""
    region = list(areas[side])
    region[axis] += 0 if far else lines
    region[axis + 2] = max(2, region[axis + 2] - lines)
    x, y, width, height = region
    changed = (x, y, width, height)
    return (changed, areas[1]) if side == 0 else (areas[0], changed)


def _unlikeness(
    distorted: Sequence[Frame], reference: Sequence[Frame], regions: tuple[Region, Region] | None
) -> float:
    """Least mean distance of signatures over shifts by a few frames, as a share of their energy."""
    one, two = regions or (None, None)
    first = [signature(f, one) for f in distorted]
    second = [signature(f, two) for f in reference]
    energy = float(np.mean([np.mean(s**2) for s in (*first, *second)]))
    reach = min(len(first), len(second)) // 2
    distances = []
    for shift in range(-reach, reach + 1):
        pairs = [(i, i + shift) for i in range(len(first)) if 0 <= i + shift < len(second)]
        if pairs:
            distances.append(np.mean([np.mean((first[i] - second[j]) ** 2) for i, j in pairs]))
    return float(min(distances)) / max(energy, 1.0)


def _share(region: Region, size: tuple[int, int]) -> tuple[float, float, float, float]:
    x, y, width, height = region
    return x / size[0], y / size[1], width / size[0], height / size[1]


def _region(share: tuple[float, float, float, float], size: tuple[int, int]) -> Region:
    """The even-numbered region of a picture that a share of it is."""
    x, y = (2 * round(share[k] * size[k] / 2) for k in (0, 1))
    width, height = (2 * round(share[k + 2] * size[k] / 2) for k in (0, 1))
    return x, y, max(2, min(width, size[0] - x)), max(2, min(height, size[1] - y))


def _span(lit: np.ndarray) -> tuple[int, int] | None:
    """First lit place and how far it is to the last, on even numbers; None if that is little."""
    size = len(lit)
    places = np.flatnonzero(lit)
    if not places.size:
        return None
    first, stop = int(places[0]), int(places[-1]) + 1
    if stop - first < SMALLEST * size:
        return None
    first = first + first % 2 if first > EDGE * size else 0
    stop = stop - stop % 2 if size - stop > EDGE * size else size
    return first, stop - first
