"""When the frames of an encoding are shown: the source's times, on the grid of its rate."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vqa_harness.frames import Frame

TICKS = 100
"""Timestamps per frame: exact for a constant rate, near enough for a varying one."""

_NEAR = Fraction(1, 8)
"""Distance from the grid of a constant rate, in frames, that is taken for rounding.

Matroska rounds times to milliseconds.
"""


def timestamp(frame: Frame, rate: Fraction) -> int:
    """The frame's time in ticks, on the grid of a constant rate where a container rounded it."""
    position = Fraction(frame.index) if frame.time is None else frame.time * rate
    nearest = round(position)
    return nearest * TICKS if abs(position - nearest) < _NEAR else round(position * TICKS)


def increasing(stamps: list[int]) -> Iterator[int]:
    """Take each timestamp in turn from the list, always above the last."""
    # Two frames may be rounded to one tick, and encoders refuse timestamps that do not ascend.
    last = -1
    while True:
        last = max(stamps.pop(0), last + 1)
        yield last
