"""The alignment of a log as a strip: which frames are paired, frozen, repeated or missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vqa_harness.logs.view import as_pair, table

MOST_MARKS = 400
"""Spans and ticks drawn in one strip."""
KINDS = ("matched", "frozen", "unmatched")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of distorted frames.

    Attributes:
        kind: one of `KINDS`.
        left: where it begins, percent of the strip.
        width: percent of the strip.
        text: what it is, for a tooltip.
    """

    kind: str
    left: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One frame that is repeated, or before which one is missing; ``left`` in percent."""

    kind: str
    left: float
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """One strip.

    Attributes:
        frames: distorted frames it spans.
        clean: whether every frame is paired with the next one of the reference.
        summary: facts in words, one each.
        spans: drawn below the ticks.
        ticks: dropped and duplicated frames.
    """

    frames: int
    clean: bool
    summary: tuple[str, ...]
    spans: tuple[Span, ...]
    ticks: tuple[Tick, ...]


def timeline(alignment: Mapping[str, Any], frames: int) -> Timeline | None:
    """The strip of the ``alignment`` object of a log; None where nothing was paired.

    Whatever is missing or not as expected in the object is left out. Logs list only the first of
    very many segments; what lies behind them is drawn as nothing.

    Args:
        alignment: may come from an untrusted log.
        frames: scored, used where the object does not tell how many were read.
    """
    segments = _segments(alignment)
    if not segments:
        return None
    total = max([1, frames, *(one.frames[1] for one in segments), _read(alignment)])
    dropped, duplicated = _events(alignment, "dropped"), _events(alignment, "duplicated")
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


def reference_frame(alignment: Mapping[str, Any], frame: int) -> int | None:
    """The reference frame a distorted frame was compared with; None if the log does not tell."""
    for one in _segments(alignment):
        start, stop = one.frames
        if start <= frame < stop and one.reference is not None:
            first, end = one.reference
            if one.kind == "frozen" or stop - start < 2:
                return first
            return first + round((frame - start) * (end - first - 1) / (stop - start - 1))
    return None


@dataclass(frozen=True, slots=True)
class _Segment:
    kind: str
    frames: tuple[int, int]
    reference: tuple[int, int] | None


def _segments(alignment: Mapping[str, Any]) -> list[_Segment]:
    found = []
    for entry in _listed(alignment, "segments")[:MOST_MARKS]:
        about = table(entry)
        frames, kind = as_pair(about.get("distorted")), about.get("kind")
        if frames is not None and frames[0] < frames[1] and kind in KINDS:
            found.append(_Segment(kind, frames, as_pair(about.get("reference"))))
    return found


def _summary(alignment: Mapping[str, Any]) -> Iterator[str]:
    model = alignment.get("model")
    if isinstance(model, str):
        yield f"paired by {model}"
    offset = alignment.get("offset_frames")
    if isinstance(offset, int) and offset:
        yield f"offset {offset:+d} frames"
    for key, word in (("dropped", "dropped"), ("duplicated", "repeated")):
        count = table(alignment.get(key)).get("count")
        if isinstance(count, int) and count:
            yield f"{count} {word}"
    for key, word in (("frozen_frames", "frozen"), ("unmatched_frames", "without partner")):
        count = alignment.get(key)
        if isinstance(count, int) and count:
            yield f"{count} {word}"
    for key, word in (("extra_head", "before"), ("extra_tail", "after")):
        count = table(alignment.get(key)).get("distorted")
        if isinstance(count, int) and count:
            yield f"{count} frames {word} the reference"
    confidence = alignment.get("confidence")
    if isinstance(confidence, int | float) and not isinstance(confidence, bool):
        yield f"confidence {confidence:.2f}"


def _span(one: _Segment, total: int) -> Span:
    start, stop = one.frames
    text = f"frames {start} to {stop - 1}: {one.kind}"
    if one.reference is not None:
        text += f", reference {one.reference[0]} to {one.reference[1] - 1}"
    return Span(one.kind, 100 * start / total, 100 * (stop - start) / total, text)


def _before(segments: Sequence[_Segment], missing: int) -> int:
    """The distorted frame before which a reference frame is missing."""
    for one in segments:
        if one.reference is not None and one.reference[0] > missing:
            return one.frames[0]
    return segments[-1].frames[1]


def _read(alignment: Mapping[str, Any]) -> int:
    count = table(alignment.get("frames")).get("distorted")
    return count if isinstance(count, int) else 0


def _events(alignment: Mapping[str, Any], key: str) -> list[int]:
    return [x for x in _listed(alignment, key) if isinstance(x, int)][:MOST_MARKS]


def _listed(alignment: Mapping[str, Any], key: str) -> list[Any]:
    found = table(alignment.get(key)).get("list")
    return found if isinstance(found, list) else []
