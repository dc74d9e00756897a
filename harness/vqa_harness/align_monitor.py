"""Checking an assumed pairing while frames stream by, and what it is judged by afterwards."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

import numpy as np

from vqa_harness.align_band import AROUND, ReferenceBand
from vqa_harness.align_content import EXPECTED, FLOOR, MOST, Tracker
from vqa_harness.align_models import ACCEPTED
from vqa_harness.align_steps import (
    UNREACHED,
    Floats,
    advance,
    alien_cost,
    evidence,
    start,
    vote_costs,
)
from vqa_harness.align_votes import Skips
from vqa_harness.pooling import percentiles
from vqa_harness.signatures import Signature, distance, energy

LOST = 8.0  # distance over noise of frames that may be elsewhere in the reference
LOST_FRAMES = 4
NEIGHBOURS = 2  # frames to each side that a pairing must beat to count as supported
SUPPORT = 0.9
BARELY = 0.001  # squared levels
PENDING = 4096  # frames put off at most
PROOF = 1.3  # distance of pairs three or more frames off, over that of the pairs assumed


class Support:
    """Distances of the pairs made, and how many of them their neighbours cannot rival."""

    def __init__(self) -> None:
        self.distances = array("f")
        self.supported = 0

    def add(self, row: Floats, place: int) -> None:
        """Take a pair: squared distances of a band, and the place of the partner."""
        own = float(row[place])
        self.distances.append(own)
        beside = [
            float(row[k])
            for k in range(max(0, place - NEIGHBOURS), min(row.size, place + NEIGHBOURS + 1))
            if k != place and np.isfinite(row[k])
        ]
        self.supported += bool(beside) and own + BARELY < SUPPORT * min(beside)

    @property
    def confidence(self) -> float:
        """Share of the pairs that the pictures tell from pairs a frame or two off."""
        return self.supported / len(self.distances) if self.distances else 0.0

    def residual(self) -> dict[str, float]:
        """Median, 95th percentile and maximum of the pairs' difference: RMS in 8-bit levels."""
        if not self.distances:
            return {}
        points = percentiles([sqrt(one) for one in self.distances], (50, 95, 100))
        names = ("median", "p95", "max")
        return {name: round(point, 4) for name, point in zip(names, points, strict=True)}


