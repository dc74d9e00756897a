"""Checking an assumed pairing while frames stream by, and what it is judged by afterwards."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf, sqrt
from statistics import median

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.assumed import BARELY, LEAD, AssumedPair, Bound, stands_out
from vqa_harness.alignment.band import AROUND, ReferenceBand
from vqa_harness.alignment.best_path import MOST
from vqa_harness.alignment.models import ACCEPTED
from vqa_harness.alignment.search import (
    ALIEN,
    ALIEN_ENTER,
    JUMP,
    MATCHED,
    OTHER_ADVANCE,
    UNREACHED,
    Floats,
    advance,
    hold_costs,
    moves_on,
    start,
)
from vqa_harness.alignment.signatures import Signature, distance, energy
from vqa_harness.alignment.tracker import EXPECTED, FLOOR, Tracker
from vqa_harness.alignment.votes import Skips
from vqa_harness.stats.pooling import percentiles

LOST = 8.0
"""Distance over the usual one, from which a frame may show something far off in the reference.

The search looks at a narrow band only. Where the distorted video jumps out of it all candidates fit
equally badly, no move is cheaper than staying, and the excess does not grow; but the distance does.
"""
LOST_FRAMES = 4
"""So many such frames in a row are a disagreement; fewer may be damage or a scene cut."""
NEIGHBOURS = 2
"""Pictures to each side that a pairing must beat to count as supported."""
Places = tuple[int, int]
"""The first place of a run in a band, and one past its last."""
PENDING = 4096
"""Most frames whose scoring is put off, which bounds memory and the pause when they are scored."""
PROOF = 1.3
"""How many times as far as the pairs assumed all pairs three or more frames off must be.

