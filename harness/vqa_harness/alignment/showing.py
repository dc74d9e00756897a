"""What each side shows and how long, by which a repeat is told from damage and a share is counted.

A reference whose frames come at varying times shows some of them long, and an encode at a constant
rate then repeats them: it shows nothing that the reference does not. A reference on twos shows each
picture in two frames, and an encode that leaves out the second has lost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

NEARLY = Fraction(1, 8)
"""Share of the time between two distorted frames by which times may be rounded."""


class Showing:
    """The pictures of the reference, and the times of both videos.

    Args:
        pictures: which picture each reference frame shows, of `ReferenceBand`, as far as it was
            looked at; frames behind have pictures of their own.
        times: seconds of the distorted frames; empty if unknown.
        ref_times: the same of the reference frames.
    """

    def __init__(
        self,
        pictures: NDArray[np.int64] | None = None,
        times: Sequence[Fraction] = (),
        ref_times: Sequence[Fraction] = (),
    ) -> None:
        self._pictures = np.zeros(0, np.int64) if pictures is None else pictures
        self._times, self._ref_times = times, ref_times

    def same(self, one: int, two: int) -> bool:
        """Whether two reference frames show the same picture."""
        known = len(self._pictures)
        if one >= known or two >= known:
            return one == two
        return bool(self._pictures[one] == self._pictures[two])

    def next_picture(self, index: int) -> int:
        """The first reference frame after ``index`` that shows another picture."""
        if index >= len(self._pictures):
            return index + 1
        return int(np.searchsorted(self._pictures, self._pictures[index], side="right"))

    def still_shown(self, first: int, again: int, target: int) -> bool:
        """Whether the reference goes on showing a frame for as long as the distorted video does.

        Args:
            first: distorted frame that shows it first.
            again: distorted frame that repeats it.
            target: the reference frame.
        """
        following = self.next_picture(target)
        if following >= len(self._ref_times) or again >= len(self._times):
            return False
        shown = self._times[again] - self._times[first]
        lasts = self._ref_times[following] - self._ref_times[target]
        return shown > 0 and shown < lasts - NEARLY * shown / (again - first)


def covered(indices: Sequence[int], count: int, stride: int, showing: Showing | None) -> int:
    """How many frames of a video the ones that were scored stand for.

    Each stands for itself, for those that the rates pass over, and for those after it that show the
    same picture.

    Args:
        indices: frames that were scored, ascending, some perhaps again.
        count: frames of the video.
        stride: frames that one stands for, as the rates tell.
        showing: the pictures of this video; None if nothing is known of them.
    """
    total, done = 0, 0
    for index in indices:
        after = index + stride
        if showing is not None:
            after = max(after, showing.next_picture(index))
        after = min(after, count)
        total += max(0, after - max(index, done))
        done = max(done, after)
    return total
