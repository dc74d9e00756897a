"""Evidence of a frame from the parts of its picture: what each says of the time it shows.

The signature is cut into 48 parts. Each finds the reference frame it is most like, and objects to
every other one by how much worse that fits, in units of the noise of its best fit and at most by
1; the votes against a reference frame are the sum of what the parts object. Noise that all frames
of the reference share cancels, so that motion far below the noise of single cells still counts. So
does a shift in brightness that most parts share: a bright object that moves into a black picture
changes the mean, which is taken out of a signature, and with it every black cell.

A coder at a low rate leaves parts of the picture as they were, a quarter of a pixel or a few frames
behind, but never shows what is still to come. Where a part is seen to be left out often, its
objection to later frames than the one it is most like is therefore worth little; so it is until
motion has been seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.search import Floats
from vqa_harness.alignment.signatures import COLUMNS, ROWS, Signature
from vqa_harness.jit import SUMS, kernel

TALL, WIDE = 6, 8
"""Rows and columns of cells in a part."""
PARTS = (ROWS // TALL) * (COLUMNS // WIDE)
"""Parts of a signature: 48."""
LEAST_NOISE = np.float32(0.01 * TALL * WIDE)
"""Noise of a part's best fit, at least: squared levels, summed over the part.

A lossless video has no noise, and rounding alone would then decide the votes.
"""
LATE = np.float32(0.01)
"""Worth of an objection to later frames where the part is often left out."""
OFTEN = np.float32(0.1)
"""Share of frames that leave a part out, from which it counts as left out often."""
LEFT_OUT = np.float32(0.15)
"""Change of a part over that of the reference, below which the part was left out."""
REPEATED = np.float32(0.05)
"""Change of the whole picture over that of the reference, below which the frame is a repeat.

A repeat says nothing about what the coder does with new frames, so it is not counted.
"""
MOVING = np.float32(0.003 * TALL * WIDE)
"""Change of a part of the reference that counts as motion: squared levels, summed over the part."""
MEMORY = 16
"""Frames over which the share of those that leave a part out is averaged."""


@kernel(fastmath=SUMS)
def compare(
    signature: Floats,
    others: Floats,
    first: int,
    count: int,
    shares: Floats,
    out: Floats,
    votes: Floats,
) -> None:
    """Compare a signature with rows ``first + k`` of ``others``, as a whole and part by part.

    Args:
        signature: (2304,) signature of the distorted frame.
        others: (n, 2304) signatures of the reference.
        first: row of the first place; may lie outside.
        count: rows in use.
        shares: (48,) how often each part is left out, of `Skips`.
        out: (B,) mean squared distances, inf where there is no row.
        votes: (B,) votes against each place, 0 where there is no row.
    """
    size = out.size
    low, high = max(0, -first), min(size, count - first)
    out[:] = np.inf
    votes[:] = 0
    parts, shifts = np.empty((PARTS, size), np.float32), np.empty(PARTS, np.float32)
    for place in range(low, high):
        row = first + place
        total = np.float32(0)
        part = 0
        for top in range(0, ROWS, TALL):
            for left in range(0, COLUMNS, WIDE):
                apart, shift = np.float32(0), np.float32(0)
                for y in range(top, top + TALL):
                    for x in range(y * COLUMNS + left, y * COLUMNS + left + WIDE):
                        difference = signature[x] - others[row, x]
                        shift += difference
                        apart += difference * difference
                parts[part, place], shifts[part] = apart, shift
                total += apart
                part += 1
        out[place] = total / np.float32(signature.size)
        common = np.float32(np.median(shifts)) / np.float32(TALL * WIDE)
        for part in range(PARTS):
            parts[part, place] -= common * (2 * shifts[part] - np.float32(TALL * WIDE) * common)
    vote(parts, low, high, shares, votes)


@kernel(fastmath=SUMS)
def vote(parts: Floats, low: int, high: int, shares: Floats, votes: Floats) -> None:
    """Let each part object to the places from ``low`` to ``high``.

    Args:
        parts: (48, B) sums of squared differences.
        low: first place with a reference frame.
        high: one past the last.
        shares: (48,) how often each part is left out, of `Skips`.
        votes: (B,) to which the objections are added.
    """
    for part in range(PARTS):
        best = low
        for place in range(low, high):
            if parts[part, place] < parts[part, best]:
                best = place
        least = parts[part, best]
        scale = np.float32(1) / max(least, LEAST_NOISE)
        late = min(shares[part] / OFTEN, np.float32(1))
        for place in range(low, best):
            votes[place] += min((parts[part, place] - least) * scale, np.float32(1))
        for place in range(best + 1, high):
            worse = (parts[part, place] - least) * scale
            full, little = min(worse, np.float32(1)), min(LATE * worse, np.float32(1))
            votes[place] += full + late * (min(little, full) - full)


def votes_of(parts: Floats, shares: Floats) -> Floats:
    """(B,) the votes of `vote` over all of (48, B) sums, by NumPy instead of a kernel."""
    best = np.argmin(parts, axis=1)[:, None]
    least = np.take_along_axis(parts, best, axis=1)
    worse = (parts - least) / np.maximum(least, LEAST_NOISE)
    full = np.minimum(worse, np.float32(1))
    late = np.minimum(shares / OFTEN, np.float32(1))[:, None]
    eased = full + late * (np.minimum(LATE * worse, full) - full)
    later = np.arange(parts.shape[1]) > best
    return np.asarray(np.where(later, eased, full).sum(axis=0), np.float32)


class Skips:
    """How often the distorted video leaves each part of the picture as it was.

    Attributes:
        shares: (48,) share of the last frames that left the part out, 0 to 1; `OFTEN` where nothing
            is known yet.
    """

    def __init__(self) -> None:
        self.shares: NDArray[np.float32] = np.full(PARTS, OFTEN, np.float32)
        self._seen = 0

    @property
    def left_out(self) -> np.float32:
        """The mean of the shares, 0 to 1."""
        return np.float32(self.shares.mean())

    def note(
        self, before: Signature | None, now: Signature, motion: tuple[Signature, Signature] | None
    ) -> None:
        """Take the next distorted frame.

        Args:
            before: signature of the frame before; None for the first frame.
            now: signature of this frame.
            motion: signatures of two successive reference frames from about the same time; None if
                unknown.
        """
        if before is None or motion is None:
            return
        change, moved = by_parts(now - before), by_parts(motion[1] - motion[0])
        if change.sum() < REPEATED * moved.sum():
            return
        self._seen += 1
        moving = moved > MOVING
        left_out = (change < LEFT_OUT * moved)[moving]
        self.shares[moving] += (left_out - self.shares[moving]) / min(MEMORY, self._seen)


def by_parts(difference: Floats) -> Floats:
    """(..., 48) sums of squares of (..., 2304) differences, less the shift most parts share."""
    squares, shifts = part_sums(difference * difference), part_sums(difference)
    middle = np.sort(shifts, axis=-1)[..., PARTS // 2 - 1 : PARTS // 2 + 1]
    common = middle.sum(axis=-1, keepdims=True) / np.float32(2 * TALL * WIDE)
    return np.asarray(squares - common * (2 * shifts - TALL * WIDE * common), np.float32)


def part_sums(values: Floats) -> Floats:
    """(..., 48) sums of (..., 2304) cells over each part of the picture."""
    shape = values.shape[:-1]
    across = values.reshape(*shape, -1, WIDE) @ np.ones(WIDE, np.float32)
    down = across.reshape(*shape, ROWS // TALL, TALL, COLUMNS // WIDE).sum(axis=-2)
    return np.asarray(down.reshape(*shape, PARTS))
