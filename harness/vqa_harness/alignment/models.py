"""Models of how two videos relate in time, simplest first, and which one the pictures confirm."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Protocol

import numpy as np

from vqa_harness.alignment.best_path import Path
from vqa_harness.alignment.tracker import Tracker

SAME_RATE = (0.9, 1.1)
"""Ratios of rates between which frame-by-frame pairing is tried.

They let 24 frames per second played at 25 pass, and not 25 against 30.
"""
ACCEPTED = 36.0
"""Excess cost over the best pairing by content up to which a simpler model is confirmed.

It is the price of two jumps: one away from the model's pairs and one back. Evidence for less than
that does not contradict a model.
"""
AFTER = 1 << 40
"""A reference index that no video has."""
LOOK = 48
"""First frames from which rates are told."""
ROUNDED = 0.001
"""Seconds by which the length of a span is uncertain at most: Matroska rounds to milliseconds."""
SPAN = 8
"""Frames over which an interval is measured, because timestamps may be rounded."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Two frame rates, from the times of decoded frames.

    Attributes:
        distorted: seconds between frames of the distorted video; None if there are no times.
        reference: the same of the reference.
    """

    distorted: Fraction | None
    reference: Fraction | None

    @property
    def rates(self) -> tuple[Fraction | None, Fraction | None]:
        """Frames per second of the distorted video and of the reference; None if unknown."""
        one, two = self.distorted, self.reference
        return None if one is None else 1 / one, None if two is None else 1 / two

    @property
    def ratio(self) -> float:
        """Reference frames to one distorted frame; 1 if unknown."""
        if self.distorted is None or self.reference is None:
            return 1.0
        return float(self.distorted / self.reference)

    @property
    def similar(self) -> bool:
        """Whether the rates are so close that frames may pair one by one."""
        return SAME_RATE[0] < self.ratio < SAME_RATE[1]

    @property
    def advances(self) -> tuple[int, int]:
        """Smallest and largest advance in the reference from one distorted frame to the next."""
        if self.similar:
            return 1, 1
        return floor(self.ratio + 0.02), ceil(self.ratio - 0.02)

    @property
    def early(self) -> Fraction:
        """Seconds before its time at which a reference frame counts as shown."""
        periods = [p for p in (self.distorted, self.reference) if p is not None]
        return min(periods, default=Fraction(0)) / (2 if self.similar else 4)

    @property
    def earlies(self) -> tuple[Fraction, ...]:
        """What `early` may be where the rates differ: resamplers round times in different ways."""
        if self.similar or self.reference is None:
            return (self.early,)
        return self.early, self.reference / 50, self.reference / 2

    def expected(self, before: Fraction | None, now: Fraction | None) -> int:
        """Advance in the reference that two distorted times ask for."""
        if before is None or now is None or self.reference is None:
            return max(1, round(self.ratio))
        then, there = ((t + self.early) // self.reference for t in (before, now))
        return max(0, int(there - then))


def interval(times: Sequence[Fraction | None], rate: Fraction | None = None) -> Fraction | None:
    """Seconds between frames; None if times are missing.

    The lower quartile over spans of eight frames, because gaps only lengthen a span.

    Args:
        times: seconds of the first frames; None where unknown.
        rate: frames per second as the container says; it is believed where the times, rounded to
            milliseconds, agree with it.
    """
    known = [t for t in times if t is not None]
    if len(known) < max(2, len(times)):
        return None
    span = min(SPAN, len(known) - 1)
    steps = sorted((b - a) / span for a, b in zip(known, known[span:], strict=False))
    usual = steps[len(steps) // 4]
    if rate is not None and abs(float(usual * rate) - 1) < ROUNDED / (span * float(usual or 1)):
        return 1 / rate
    return usual if usual > 0 else None


class ReferenceTimes(Protocol):
    """Times of the reference's frames, read as far as asked for."""

    def times_until(self, time: Fraction) -> Sequence[Fraction]:
        """Times of all frames from the first to one after ``time``, or to the last."""


class Model(Protocol):
    """Which reference frame belongs to a distorted one."""

    @property
    def name(self) -> str:
        """``index``, ``time``, ``offset``, ``rate`` or ``content``."""

    def target(self, index: int, time: Fraction | None, reference: ReferenceTimes) -> int:
        """Reference index for a distorted frame; may lie outside the reference."""


@dataclass(frozen=True, slots=True)
class IndexModel:
    """Same number, or numbers ``offset`` apart (positive: the reference begins earlier)."""

    offset: int = 0

    @property
    def name(self) -> str:
        """See `Model.name`."""
        return "offset" if self.offset else "index"

    def target(self, index: int, time: Fraction | None, reference: ReferenceTimes) -> int:
        """See `Model.target`."""
        return index + self.offset


@dataclass(frozen=True, slots=True)
class TimeModel:
    """The reference frame on screen at the distorted frame's time.

    Attributes:
        early: seconds before its time at which a reference frame counts as shown.
        offset: reference frames to add.
        similar: whether the rates are about the same.
    """

    early: Fraction
    offset: int = 0
    similar: bool = True

    @property
    def name(self) -> str:
        """See `Model.name`."""
        if not self.similar:
            return "rate"
        return "offset" if self.offset else "time"

    def target(self, index: int, time: Fraction | None, reference: ReferenceTimes) -> int:
        """See `Model.target`."""
        if time is None:
            return index + self.offset
        time += self.early
        times = reference.times_until(time)
        place = bisect_right(times, time) - 1
        if place == len(times) - 1 and len(times) > 1:
            period = (times[-1] - times[0]) / (len(times) - 1)
            place += int((time - times[-1]) / period)
        return place + self.offset


