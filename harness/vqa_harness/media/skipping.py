"""Reading only some frames of a video: their numbers, and what was read instead of what was hoped.

The frames are those that a reader of everything would give, pixel for pixel and with the same
numbers and times. Where that is not certain the reader says so, and everything is read instead.
"""

from __future__ import annotations

from collections.abc import Set
from fractions import Fraction

from vqa_harness.media.picture import Picture
from vqa_harness.media.selection import PacketTable
from vqa_harness.media.timestamps import Clock


class NotAsPromised(Exception):
    """The frames that come out are not those that the packets promised: read everything."""


class FrameSelection:
    """Finds the wanted ones among the pictures that are decoded.

    Args:
        table: the packets of the video.
        clock: a fresh clock of the stream.
        wanted: numbers of the frames to find, in the order of display.

    Attributes:
        times: seconds of every frame of the video; None where unknown.
        found: how many of the wanted frames have come.
        decoded: how many frames the plan has decoded, wanted or not. Those that the decoder was
            given before the plan was known are not among them: they depend on its threads.
    """

    def __init__(self, table: PacketTable, clock: Clock, wanted: Set[int]) -> None:
        self.times: list[Fraction | None] = [clock.next(pts) for pts in table.pts]
        self.plan = bytes(table.plan(wanted))
        self._numbers = {table.pts[number]: number for number in wanted}
        self._last = -1
        self.found = 0
        self.decoded = table.frames_in(self.plan)

    def number(self, picture: Picture) -> int | None:
        """The number of a picture; None if it is not wanted.

        Raises:
            NotAsPromised: it is damaged, or comes out of order.
        """
        number = self._numbers.get(picture.pts) if picture.pts is not None else None
        if picture.corrupt:
            raise NotAsPromised
        if number is None:
            return None
        if number <= self._last:
            raise NotAsPromised
        self._last = number
        self.found += 1
        return number

    def check_complete(self) -> None:
        """Check that all have come.

        Raises:
            NotAsPromised: one is missing.
        """
        if self.found != len(self._numbers):
            raise NotAsPromised
