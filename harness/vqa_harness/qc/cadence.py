"""Repeated frames in a regular pattern: film or a lower rate shown at a higher one.

24 frames a second become 60 by showing each two and three times in turn (3:2), 30 become 60 by
showing each twice (2:2), 24 become 30 by showing every fourth twice. The pattern is read off the
frames that repeat the one before: it repeats itself, with the shortest period that fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from vqa_harness.qc.events import QcEvent
from vqa_harness.qc.spans import Timeline

PERIODS = range(2, 7)
"""Frames after which a pattern may begin anew."""
TIMES = 4
"""How many times a pattern is seen at least."""
SHORTEST = Fraction(1, 2)
"""Seconds for which a pattern is seen at least."""
DROP = 0.35
"""Share of the change of the frames around it that a frame changes by at most, if it repeats the
one before: coding leaves something.
"""
REFINED = 12.0
"""Levels that coding changes a repeat by at most."""
NEAR = 6
"""Frames on either side that are looked at for that."""
STILL = 0.5
"""Levels of 8-bit full range that a repeat changes whatever moves around it."""
MOVING = 8.0
"""Levels that new pictures change on average at least; in what moves less nothing can be told."""
NEW = 0.75
"""Share of the frames that the pattern calls new which are new; the others move too little."""


def repeats(changes: Sequence[float | None]) -> list[bool]:
    """Whether each frame repeats the one before, by the change from one to the next."""
    values = [0.0 if change is None else change for change in changes]
    found = []
    for index, change in enumerate(values):
        before = max(values[max(0, index - NEAR) : index], default=0.0)
        after = max(values[index + 1 : index + 1 + NEAR], default=0.0)
        around = min(before or after, after or before)
        bound = max(STILL, min(REFINED, DROP * around))
        found.append(changes[index] is not None and change <= bound)
    return found


def cadence_events(changes: Sequence[float | None], timeline: Timeline) -> list[QcEvent]:
    """Stretches in which frames are repeated in a pattern.

    Strength is the share of the frames that are repeats; the detail is the pattern, how often each
    picture is shown in turn.

    Args:
        changes: `vqa_harness.qc.measures.Measures.change` of each frame.
        timeline: when they are shown.
    """
    same = repeats(changes)
    spans: list[tuple[int, int, list[bool]]] = []
    first = 0
    while first < len(same):
        fit = _longest(same, first)
        if fit is not None:
            stop, period = fit
            pattern = _pattern(same, first, period)
            long = timeline.at(stop) - timeline.at(first) >= SHORTEST
            if long and _moves(changes[first:stop], same[first:stop]):
                last = spans[-1] if spans else None
                if last and _shown(last[2]) == _shown(pattern) and first - last[1] <= 2 * period:
                    spans[-1] = last[0], stop, pattern  # one frame that was no repeat lies between
                else:
                    spans.append((first, stop, pattern))
                first = stop
                continue
        first += 1
    return [
        timeline.event("repeat", first, stop, sum(pattern) / len(pattern), _shown(pattern))
        for first, stop, pattern in spans
    ]


def _moves(changes: Sequence[float | None], same: Sequence[bool]) -> bool:
    """Whether new pictures change by more than coding does."""
    new = [c for c, repeat in zip(changes, same, strict=True) if c is not None and not repeat]
    return bool(new) and sum(new) / len(new) >= MOVING


def _longest(same: Sequence[bool], first: int) -> tuple[int, int] | None:
    """Where the pattern that begins at a frame ends, and its period; None if there is none.

    A pattern begins with a new frame that is repeated, or with one that follows a repeat.
    """
    if same[first] or first + 1 >= len(same):
        return None
    best: tuple[int, int] | None = None
    for period in PERIODS:
        stop = _end(same, first, period)
        if stop - first >= TIMES * period and (best is None or stop > best[0] + period):
            best = stop, period
    return best


def _end(same: Sequence[bool], first: int, period: int) -> int:
    """Where a pattern of a period stops to hold.

    It is that of its first turns. A repeat must come where the pattern has one; where it has none,
    few frames may repeat, as where nothing moves.
    """
    if first + TIMES * period > len(same):
        return first
    pattern = _pattern(same, first, period)
    if not any(pattern) or all(pattern) or pattern[0]:
        return first
    stop, new, still = first, 0, 0
    for index in range(first, len(same)):
        if pattern[(index - first) % period]:
            if not same[index]:
                break
        else:
            new, still = (new, still + 1) if same[index] else (new + 1, still)
        if new >= NEW * (new + still):
            stop = index + 1
    return stop


def _pattern(same: Sequence[bool], first: int, period: int) -> list[bool]:
    """Whether each place of a pattern that begins at a frame repeats the place before."""
    turns = same[first : first + TIMES * period]
    return [all(turns[place::period]) for place in range(period)]


def _shown(pattern: Sequence[bool]) -> str:
    """A pattern as the numbers of times that each picture is shown: ``2:3``; ``2:2`` for each."""
    counts: list[int] = []
    for repeat in pattern:
        if repeat and counts:
            counts[-1] += 1
        else:
            counts.append(1)
    turned = [counts[i:] + counts[:i] for i in range(len(counts))]
    least = max(turned)
    return ":".join(map(str, least if len(least) > 1 else least * 2))
