"""The reference as the alignment remembers it: a band of signatures, and how much it moves."""

from __future__ import annotations

from collections import deque
from math import inf
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.blends import RIVAL, is_blend
from vqa_harness.alignment.search import SAME_LEVELS, Floats
from vqa_harness.alignment.signatures import CELLS, Signature, distance, energy
from vqa_harness.alignment.votes import by_parts, compare, votes_of

AROUND = 32
"""Frames to both sides over which the medians of noise and motion are taken."""
STRIDE = 4
"""Frames over which steady motion adds up, and grain does not."""
EQUAL = 0.0005
"""Share of the usual distance from picture to picture below which a neighbour shows the same one.

A coder that repeats a picture hardly ever repeats it to the last bit.
"""
NARROWEST, WIDEST = 40, 240
"""Reference frames to each side of the likeliest one that are compared, at least and at most.

The band must hold the longest run of dropped frames; its cost grows with its width.
"""


class Growing:
    """A list of numbers that kernels can read as an array.

    Its room doubles when it is full, so that appending stays cheap over a whole video.

    Args:
        kind: type of the numbers.
    """

    def __init__(self, kind: type[np.number[Any]] = np.float32) -> None:
        self._room: NDArray[Any] = np.zeros(256, kind)
        self.size = 0

    def append(self, value: float) -> None:
        """Add one value at the end."""
        if self.size == self._room.size:
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        self._room[self.size] = value
        self.size += 1

    @property
    def array(self) -> NDArray[Any]:
        """(size,) a view; valid until the next `append`."""
        return self._room[: self.size]