@dataclass(frozen=True, slots=True)
class ContentModel:
    """A pairing found by content."""

    path: Path
    name: str = "content"

    def target(self, index: int, time: Fraction | None, reference: ReferenceTimes) -> int:
        """See `Model.target`; -1 without a partner, `AFTER` behind the last frame that has one."""
        if index > self.path.last:
            return AFTER
        return int(self.path.reference[index])


class KnownTimes:
    """A list of known times, as `ReferenceTimes`."""

    def __init__(self, times: Sequence[Fraction | None]) -> None:
        self._times = [t for t in times if t is not None]

    def times_until(self, time: Fraction) -> Sequence[Fraction]:
        """See `ReferenceTimes.times_until`."""
        return self._times


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that was chosen.

    Attributes:
        model: the pairing.
        path: the best pairing by content, which confirmed it or is it.
        excess: cost of the model beyond that of ``path``.
        shifts: other constant shifts, in reference frames, that fit as well.
    """

    model: Model
    path: Path
    excess: float
    shifts: tuple[int, ...]


def choose(
    tracker: Tracker,
    path: Path,
    times: Sequence[Fraction | None],
    ref_times: Sequence[Fraction | None],
    cadence: Cadence,
) -> Choice:
    """The simplest model that costs hardly more than the best pairing by content.

    An offset that other offsets could replace is not taken: the model is then the one without, and
    ``shifts`` says why.

    Args:
        tracker: which saw the frames.
        path: the best pairing by content, of `best_path`.
        times: seconds of each distorted frame; None where unknown.
        ref_times: the same of the reference frames.
        cadence: the two frame rates.
    """
    known = KnownTimes(ref_times)
    timed = cadence.distorted is not None and cadence.reference is not None
    shifts = ambiguous_shifts(tracker, path)
    for model in _candidates(path, times, known, cadence, timed=timed):
        pairing = _pairing(model, times, known, len(ref_times))
        excess = tracker.costs_of(pairing) - path.cost
        if excess <= ACCEPTED:
            if isinstance(model, IndexModel | TimeModel) and model.offset and shifts:
                model = replace(model, offset=0)
            return Choice(model, path, max(0.0, excess), shifts)
    return Choice(ContentModel(path), path, 0.0, shifts)


def ambiguous_shifts(tracker: Tracker, path: Path) -> tuple[int, ...]:
    """Shifts of the whole pairing that stay within the reference and fit as well, nearest first.

    Frames that show the same picture either way say nothing of a shift.
    """
    matched = [i for i, j in enumerate(path.reference) if j >= 0]
    if not matched:
        return ()
    noise = tracker.noise()
    first, last = path.reference[matched[0]], path.reference[matched[-1]]
    sums: defaultdict[int, float] = defaultdict(float)
    counts: Counter[int] = Counter()
    others: Counter[int] = Counter()
    pictures = tracker.reference.picture.array
    for index in matched[:: max(1, len(matched) // 400)]:
        frame = tracker.frames[index]
        row = frame.row.astype(np.float32)
        own = int(path.reference[index]) - frame.base
        worse = np.clip((row - row[own]) / max(noise[index], row[own]), -1, 5)
        shown = pictures[path.reference[index]]
        for place in np.flatnonzero(np.isfinite(row)):
            shift = int(place) - own
            counts[shift] += 1
            if pictures[frame.base + place] != shown:
                sums[shift] += float(worse[place])
                others[shift] += 1
    need = max(counts.values()) * 0.9
    end = tracker.reference.count if tracker.reference.ended else 1 << 60
    equal = [
        shift
        for shift, count in counts.items()
        if shift and count >= need and first + shift >= 0 and last + shift < end
        if others[shift] and sums[shift] / others[shift] < 0.05
    ]
    return tuple(sorted(equal, key=lambda s: (abs(s), s)))


def _candidates(
    path: Path,
    times: Sequence[Fraction | None],
    known: KnownTimes,
    cadence: Cadence,
    *,
    timed: bool,
) -> list[Model]:
    """The models to try, simplest first; the offsets are the commonest among pairs of ``path``."""
    matched = [(i, int(j)) for i, j in enumerate(path.reference) if j >= 0]
    models: list[Model] = [IndexModel()] if cadence.similar else []
    by_time = [TimeModel(early, 0, cadence.similar) for early in cadence.earlies if timed]
    models += by_time
    if matched and cadence.similar:
        models.append(IndexModel(Counter(j - i for i, j in matched).most_common(1)[0][0]))
    for model in by_time if matched else ():
        gaps = Counter(j - model.target(i, times[i], known) for i, j in matched)
        models += [replace(model, offset=offset) for offset, _ in gaps.most_common(2)]
    return models


def _pairing(
    model: Model, times: Sequence[Fraction | None], known: KnownTimes, count: int
) -> list[int | None]:
    targets = (model.target(i, t, known) for i, t in enumerate(times))
    return [j if 0 <= j < count else None for j in targets]
