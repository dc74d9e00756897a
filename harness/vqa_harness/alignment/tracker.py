"""Pairing by content: which reference frame each distorted frame shows, found from signatures.

`Tracker` takes the signatures of both streams as they are decoded and keeps the distances of every
distorted frame to a band of reference frames around the likeliest one; `best_path` then finds the
monotone pairing of least cost over the whole video. Memory is a band of signatures plus half a
kilobyte for each frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vqa_harness.alignment.band import AROUND, Growing, ReferenceBand
from vqa_harness.alignment.evidence import vote_costs
from vqa_harness.alignment.guide import Guide
from vqa_harness.alignment.search import (
    ALIEN,
    JUMP,
    UNREACHED,
    Floats,
    advance,
    alien_cost,
    start,
    trust,
)
from vqa_harness.alignment.signatures import Signature, distance, energy
from vqa_harness.alignment.votes import Skips

FLOOR = 0.01
"""Noise in squared levels, at least: a lossless video has none, and distances are divided by it.

The noise is a running median and never that of the first frame. An intra frame is coded so well
that many of the frames after it would look like strangers.
"""
EXPECTED = 1.5
"""Usual votes against the right frame beyond the fewest, as long as nothing is known."""
STRANGE = 12.0
"""Cost of a pair that lies outside the band, on top of the price of a frame without a partner."""


@dataclass(slots=True)
class _Frame:
    """What is remembered of a distorted frame: about half a kilobyte.

    Attributes:
        base: reference index of the first place of its band.
        expected: advance in the reference that its time asks for.
        energy: mean square of its signature.
        change: squared distance of its signature to that of the frame before.
        row: (B,) squared distances to the reference frames of the band; inf where there is none.
        votes: (B,) votes against these.
        left_out: share of the parts of the picture that were left out hereabouts.
        blend: whether it is a mixture of two reference frames.
    """

    base: int
    expected: int
    energy: np.float32
    change: np.float32
    row: NDArray[np.float16]
    votes: NDArray[np.float16]
    left_out: np.float32
    blend: bool


class Tracker:
    """Follows the distorted frames through the reference and remembers distances.

    Args:
        half: reference frames to each side of the likeliest one that are compared.
        low: smallest advance in the reference that the two rates allow.
        high: the largest.
        guide: about where each distorted frame lies; None to follow the likeliest frames alone.

    Attributes:
        reference: what is remembered of the reference.
        frames: what is remembered of each distorted frame.
        least: squared distance of each to the reference frame that it is most like.
        usual: votes against the right frame that are usual around each.
    """

    def __init__(self, half: int, low: int = 1, high: int = 1, guide: Guide | None = None) -> None:
        self.half, self.size = half, 2 * half + 1
        self.low, self.high = low, high
        self._guide = guide
        self.reference = ReferenceBand(2 * self.size)
        self.frames: list[_Frame] = []
        self.least = Growing()
        self.usual = Growing()
        self._skips = Skips()
        self._scores = np.full((3, self.size), UNREACHED, np.float32)
        self._last: Signature | None = None

    def needs(self, expected: int) -> int:
        """Reference frames that must have been added before `add`."""
        return self._base(expected) + self.size

    def add(self, signature: Signature, expected: int, *, marred: bool = False) -> None:
        """Take the next distorted signature; ``expected`` is the advance that its time asks for.

        One that is ``marred`` by damage is not taken for a mixture.
        """
        base = self._base(expected)
        self._skips.note(self._last, signature, self.reference.step_to(self._likeliest(expected)))
        row, votes = self.reference.compare(signature, base, self.size, self._skips.shares)
        change = 0.0 if self._last is None else distance(signature, self._last)
        # float16 halves the memory of a frame; its largest number is 65504, and inf means no frame
        distances = np.minimum(row, 60000).astype(np.float16)
        distances[np.isinf(row)] = np.inf
        self.frames.append(
            _Frame(
                base=base,
                expected=expected,
                energy=np.float32(energy(signature)),
                change=np.float32(change),
                row=distances,
                votes=votes.astype(np.float16),
                left_out=self._skips.left_out,
                blend=not marred and self.reference.is_blend(signature, base + int(np.argmin(row))),
            )
        )
        self._last = signature
        recent = self.least.array[-AROUND:]
        least = float(np.min(row))
        self.least.append(least)
        noise = max(FLOOR, median([*recent.tolist(), least]))
        self.usual.append(EXPECTED)
        self._scores, _, _ = self.step(len(self.frames) - 1, np.float32(noise), self._scores, None)

    def noise(self) -> Floats:
        """(n,) squared distance of true pairs around each distorted frame."""
        values = self.least.array.astype(np.float64)
        values = np.minimum(values, 60000.0)
        padded = np.pad(values, AROUND, mode="edge")
        smooth = np.median(sliding_window_view(padded, 2 * AROUND + 1), axis=-1)
        return np.asarray(np.maximum(smooth, FLOOR), np.float32)

    def costs_of(self, pairing: Sequence[int | None]) -> float:
        """The cost of another pairing (reference index, or None) under the same rules."""
        noise = self.noise()
        total, last = 0.0, None
        for index, target in enumerate(pairing):
            frame = self.frames[index]
            costs, alien = self._evidence(index, noise[index])
            place = None if target is None else target - frame.base
            if target is None:
                total += float(alien)
            elif place is None or not 0 <= place < self.size or costs[place] >= UNREACHED:
                total += float(alien) + STRANGE
            else:
                total += float(costs[place])
            if target is not None and last is not None:
                step = target - last
                explained = step == frame.expected or self.low <= step <= self.high
                if not explained and not 0 < step <= self.reference.repeated.array[target]:
                    total += float(JUMP)
            last = target if target is not None else last
        return total

    def _likeliest(self, expected: int) -> int:
        """About the reference frame that the next distorted one shows."""
        if not self.frames:
            return 0
        return self.frames[-1].base + int(np.argmin(self._scores.min(axis=0))) + expected

    def _base(self, expected: int) -> int:
        """The first reference index of the next frame's band.

        The band follows the best score, which may be wrong for a while. It never moves back: the
        reference signatures before it may be forgotten, and `advance` expects a band that moves on.
        """
        guided = None if self._guide is None else self._guide.centre(len(self.frames))
        if not self.frames:
            return -self.half + max(0, guided or 0)
        last = self.frames[-1].base
        if guided is not None:
            return max(last, guided - self.half)
        together = self._scores.min(axis=0)
        place = int(np.argmin(together))
        matched = self._scores[ALIEN, place] > together[place]
        centre = last + place + (expected if matched else 0)
        base = max(last, centre - self.half)
        if self.reference.ended:
            base = max(last, min(base, self.reference.count - 1 - self.half))
        return base

    def _evidence(self, index: int, noise: np.float32) -> tuple[Floats, np.float32]:
        """(B,) costs of pairing a frame, and the price of giving it no partner."""
        frame = self.frames[index]
        row = frame.row.astype(np.float32)
        costs = np.empty(self.size, np.float32)
        votes, usual = frame.votes.astype(np.float32), self.usual.array[index]
        energies = self.reference.energy.array
        motion = self.reference.motion_around(frame.base + int(np.argmin(row)))
        least = vote_costs(
            row,
            votes,
            frame.base,
            usual,
            trust(frame.left_out),
            noise,
            motion,
            frame.energy,
            energies,
            costs,
        )
        return costs, alien_cost(least, frame.energy)

    def step(
        self, index: int, noise: np.float32, scores: Floats, back: NDArray[np.int16] | None
    ) -> tuple[Floats, Floats, np.float32]:
        """Scores of frame ``index`` from those of the one before; also its costs."""
        frame = self.frames[index]
        costs, alien = self._evidence(index, noise)
        new = np.empty_like(scores)
        if index == 0:
            least = np.float32(np.min(frame.row))
            start(costs, least, frame.energy, frame.base, new)
            return new, costs, alien
        back = np.empty(new.shape, np.int16) if back is None else back
        shift = frame.base - self.frames[index - 1].base
        motion = self.reference.motion.array
        advance(
            costs,
            alien,
            frame.change,
            noise,
            frame.left_out,
            motion,
            self.reference.trend.array,
            self.reference.repeated.array,
            frame.base,
            shift,
            frame.expected,
            self.low,
            self.high,
            scores,
            new,
            back,
        )
        return new, costs, alien
