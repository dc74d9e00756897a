"""What happened between two videos, read off a pairing: drops, repeats, freezes, both ends."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil

from vqa_harness.alignment.showing import Showing

FREEZE = 5
"""Repeats in a row from which they are reported as a freeze."""
Span = tuple[int, int]
"""The first index of a run of frames, and one past its last."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A run of repeats.

    Attributes:
        start: first distorted frame that repeats the one before.
        stop: one past the last.
        reference: the reference frame they show.
    """

    start: int
    stop: int
    reference: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Successive distorted frames of one kind.

    Attributes:
        kind: ``matched``, ``frozen`` or ``unmatched``.
        start: first distorted frame.
        stop: one past the last.
        ref_start: first reference frame; None for ``unmatched``.
        ref_stop: one past the last.
    """

    kind: str
    start: int
    stop: int
    ref_start: int | None = None
    ref_stop: int | None = None


@dataclass(slots=True)
class Events:
    """What happened between two videos, as a pairing shows it.

    Attributes:
        dropped: reference frames between paired ones whose picture the distorted video never
            shows.
        duplicated: distorted frames that repeat the one before, in short runs, while the reference
            shows another picture.
        frozen: longer runs of repeats, as freezes.
        unmatched: spans of distorted frames without a partner while the reference has frames left:
            between pairs, or at an end at which the reference does not begin or end.
        head: frames before the first pair, of the distorted and of the reference.
        tail: frames after the last pair, of the distorted and of the reference.
        segments: the whole distorted video, in order.
    """

    dropped: list[int] = field(default_factory=list)
    duplicated: list[int] = field(default_factory=list)
    frozen: list[Freeze] = field(default_factory=list)
    unmatched: list[Span] = field(default_factory=list)
    head: tuple[int, int] = (0, 0)
    tail: tuple[int, int] = (0, 0)
    segments: list[Segment] = field(default_factory=list)


def find_events(
    pairing: Sequence[int], reference_frames: int, ratio: float, showing: Showing | None = None
) -> Events:
    """The events of a pairing.

    Args:
        pairing: for each distorted frame its reference index, ascending, -1 for none.
        reference_frames: how many the reference has.
        ratio: reference frames to one distorted frame, as the rates tell; 1 for equal rates.
        showing: which pictures the reference shows, and when; None if nothing is known of it.
    """
    events = Events()
    showing = showing or Showing()
    matched = [i for i, j in enumerate(pairing) if j >= 0]
    if not matched:
        events.head = (len(pairing), reference_frames)
        return events
    first, last = matched[0], matched[-1]
    stride = stride_of(ratio)
    events.head = (first, max(0, pairing[first] - (stride - 1)))
    events.tail = (
        len(pairing) - 1 - last,
        max(0, reference_frames - pairing[last] - stride),
    )
    events.unmatched = _gaps(matched)
    _judge_ends(events, len(pairing))
    _steps(pairing, matched, ratio, stride, events, showing)
    events.segments = _segments(pairing, events)
    return events


def stride_of(ratio: float) -> int:
    """Frames of one video that a frame of the other stands for; rates are rounded, hence 0.1."""
    return max(1, ceil(ratio - 0.1))


def _gaps(matched: Sequence[int]) -> list[Span]:
    following = pairwise(matched)
    return [(a + 1, b) for a, b in following if b > a + 1]


def _judge_ends(events: Events, count: int) -> None:
    """Count distorted frames at an end as unmatched where the reference goes on there.

    Only where the other side has begun or ended there can be nothing to pair them with.
    """
    (before, ref_before), (after, ref_after) = events.head, events.tail
    if before and ref_before:
        events.unmatched.insert(0, (0, before))
        events.head = (0, ref_before)
    if after and ref_after:
        events.unmatched.append((count - after, count))
        events.tail = (0, ref_after)


def _steps(
    pairing: Sequence[int],
    matched: Sequence[int],
    ratio: float,
    stride: int,
    events: Events,
    showing: Showing,
) -> None:
    natural = max(0, ceil(1 / max(ratio, 1e-3) - 0.1) - 1)  # repeats that the rates explain
    run: list[int] = []
    for before, now in pairwise(matched):
        step = pairing[now] - pairing[before]
        if step == 0 and now == before + 1:
            run.append(now)
            continue
        _close(run, natural, pairing, events, showing)
        run = []
        if step > stride and now == before + 1:
            missed = range(pairing[before] + stride, pairing[now], stride)
            shown = pairing[before], pairing[now]
            events.dropped += [f for f in missed if not any(showing.same(f, s) for s in shown)]
    _close(run, natural, pairing, events, showing)


def _close(
    run: list[int], natural: int, pairing: Sequence[int], events: Events, showing: Showing
) -> None:
    while natural < len(run) and showing.still_shown(
        run[0] - 1, run[natural], pairing[run[natural]]
    ):
        natural += 1
    extra = run[natural:]
    if len(extra) >= FREEZE:
        events.frozen.append(Freeze(extra[0], extra[-1] + 1, pairing[extra[0]]))
    else:
        events.duplicated += extra


def _segments(pairing: Sequence[int], events: Events) -> list[Segment]:
    frozen = {i for freeze in events.frozen for i in range(freeze.start, freeze.stop)}
    out: list[Segment] = []
    start = 0
    kinds = [_kind(i, j, frozen) for i, j in enumerate(pairing)]
    for index in range(1, len(pairing) + 1):
        if index < len(pairing) and kinds[index] == kinds[index - 1]:
            missed = bisect_right(events.dropped, pairing[index - 1])
            if kinds[index] != "matched" or events.dropped[missed : missed + 1] == []:
                continue
            if events.dropped[missed] > pairing[index]:
                continue
        begin, end = pairing[start], pairing[index - 1] + 1
        known = kinds[start] != "unmatched"
        ends = (begin, end) if known else (None, None)
        out.append(Segment(kinds[start], start, index, *ends))
        start = index
    return out


def _kind(index: int, target: int, frozen: set[int]) -> str:
    if target < 0:
        return "unmatched"
    return "frozen" if index in frozen else "matched"
