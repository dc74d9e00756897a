"""A small picture of each frame's luma by which frames of two streams are recognised.

A signature is the area mean of the luma over a grid of 36 x 64 cells, its mean removed, in levels
of 8-bit full range. Streams of different size, depth and range therefore have comparable
signatures, and one costs a small part of decoding the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Frame, Plane
from vqa_harness.media.orientation import UPRIGHT, Orientation

ROWS, COLUMNS = 36, 64
CELLS = ROWS * COLUMNS
ROWS_READ = 4
"""Rows that are read of each row of cells, where the picture has at least twice as many.

Reading all of a 4K picture would cost more than it adds: neighbouring rows are alike.
"""
LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of R, G and B in luma, by BT.709."""

Signature: TypeAlias = NDArray[np.float32]
Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.intp]
Region: TypeAlias = tuple[int, int, int, int]
"""x, y, width, height in luma samples."""


def signature(frame: Frame, region: Region | None = None, turn: Orientation = UPRIGHT) -> Signature:
    """The frame's signature.

    Args:
        frame: the frame; RGB is weighted as BT.709 luma.
        region: the part of the picture to look at; None for all of it.
        turn: how that part is turned first.

    Returns:
        (2304,) float32, mean 0, in levels of 8-bit full range.
    """
    return centred(cell_means(frame, region, turn))


def cell_means(
    frame: Frame, region: Region | None = None, turn: Orientation = UPRIGHT
) -> Signature:
    """The means of the cells, as `signature` before the mean is removed.

    Returns:
        (2304,) float32, in levels of 8-bit full range; black of limited range is at 18.6.
    """
    full = frame.colour.full_range or frame.chroma == "rgb"
    scale = (1.0 if full else 255 / 219) / 2 ** (frame.depth - 8)
    planes = frame.planes
    if frame.chroma != "rgb":
        return area_means(_turned(planes[0], region, turn), scale=scale)
    means = np.zeros(CELLS, np.float32)
    for weight, plane in zip(LUMA, planes, strict=True):
        means += area_means(_turned(plane, region, turn), scale=weight * scale)
    return means


def centred(means: Signature) -> Signature:
    """Means of cells, their mean removed."""
    return np.asarray(means - np.add.reduce(means) / np.float32(CELLS))


def energy(one: Signature) -> float:
    """The mean square of a signature, in squared levels."""
    return float(np.dot(one, one)) / one.size


def distance(one: Signature, two: Signature) -> float:
    """The mean squared difference of two signatures, in squared levels."""
    return energy(one - two)


def _turned(plane: Plane, region: Region | None, turn: Orientation) -> Plane:
    """A view of a part of a plane, turned."""
    return cast(Plane, turn.apply(_cut(plane, region)))


def _cut(plane: Plane, region: Region | None) -> Plane:
    if region is None:
        return plane
    x, y, width, height = region
    return plane[y : y + height, x : x + width]


def area_means(plane: Plane, region: Region | None = None, scale: float = 1) -> Signature:
    """(2304,) float32 means of the cells of a plane, row by row, times ``scale``.

    Of tall planes only some rows are read.
    """
    plane = _cut(plane, region)
    height = plane.shape[0]
    if height < 2 * ROWS * ROWS_READ:
        bands = _means(plane.T.astype(np.float32), ROWS).T
    else:
        bands = _band_sums(plane, _rows_read(height))
        scale /= ROWS_READ
    return _means(bands, COLUMNS, scale).reshape(-1)


def _band_sums(plane: Plane, rows: Sequence[slice | Indices]) -> Floats:
    """(36, width) sums of the rows that are read of each band of cells."""
    wide = np.uint16 if plane.dtype == np.uint8 else np.uint32
    sums = np.add(plane[rows[0]], plane[rows[1]], dtype=wide)
    for some in rows[2:]:
        sums += plane[some]
    return sums.astype(np.float32)


@lru_cache(maxsize=32)
def _rows_read(height: int) -> list[slice | Indices]:
    """The first, second, ... row that is read of each band."""
    read: list[slice | Indices] = []
    for number in range(ROWS_READ):
        middle = (np.arange(ROWS) + (number + 0.5) / ROWS_READ) * (height / ROWS)
        upper = number < ROWS_READ / 2  # ties go outwards, so that the mean stays in the middle
        rows = (np.floor(middle) if not upper else np.ceil(middle) - 1).astype(np.intp)
        even = height % ROWS == 0  # a slice is a view, and saves a copy
        read.append(slice(int(rows[0]), None, height // ROWS) if even else rows)
    return read


def _means(values: Floats, cells: int, scale: float = 1) -> Floats:
    """(n, cells) means over equal parts of the last axis, times ``scale``.

    Samples on a border are shared out.
    """
    if values.shape[1] < cells:
        values = np.repeat(values, cells, axis=1)
    parts = _parts(values.shape[1], cells)
    if parts.exact:  # NumPy's product with ones is four times as fast as its sum over short rows
        sums = values.reshape(len(values), cells, -1) @ parts.ones
    else:
        sums = np.add.reduceat(values, parts.spans, axis=1)[:, ::2]
        sums -= parts.left * values[:, parts.begin]
        sums -= parts.right * values[:, parts.last]
    return np.asarray(sums * np.float32(parts.share * scale))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Equal parts of a number of samples, at least one each.

    Attributes:
        begin: first sample of each.
        last: last sample of each.
        spans: begin and end of each in turn, without the last end.
        left: share of each first sample that belongs to the part before.
        right: share of each last sample that belongs to the part after.
        share: of one sample in the mean of a part.
        ones: (samples of a part,) where no sample is shared.
        exact: whether no sample is shared.
    """

    begin: Indices
    last: Indices
    spans: Indices
    left: Floats
    right: Floats
    share: float
    ones: Floats
    exact: bool


@lru_cache(maxsize=32)
def _parts(size: int, count: int) -> _Parts:
    edges = np.arange(count + 1) * size / count
    begin = edges[:-1].astype(np.intp)
    end = np.minimum(np.ceil(edges[1:]).astype(np.intp), size)
    return _Parts(
        begin,
        end - 1,
        np.stack([begin, end], axis=1).reshape(-1)[:-1],
        (edges[:-1] - begin).astype(np.float32),
        (end - edges[1:]).astype(np.float32),
        count / size,
        np.ones(size // count, np.float32),
        size % count == 0,
    )