class ReferenceBand:
    """The last signatures of the reference, and a few numbers about each of its frames.

    Attributes:
        count: frames seen.
        ended: whether there are no more.
        energy: mean square of each signature.
        motion: squared distance of each signature to the next one; 0 for the last so far.
        trend: squared distance of each signature to the fourth after it; 0 for the last four.
        picture: which picture each frame shows, counted from 0. Neighbours that are equal show one
            picture: animation on twos repeats every drawing, a slide stands for seconds.
        repeated: where a frame begins a picture, how many frames showed the one before it, and 0
            where that was a single one; 0 for all other frames.
    """

    def __init__(self, capacity: int) -> None:
        self._rows = np.zeros((2 * capacity, CELLS), np.float32)
        self._first = 0
        # Kept: memory that is new for each frame would have to be faulted in.
        self._differences = np.zeros((0, CELLS), np.float32)
        self.count = 0
        self.ended = False
        self.energy = Growing()
        self.motion = Growing()
        self.trend = Growing()
        self.picture = Growing(np.int64)
        self.repeated = Growing()
        self._shown: Signature | None = None
        """Signature of the first frame of the last picture; a slow fade is no still."""
        self._copies = 0
        self._steps: deque[float] = deque(maxlen=5)
        """Distances from each of the last pictures to the next."""

    def add(self, signature: Signature) -> None:
        """Take the next frame's signature; the oldest is forgotten when there is no more room."""
        used = self.count - self._first
        if used == len(self._rows):
            half = used // 2  # moved by halves, which costs little for each frame
            self._rows[:half] = self._rows[half:]
            self._first, used = self._first + half, half
        self._note_picture(signature)
        if used:
            self.motion.array[-1] = distance(signature, self._rows[used - 1])
        if used >= STRIDE:
            self.trend.array[-STRIDE] = distance(signature, self._rows[used - STRIDE])
        self._rows[used] = signature
        self.trend.append(0.0)
        self.energy.append(energy(signature))
        self.motion.append(0.0)
        self.count += 1

    def _note_picture(self, signature: Signature) -> None:
        """Tell whether the next frame shows the picture of the one before, or begins another."""
        apart = inf if self._shown is None else distance(signature, self._shown)
        usual = float(median(self._steps)) if self._steps else 0.0
        if apart < max(float(SAME_LEVELS), EQUAL * usual):
            self.picture.append(self.picture.array[-1])
            self.repeated.append(0)
            self._copies += 1
            return
        self.picture.append(self.picture.array[-1] + 1 if self.count else 0)
        self.repeated.append(self._copies if self._copies > 1 else 0)
        self._shown, self._copies = signature, 1
        if apart < inf:
            self._steps.append(apart)

    def same_picture(self, index: int, reach: int = 0) -> tuple[int, int]:
        """The first frame that shows the picture of frame ``index``, and one past the last.

        With ``reach`` so many pictures before and after count as well.
        """
        pictures = self.picture.array
        own = pictures[index]
        first = np.searchsorted(pictures, own - reach)
        return int(first), int(np.searchsorted(pictures, own + reach, side="right"))

    def is_blend(self, signature: Signature, index: int) -> bool:
        """Whether a picture is a mixture of the one of frame ``index`` and of one beside it."""
        first, stop = self.same_picture(index)
        beside = [
            self._rows[at - self._first]
            for at in (first - 1, stop)
            if self._first <= at < self.count
        ]
        if not beside or not self._first <= index < self.count:
            return False
        apart = [distance(signature, one) for one in beside]
        own = self._rows[index - self._first]
        if min(apart) > RIVAL * distance(signature, own):
            return False
        return is_blend(signature, own, beside[int(np.argmin(apart))])

    def compare(
        self, signature: Signature, base: int, size: int, shares: Floats
    ) -> tuple[Floats, Floats]:
        """Squared distances to ``size`` frames from ``base`` on, and the votes against each.

        Distances are inf, and votes 0, where there is no frame; ``shares`` are those of `Skips`.
        """
        out, votes = np.empty(size, np.float32), np.empty(size, np.float32)
        seen = self.count - self._first
        compare(signature, self._rows, base - self._first, seen, shares, out, votes)
        return out, votes

    def step_to(self, index: int) -> tuple[Signature, Signature] | None:
        """Signatures of the frame before ``index`` and of itself; None if they are not held."""
        place = index - self._first
        if not 1 <= place < self.count - self._first:
            return None
        return self._rows[place - 1], self._rows[place]

    def near(self, signature: Signature, base: int, size: int) -> Floats:
        """Squared distances to ``size`` frames from ``base`` on; inf where there is no frame.

        NumPy does it, because a few frames take less time than loading a compiled kernel.
        """
        out = np.full(size, np.inf, np.float32)
        band, apart = self._apart(signature, base, size)
        np.einsum("ij,ij->i", apart, apart, out=out[band])
        out /= np.float32(CELLS)
        return out

    def votes_near(self, signature: Signature, base: int, size: int, shares: Floats) -> Floats:
        """The votes of `compare` against ``size`` frames from ``base`` on, by NumPy as well."""
        votes = np.zeros(size, np.float32)
        band, apart = self._apart(signature, base, size)
        if apart.size:
            votes[band] = votes_of(by_parts(apart).T, shares)
        return votes

    def _apart(self, signature: Signature, base: int, size: int) -> tuple[slice, Floats]:
        """Which of ``size`` places from ``base`` on hold a frame, and their differences."""
        begin = max(base, self._first)
        stop = max(begin, min(base + size, self.count))
        rows = self._rows[begin - self._first : stop - self._first]
        if len(self._differences) < len(rows):
            self._differences = np.empty_like(rows)
        apart = np.subtract(rows, signature, out=self._differences[: len(rows)])
        return slice(begin - base, stop - base), apart

    def motion_around(self, index: int) -> np.float32:
        """Median squared distance of neighbouring pictures around ``index``; 0 if it is still."""
        index = min(max(index, 0), self.count - 1)
        values = self.motion.array[max(0, index - AROUND) : index + AROUND + 1]
        known = max(1, self.count - 1 - max(0, index - AROUND))
        moving = [one for one in values[:known].tolist() if one >= SAME_LEVELS]
        return np.float32(median(moving) if moving else 0)


def half_band(max_offset: float, rate: float) -> int:
    """Reference frames to each side that cover ``max_offset`` seconds."""
    return int(min(WIDEST, max(NARROWEST, np.ceil(max_offset * rate))))
