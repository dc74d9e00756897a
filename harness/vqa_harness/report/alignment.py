"""Draws the alignment of a log as a strip: frames that are paired, frozen, repeated or missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vqa_harness.logs.view import Alignment, SegmentEntry

MOST_MARKS = 400
"""Most spans, and most ticks of each kind, that are drawn in one strip."""

KINDS = ("matched", "frozen", "unmatched")
"""Kinds of segments that are drawn."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of distorted frames.

    Attributes:
        kind: one of `KINDS`.
        left: where it begins, percent of the strip.
        width: percent of the strip.
        text: its description for a tooltip.
    """

    kind: str
    left: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The mark of a frame that is repeated, or before which one is missing.

    Attributes:
        kind: ``dropped`` or ``duplicated``.
        left: where it stands, percent of the strip.
        text: its description for a tooltip.
    """

    kind: str
    left: float
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The strip of one video.

    Attributes:
        frames: how many distorted frames it spans.
        clean: whether every frame is paired with the next one of the reference.
        summary: the facts in words, one each.
        spans: the segments, drawn below the ticks.
        ticks: marks of dropped and duplicated frames.
    """

    frames: int
    clean: bool
    summary: tuple[str, ...]
    spans: tuple[Span, ...]
    ticks: tuple[Tick, ...]


def timeline(alignment: Alignment, frames: int) -> Timeline | None:
    """The strip of the alignment of a log; None where nothing was paired.

    Logs list only the first of very many segments; what lies behind them is drawn as nothing.

    Args:
        alignment: the alignment, which may come from an untrusted log.
        frames: how many were scored, used where the log does not say how many were read.
    """
    segments = _segments(alignment)
    if not segments:
        return None
    read = alignment.distorted_frames or 0
    total = max([1, frames, *(one.distorted[1] for one in segments), read])
    dropped = alignment.dropped.frames[:MOST_MARKS]
    duplicated = alignment.duplicated.frames[:MOST_MARKS]
    ticks = [
        Tick("duplicated", 100 * (i + 0.5) / total, f"frame {i} repeats the one before")
        for i in duplicated
    ]
    for missing in dropped:
        at = _before(segments, missing)
        text = f"reference frame {missing} is missing at frame {at}"
        ticks.append(Tick("dropped", 100 * at / total, text))
    return Timeline(
        frames=total,
        clean=not ticks and all(one.kind == "matched" for one in segments),
        summary=tuple(_summary(alignment)),
        spans=tuple(_span(one, total) for one in segments),
        ticks=tuple(ticks),
    )


def reference_frame(alignment: Alignment, frame: int) -> int | None:
    """The reference frame a distorted frame was compared with; None if the log does not say."""
    for one in _segments(alignment):
        start, stop = one.distorted
        if start <= frame < stop and one.reference is not None:
            first, end = one.reference
            if one.kind == "frozen" or stop - start < 2:
                return first
            return first + round((frame - start) * (end - first - 1) / (stop - start - 1))
    return None


def _segments(alignment: Alignment) -> list[SegmentEntry]:
    return [one for one in alignment.segments if one.kind in KINDS][:MOST_MARKS]


def _summary(alignment: Alignment) -> Iterator[str]:
    if alignment.model is not None:
        yield f"paired by {alignment.model}"
    if alignment.offset_frames:
        yield f"offset {alignment.offset_frames:+d} frames"
    for count, words in (
        (alignment.dropped.count, "dropped"),
        (alignment.duplicated.count, "repeated"),
        (alignment.frozen_frames, "frozen"),
        (alignment.unmatched_frames, "without partner"),
        (alignment.distorted_head, "frames before the reference"),
        (alignment.distorted_tail, "frames after the reference"),
    ):
        if count:
            yield f"{count} {words}"
    if alignment.confidence is not None:
        yield f"confidence {alignment.confidence:.2f}"


def _span(one: SegmentEntry, total: int) -> Span:
    start, stop = one.distorted
    text = f"frames {start} to {stop - 1}: {one.kind}"
    if one.reference is not None:
        text += f", reference {one.reference[0]} to {one.reference[1] - 1}"
    return Span(one.kind, 100 * start / total, 100 * (stop - start) / total, text)


def _before(segments: Sequence[SegmentEntry], missing: int) -> int:
    """The distorted frame before which a reference frame is missing."""
    for one in segments:
        if one.reference is not None and one.reference[0] > missing:
            return one.distorted[0]
    return segments[-1].distorted[1]
