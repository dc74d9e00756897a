"""Differences along lines: an error that follows an edge is seen sooner than one that is scattered.

A difference of two bands is summed along sixteen lines of nine pixels through each pixel, and the
squares of the sums are added. Numbers are those of libjxl, see `opsin`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import part
from vqa_metrics.butteraugli.planes import LANES, Plane, Size, start_of
from vqa_metrics.nss.simd import fma, load, store

_MATHS = {"contract", "nsz"}
_LENGTH = 2 * 3.75 + 1

_Line = tuple[tuple[int, int], ...]
_TWICE: tuple[_Line, ...] = (
    ((1, 0), (2, -1), (3, -1), (4, -1)),
    ((1, 0), (2, 1), (3, 1), (4, 1)),
    ((0, 1), (1, 2), (1, 3), (1, 4)),
    ((0, 1), (-1, 2), (-1, 3), (-1, 4)),
)
FULL: tuple[_Line, ...] = (
    ((0, 1), (0, 2), (0, 3), (0, 4)),
    ((1, 0), (2, 0), (3, 0), (4, 0)),
    ((1, 1), (2, 2), (3, 3)),
    ((1, -1), (2, -2), (3, -3)),
    *_TWICE,
    ((1, 1), (2, 1), (3, 2)),
    ((1, -1), (2, -1), (3, -2)),
    ((1, 1), (1, 2), (2, 3)),
    ((1, -1), (1, -2), (2, -3)),
    *_TWICE,
)
"""Rows and columns from the middle of half the pixels of each line; the others lie opposite."""
SPARSE: tuple[_Line, ...] = (
    ((0, 2), (0, 4)),
    ((2, 0), (4, 0)),
    ((2, 2), (3, 3)),
    ((2, -2), (3, -3)),
    ((2, -1), (4, -1)),
    ((2, 1), (4, 1)),
    ((1, 2), (1, 4)),
    ((-1, 2), (-1, 4)),
    ((2, 1), (3, 2)),
    ((2, -1), (3, -2)),
    ((1, 2), (2, 3)),
    ((1, -2), (2, -3)),
    ((1, -2), (2, -4)),
    ((1, 2), (2, 4)),
    ((2, 1), (4, 2)),
    ((2, -1), (4, -2)),
)
"""The same for bands of lower frequencies, which need not be looked at in every pixel."""


class Lines(NamedTuple):
    """Lines in planes of one pitch.

    Attributes:
        steps: int64, how many elements the pixels lie from the middle, line after line.
        ends: (16,) int64, where each line ends in ``steps``.
    """

    steps: NDArray[np.int64]
    ends: NDArray[np.int64]


class Weights(NamedTuple):
    """How the difference of two values is weighted.

    Attributes:
        norm: amplitude above which a difference counts less.
        change: weight of the difference, times the norm.
        outside: weight of what lies outside 0.55 to 1.05 times the reference, times the norm.
    """

    norm: np.float32
    change: np.float32
    outside: np.float32


def lines_of(lines: tuple[_Line, ...], pitch: int) -> Lines:
    """Return lines as steps in planes."""
    steps = [row * pitch + column for line in lines for row, column in line]
    return Lines(np.array(steps), np.cumsum([len(line) for line in lines]))


def weights_of(weight: float, norm: float, *, sparse: bool) -> Weights:
    """Return the weights of a band.

    Args:
        weight: of the band.
        norm: see `Weights`.
        sparse: whether its lines are `SPARSE`.
    """
    factor = (0.611612573796 if sparse else 0.39905817637) / _LENGTH * norm
    change, outside = factor * np.sqrt(0.5 * weight), factor * np.sqrt(0.33 * weight)
    return Weights(np.float32(norm), np.float32(change), np.float32(outside))


@part(fastmath=_MATHS)
def _change_row(
    a: NDArray[np.float32], b: NDArray[np.float32], width: int, by: Weights, out: Plane
) -> None:
    """Weigh the difference of two rows, reference and distorted."""
    norm, change, outside = by
    zero, half = np.float32(0), np.float32(0.5)
    for c in range(width):
        p, q = a[c], b[c]
        amplitude = abs(p)
        difference = p - q
        size = np.float32(1) / (norm + half * (amplitude + abs(q)))
        along = -q if p < zero else q
        beyond = max(np.float32(0.55) * amplitude - along, zero)
        beyond += max(along - np.float32(1.05) * amplitude, zero)
        beyond = -beyond if difference < zero else beyond
        out[c] = size * (change * difference + outside * beyond)


@part()
def add_malta(
    a: Plane, b: Plane, by: Weights, lines: Lines, size: Size, change: Plane, total: Plane
) -> None:
    """Add the squared differences of two bands along lines.

    Args:
        a: a band of the reference.
        b: the same of the distorted picture.
        by: weights of the band.
        lines: `FULL` or `SPARSE`.
        size: of the picture.
        change: room for a plane, with zeros around.
        total: what the differences are added to.
    """
    height, width, pitch = size
    for row in range(height):
        at = start_of(row, pitch)
        _change_row(a[at:], b[at:], width, by, change[at:])
    steps, ends = lines
    for row in range(height):
        for c in range(0, width, LANES):
            at = start_of(row, pitch) + c
            middle, found = load(change, at), load(total, at)
            begin = 0
            for line in range(ends.size):
                along = middle
                for i in range(begin, ends[line]):
                    along = along + (load(change, at + steps[i]) + load(change, at - steps[i]))
                begin = ends[line]
                found = fma(along, along, found)
            store(total, at, found)