class Monitor:
    """Follows an assumed pairing with the search of `Tracker` in a narrow band around it.

    The search itself is put off until the pairs assumed may cost too much: what they cost by
    themselves is cheap to tell, and no less than what they cost beyond the best ones.

    Args:
        half: reference frames to each side that are looked at.
        low: smallest advance in the reference that the rates allow.
        high: the largest.
    """

    def __init__(self, half: int, low: int, high: int) -> None:
        self.half = half
        self.reference = ReferenceBand(8 * half + 8 * max(1, high) + 64)
        self.support = Support()
        self._low, self._high = low, high
        self._size = 2 * half + 1
        self._scores = np.full((3, self._size), UNREACHED, np.float32)
        self._assumed = 0.0  # cost of the pairs assumed, beyond that of the best ones
        self._bound = 0.0  # which it does not exceed, frames put off included
        self._pending: list[_Pair] = []
        self._recent: list[float] = []
        self._against: list[float] = []  # votes against the pairs assumed, beyond the fewest
        self._skips = Skips()
        self._last: Signature | None = None
        self._target: int | None = None
        self._lost = 0

    def needs(self, target: int) -> int:
        """Reference frames that must have been added before `check`."""
        return target + self.half + 1

    def check(self, signature: Signature, target: int) -> bool:
        """Take the next distorted frame; whether the pictures still agree with its partner.

        Frames whose partner lies outside the reference are not judged.
        """
        if not 0 <= target < self.reference.count:
            return True
        base = target - self.half
        row = self.reference.near(signature, base, self._size)
        self.support.add(row, self.half)
        own = float(row[self.half])
        usual = median(self._recent) if self._recent else own
        self._recent = [*self._recent[-AROUND:], float(np.min(row))]
        self._defer(signature, row, target, np.float32(max(FLOOR, median(self._recent))))
        apart = min(4, self.half)
        sharper = own <= 0.95 * float(min(row[self.half - apart], row[self.half + apart]))
        self._lost = 0 if sharper or own < LOST * max(FLOOR, usual) else self._lost + 1
        return self._assumed <= ACCEPTED and self._lost < LOST_FRAMES

    def _defer(self, signature: Signature, row: Floats, target: int, noise: np.float32) -> None:
        """Put off scoring a frame while the evidence against all pairs so far cannot matter."""
        base = target - self.half
        own = np.float32(energy(signature))
        change = 0.0 if self._last is None else distance(signature, self._last)
        costs, least = self._costs(signature, row, target, own, noise)
        band = slice(max(0, base), base + self._size)
        following = self.reference.motion.array[band].copy()
        trend = self.reference.trend.array[band].copy()
        pair = _Pair(
            target,
            costs,
            least,
            own,
            np.float32(change),
            noise,
            self._skips.left_out,
            following,
            trend,
        )
        self._pending.append(pair)
        self._last = signature
        self._bound += float(costs[self.half])
        if self._bound > ACCEPTED or len(self._pending) >= PENDING:
            self._settle()

    def _costs(
        self, signature: Signature, row: Floats, target: int, own: np.float32, noise: np.float32
    ) -> tuple[Floats, np.float32]:
        """Costs of the band, and the smallest distance; parts are looked at where it is close."""
        base = target - self.half
        costs = np.empty(self._size, np.float32)
        known = self.reference.energy.array
        others = np.delete(row, self.half)
        if float(row[self.half]) + BARELY < SUPPORT * float(others.min()):
            self._against = [*self._against[-AROUND:], 0.0]
            motion = self.reference.motion_around(target)
            return costs, evidence.python(row, base, noise, motion, own, known, costs)
        self._skips.note(self._last, signature, self.reference.step_to(target))
        votes = self.reference.votes_near(signature, base, self._size, self._skips.shares)
        usual = np.float32(median(self._against) if self._against else EXPECTED)
        left_out = self._skips.left_out
        motion = self.reference.motion_around(target)
        least = vote_costs.python(
            row, votes, base, usual, left_out, noise, motion, own, known, costs
        )
        beyond = float(votes[self.half] - votes[np.isfinite(row)].min())
        self._against = [*self._against[-AROUND:], min(MOST, beyond)]
        return costs, least

    def _settle(self) -> None:
        """Score the frames put off."""
        for pair in self._pending:
            self._score(pair)
        self._pending.clear()
        self._bound = self._assumed

    def _score(self, pair: _Pair) -> None:
        base = pair.target - self.half
        new = np.full_like(self._scores, UNREACHED)
        if self._target is None:
            start.python(pair.costs, pair.least, pair.energy, base, new)
            self._assumed = 0.0
        else:
            step = pair.target - self._target
            advance.python(
                pair.costs,
                alien_cost.python(pair.least, pair.energy),
                pair.change,
                pair.noise,
                pair.left_out,
                pair.following,
                pair.trend,
                min(0, base),
                step,
                step,
                self._low,
                self._high,
                self._scores,
                new,
                np.empty(new.shape, np.int16),
            )
        best = np.float32(new.min())
        self._assumed += float(pair.costs[self.half]) - float(best)
        self._scores = np.minimum(new - best, UNREACHED)
        self._target = pair.target


@dataclass(frozen=True, slots=True)
class _Pair:
    """What scoring needs of a distorted frame and its assumed partner.

    Attributes:
        target: the partner.
        costs: of `evidence`, or of `vote_costs`.
        least: likewise.
        energy: mean square of the distorted signature.
        change: its squared distance to the one before.
        noise: squared distance of true pairs hereabouts.
        left_out: share of the parts of the picture that are left out hereabouts.
        following: squared distance of each reference frame of the band to its next.
        trend: the same to the fourth after it.
    """

    target: int
    costs: Floats
    least: np.float32
    energy: np.float32
    change: np.float32
    noise: np.float32
    left_out: np.float32
    following: Floats
    trend: Floats


def support_of(tracker: Tracker, pairing: Sequence[int]) -> Support:
    """The same judgement of pairs, from the distances that a `Tracker` kept; -1 for no partner."""
    support = Support()
    for frame, target in zip(tracker.frames, pairing, strict=False):
        place = target - frame.base
        if target >= 0 and 0 <= place < tracker.size:
            row = frame.row.astype(np.float32)
            if np.isfinite(row[place]):
                support.add(row, place)
    return support


def proven(distorted: Sequence[Signature], reference: Sequence[Signature]) -> bool:
    """Whether the first frames leave no doubt that equal numbers belong together.

    Shifts of three frames and more must fit clearly worse, and none better than the pairing itself.

    Args:
        distorted: signatures of the first frames.
        reference: likewise, as many.
    """
    count = min(len(distorted), len(reference))
    reach = count // 3
    if reach < 4:
        return False
    middle = range(reach, count - reach)
    shifted = {
        shift: float(np.mean([distance(distorted[i], reference[i + shift]) for i in middle]))
        for shift in range(-reach, reach + 1)
    }
    own = shifted[0] + BARELY
    near = min(shifted[s] for s in (-2, -1, 1, 2))
    far = min(value for shift, value in shifted.items() if abs(shift) >= 3)
    return far > PROOF * own and near > 0.98 * shifted[0]
