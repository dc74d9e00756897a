"""Empty packets, which show the picture before them once more.

Theora writes them for a picture that did not change, AVI for a frame that was dropped in capture,
QuickTime as empty samples. A decoder takes an empty packet for the end of the stream, so it never
gets one; the pictures are repeated here.
"""

from __future__ import annotations

import copy
import heapq
from collections.abc import Iterator

from vqa_harness.media.picture import Picture


class Repeats:
    """Puts repeated pictures between decoded ones, in the order of display.

    Attributes:
        count: how many pictures were repeated.
    """

    def __init__(self) -> None:
        self.count = 0
        self._times: list[int] = []
        self._untimed = 0
        self._last: Picture | None = None

    def add(self, pts: int | None) -> None:
        """Take an empty packet; without a timestamp it follows the picture decoded last."""
        if pts is None:
            self._untimed += 1
        else:
            heapq.heappush(self._times, pts)

    def among(self, pictures: list[Picture], *, ended: bool) -> list[Picture]:
        """The decoded pictures with those repeated that come before them.

        Args:
            pictures: what the decoder gave, in the order of display.
            ended: whether there are no more, so that what waits comes after them.
        """
        if not (self._times or self._untimed):
            self._last = pictures[-1] if pictures else self._last
            return pictures
        out: list[Picture] = []
        for picture in pictures:
            out += self._before(picture.pts)
            out.append(picture)
            self._last = picture
        if ended:
            out += self._before(None)
        return out

    def close(self) -> None:
        """Hold no picture any more."""
        self._last = None

    def _before(self, pts: int | None) -> Iterator[Picture]:
        """What is shown again before a time, or before the end."""
        if self._last is None:  # nothing was shown yet that could be shown again
            return
        last = self._last
        for _ in range(self._untimed):
            yield self._again(last, None)
        self._untimed = 0
        while self._times and (pts is None or self._times[0] <= pts):
            time = heapq.heappop(self._times)
            if time != pts:  # what has the time of a picture is none of its own
                yield self._again(last, time)

    def _again(self, picture: Picture, pts: int | None) -> Picture:
        self.count += 1
        again = copy.copy(picture)
        again.pts = pts
        return again
