"""An overview of a whole video: one very small picture for each of its frames.

It is a signature once more reduced, to 16 x 9 cells, and kept for every frame, 288 bytes each. Two
hours at 25 frames a second are 52 MB. Where a stretch of a video lies in another, at any depth, is
found from it by trying every frame, which takes less time than decoding either.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.signatures import COLUMNS, ROWS, Signature

ACROSS = 4
"""Cells of a signature that become one, each way."""
SMALL = (ROWS // ACROSS) * (COLUMNS // ACROSS)
"""Cells of a small picture: 144."""
CHUNK = 4096
"""Frames that are compared at a time, which bounds memory."""
BIN = 4
"""Neighbouring frames of which the nearest one stands for all."""

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


class Overview:
    """The small pictures of a video's frames, in order."""

    def __init__(self) -> None:
        self._room: NDArray[np.float16] = np.zeros((256, SMALL), np.float16)
        self.count = 0

    def add(self, signature: Signature) -> None:
        """Take the signature of the next frame."""
        if self.count == len(self._room):
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        cells = signature.reshape(ROWS // ACROSS, ACROSS, COLUMNS // ACROSS, ACROSS)
        self._room[self.count] = cells.mean(axis=(1, 3)).reshape(-1)
        self.count += 1

    def rows(self, index: Indices | slice) -> Floats:
        """(n, 144) small pictures of some frames, in levels of 8-bit full range."""
        return self._room[: self.count][index].astype(np.float32)

    def apart(self, index: Indices, other: Overview, others: Indices) -> Floats:
        """(n,) mean squared differences between frames ``index`` and frames ``others`` of another.

        An index outside ``other`` is infinitely far.
        """
        inside = (others >= 0) & (others < other.count)
        out = np.full(len(others), np.inf, np.float32)
        differences = self.rows(index[inside]) - other.rows(others[inside])
        out[inside] = np.einsum("ij,ij->i", differences, differences) / np.float32(SMALL)
        return out

    def nearest(self, pictures: Floats, count: int) -> tuple[Indices, Floats]:
        """The frames that some pictures are most like.

        Args:
            pictures: (n, 144) small pictures, of another video perhaps.
            count: how many frames are wanted for each picture.

        Returns:
            (n, count) frame numbers, and mean squared differences; of `BIN` neighbours only the
            nearest is given, and inf stands where there are fewer.
        """
        n = len(pictures)
        best = np.full((n, count), np.inf, np.float32)
        places = np.zeros((n, count), np.int64)
        squares = np.einsum("ij,ij->i", pictures, pictures)
        for begin in range(0, self.count, CHUNK):
            rows = self.rows(slice(begin, begin + CHUNK))
            apart = pictures @ rows.T
            apart *= -2
            apart += np.einsum("ij,ij->i", rows, rows)
            apart += squares[:, None]
            lacking = -len(rows) % BIN
            if lacking:
                apart = np.pad(apart, ((0, 0), (0, lacking)), constant_values=np.inf)
            bins = apart.reshape(n, apart.shape[1] // BIN, BIN)  # n may be 0
            inside = bins.argmin(axis=2)
            least = np.take_along_axis(bins, inside[:, :, None], axis=2)[:, :, 0] / SMALL
            where = begin + np.arange(least.shape[1]) * BIN + inside
            both = np.concatenate([best, np.maximum(least, 0)], axis=1)
            spots = np.concatenate([places, where], axis=1)
            kept = np.argpartition(both, count - 1, axis=1)[:, :count]
            best = np.take_along_axis(both, kept, axis=1)
            places = np.take_along_axis(spots, kept, axis=1)
        return places, best