Pairs one or two frames off may fit nearly as well in a slow scene; `Monitor` goes on looking at
those.
"""
CLOSER = 0.98
"""Share of the distance of the pairs assumed that pairs one or two frames off must not go below."""


class Support:
    """Distances of the pairs made, and how many of them their neighbours cannot rival."""

    def __init__(self) -> None:
        self.distances = array("f")
        self.supported = 0
        self.blended = 0
        """Pairs whose distorted frame is a mixture of two reference frames."""
        self.pictures: NDArray[np.int64] | None = None
        """Which picture each reference frame shows, as far as the reference was looked at."""

    def add(
        self,
        row: Sequence[float],
        place: int,
        same: Places | None = None,
        near: Places | None = None,
    ) -> None:
        """Take a pair.

        Args:
            row: squared distances of a band, inf where there is no frame.
            place: the place of the partner.
            same: first place that shows the partner's picture, and one past the last.
            near: the same of that picture and `NEIGHBOURS` pictures to both sides.

        A pair that no other picture stands beside could not be taken for another.
        """
        own = row[place]
        self.distances.append(own)
        first, stop = same or (place, place + 1)
        begin, end = near or (first - NEIGHBOURS, stop + NEIGHBOURS)
        beside = min((*row[max(0, begin) : max(0, first)], *row[stop:end]), default=inf)
        self.supported += stands_out(own, beside)

    @property
    def confidence(self) -> float:
        """Share of the pairs that the pictures tell from pairs a picture or two off."""
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

    What counts is the excess: what the pairs assumed cost beyond the best pairing. A step of the
    search is dear, and where nothing was cut hardly any is needed. So scoring is put off, pair by
    pair, while `Bound` shows from a few numbers that the excess cannot be too large. Three things
    end that: a partner is beyond doubt, and the pairs before it are dropped unscored; the bound is
    too large, and the search finds the true excess; or too many pairs wait.

    The kernels run as plain Python here (``.python``), because only a few pairs are scored in most
    runs, and importing Numba alone takes a second.

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
        self._excess = 0.0
        """Cost of the pairs assumed beyond that of the best ones, as far as they were scored."""
        self._bound = Bound()
        """What the excess of all pairs so far, scored or put off, cannot exceed."""
        self._pending: list[AssumedPair] = []
        self._scored: int | None = None
        """The last partner that `_scores` are for."""
        self._recent: list[float] = []
        """The smallest distances of the last frames."""
        self._usual = 0.0
        """Median of the recent distances, from which the noise is taken."""
        self._against: list[float] = []
        """Votes against the last pairs assumed, beyond the fewest."""
        self._skips = Skips()
        self._last: Signature | None = None
        self._target: int | None = None
        self._lost = 0

    def needs(self, target: int) -> int:
        """Reference frames that must have been added before `check`."""
        return target + self.half + 1

    def check(self, signature: Signature, target: int, *, marred: bool = False) -> bool:
        """Take the next distorted frame; whether the pictures still agree with its partner.

        Frames whose partner lies outside the reference are not judged. One that is ``marred`` is
        not taken for a mixture: what damage leaves of two pictures is between them too.
        """
        if not 0 <= target < self.reference.count:
            return True
        row = self.reference.near(signature, target - self.half, self._size)
        distances = row.tolist()
        (first, stop), near = places_around(self.reference, target, target - self.half)
        self.support.add(distances, self.half, (first, stop), near)
        self.support.pictures = self.reference.picture.array
        own = distances[self.half]
        rival = min((*distances[: max(0, first)], *distances[stop:]), default=inf)
        if not marred and not stands_out(own, rival):
            self.support.blended += self.reference.is_blend(signature, target)
        usual = self._usual if self._recent else own
        self._recent = [*self._recent[-AROUND:], min(own, rival)]
        self._usual = median(self._recent)
        self._defer(self._pair(signature, row, own, rival, target))
        self._last, self._target = signature, target
        apart = min(4, self.half)
        # a picture that only got noisier still fits better here than a few frames off
        sharper = own <= 0.95 * min(distances[self.half - apart], distances[self.half + apart])
        self._lost = 0 if sharper or own < LOST * max(FLOOR, usual) else self._lost + 1
        return self._excess <= ACCEPTED and self._lost < LOST_FRAMES

    def _pair(
        self, signature: Signature, row: Floats, own: float, rival: float, target: int
    ) -> AssumedPair:
        """What is known of a frame and its assumed partner."""
        clear = stands_out(own, rival)
        if not clear:
            self._skips.note(self._last, signature, self.reference.step_to(target))
        change = 0.0 if self._last is None else distance(signature, self._last)
        pair = AssumedPair(
            target,
            row,
            own,
            rival,
            energy=np.float32(energy(signature)),
            change=np.float32(change),
            noise=np.float32(max(FLOOR, self._usual)),
            motion=self.reference.motion_around(target),
            left_out=self._skips.left_out,
        )
        against = 0.0
        if not clear:
            base, shares = target - self.half, self._skips.shares
            pair.votes = self.reference.votes_near(signature, base, self._size, shares)
            pair.usual = median(self._against) if self._against else EXPECTED
            fewest = float(pair.votes[np.isfinite(row)].min())
            against = min(MOST, float(pair.votes[self.half]) - fewest)
        self._against = [*self._against[-AROUND:], against]
        return pair

    def _defer(self, pair: AssumedPair) -> None:
        """Put off scoring a pair while the evidence against all pairs so far cannot matter."""
        bound = self._bound
        own, other = pair.least_costs(self.reference.energy.array)
        # where the lead is that large, moves cannot matter, and their prices need not be found
        sure = bound.certain and other >= own + LEAD
        bound.add(own, other, *((0.0, 0.0) if sure else self._least_moves(pair)))
        self._pending.append(pair)
        if bound.certain and bound.locked <= self._excess:
            # every likely way leads through this partner and the excess did not grow: what came
            # before cannot change the rest, so the search may begin here as if it were the start
            self._pending.clear()
            self._scores[:] = LEAD
            self._scores[MATCHED, self.half] = 0
            self._scored = pair.target
        elif bound.certain or bound.excess > ACCEPTED or len(self._pending) >= PENDING:
            self._settle()

    def _least_moves(self, pair: AssumedPair) -> tuple[float, float]:
        """Least prices of leaving the pairs assumed with this frame, and of coming back to them."""
        last = self._target
        if last is None or pair.target <= last:
            return 0.0, 0.0
        usual = self._low == self._high == pair.target - last
        moved = float(min(JUMP, ALIEN_ENTER) if usual else OTHER_ADVANCE)
        prices = (self._hold_price(pair, target) for target in (last, pair.target))
        leave, back = (min(moved, price) for price in prices)
        return leave, back

    def _hold_price(self, pair: AssumedPair, target: int) -> float:
        """Least price of the frame's being a repeat of that reference frame."""
        motion, trend = self.reference.motion.array[target], self.reference.trend.array[target]
        moves = moves_on.python(motion, trend, pair.noise)
        return float(min(hold_costs.python(pair.change, pair.noise, motion, pair.left_out, moves)))

    def _settle(self) -> None:
        """Score the pairs put off, and begin the bound from what was found."""
        for pair in self._pending:
            self._score(pair)
        self._pending.clear()
        here = self._scores[:ALIEN, self.half].min()
        rest = self._scores.copy()
        rest[:ALIEN, self.half] = UNREACHED
        self._bound.restart(self._excess, float(here), float(rest.min()))

    def _score(self, pair: AssumedPair) -> None:
        """Take one step of the search; scores stay relative to the best, so float32 is enough."""
        reference = self.reference
        base = pair.target - self.half
        costs = pair.costs(reference.energy.array)
        new = np.full_like(self._scores, UNREACHED)
        if self._scored is None:
            start.python(costs, pair.least, pair.energy, base, new)
        else:
            step = pair.target - self._scored
            advance.python(
                costs,
                pair.alien,
                pair.change,
                pair.noise,
                pair.left_out,
                reference.motion.array,
                reference.trend.array,
                reference.repeated.array,
                base,
                step,
                step,
                self._low,
                self._high,
                self._scores,
                new,
                np.empty(new.shape, np.int16),
            )
        best = np.float32(new.min())
        self._excess += float(costs[self.half]) - float(best)
        self._scores = np.minimum(new - best, UNREACHED)
        self._scored = pair.target


def support_of(tracker: Tracker, pairing: Sequence[int]) -> Support:
    """Judge pairs by the distances that a `Tracker` kept.

    Args:
        tracker: which saw all distorted frames.
        pairing: reference index of each distorted frame, -1 for no partner.
    """
    support = Support()
    support.pictures = tracker.reference.picture.array
    for frame, target in zip(tracker.frames, pairing, strict=False):
        place = target - frame.base
        if target >= 0 and 0 <= place < tracker.size:
            row = frame.row.tolist()
            if row[place] < inf:
                support.add(row, place, *places_around(tracker.reference, target, frame.base))
                support.blended += frame.blend
    return support


def places_around(reference: ReferenceBand, target: int, base: int) -> tuple[Places, Places]:
    """Which places of a band from ``base`` on show the picture of ``target``, and those beside."""
    (first, stop), (begin, end) = (reference.same_picture(target, n) for n in (0, NEIGHBOURS))
    return (first - base, stop - base), (begin - base, end - base)


def proven(distorted: Sequence[Signature], reference: Sequence[Signature]) -> bool:
    """Whether the first frames leave no doubt that equal numbers belong together.

    Shifts of three frames and more must fit clearly worse, and none better than the pairing itself.

    Args:
        distorted: signatures of the first frames of the distorted video.
        reference: signatures of the first frames of the reference.
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
    return far > PROOF * own and near > CLOSER * shifted[0]
