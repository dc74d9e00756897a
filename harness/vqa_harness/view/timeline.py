"""What the timeline shows: scores, worst frames and stretches, alignment, events.

Everything comes from files that may be anybody's: lists are bounded, and texts are sent as JSON,
which the page puts in as text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from vqa_harness.logs.log import Log
from vqa_harness.logs.view import Alignment
from vqa_harness.report.alignment import KINDS
from vqa_harness.report.data import facts_of, rate_of, times_of
from vqa_harness.report.thumbnails import worst_frames

MOST_MARKS = 2000
"""Most bands, marks and events of each kind."""
WORST = 10
"""How many worst frames and worst stretches are listed of a feature."""


def features(log: Log) -> list[dict[str, Any]]:
    """What is known of each feature, with its worst frames and stretches, without its values."""
    made = []
    for name, facts in facts_of(log).items():
        if name not in log.columns:
            continue
        values, sign = defined(log, name), facts["sign"]
        second = max(1, round(rate_of(log) or 25))
        apart = min(second, max(2, len(log) // 12))  # a short video has more than one worst frame
        mean = facts["pooled"].get("mean")
        made.append(
            {
                "name": name,
                "unit": facts["unit"],
                "sign": sign,
                "leading": facts["leading"],
                "mean": mean,
                "frames": _worst(values, apart, sign),
                "stretches": worst_stretches(values, apart, sign),
            }
        )
    return made


def defined(log: Log, name: str) -> list[float | None]:
    """The values of a feature; None where a frame holds another's."""
    gaps = set(log.view.undefined_frames.get(name, ()))
    return [None if i in gaps else value for i, value in enumerate(log.columns[name])]


def _worst(values: Sequence[float | None], apart: int, sign: int) -> list[int]:
    if not sign:
        return []
    return worst_frames(values, WORST, apart, higher_is_better=sign > 0)


def worst_stretches(
    values: Sequence[float | None], length: int, sign: int
) -> list[tuple[int, int, float]]:
    """The stretches of frames with the worst means, which do not overlap, worst first.

    Args:
        values: of each frame.
        length: frames of a stretch.
        sign: 1 where higher is better, -1 where lower is, 0 for a feature that only describes.

    Returns:
        First frame, one past the last, and the mean; none where the video is no longer than one.
    """
    if not sign or len(values) <= length:
        return []
    total = 0.0
    count = 0
    means: list[tuple[float, int]] = []
    for i, value in enumerate(values):
        total, count = total + (value or 0.0), count + (value is not None)
        if i >= length:
            gone = values[i - length]
            total, count = total - (gone or 0.0), count - (gone is not None)
        if i >= length - 1 and count:
            means.append((sign * total / count, i - length + 1))
    chosen: list[tuple[int, int, float]] = []
    for mean, start in sorted(means):
        if all(abs(start - other) >= length for other, _, _ in chosen):
            chosen.append((start, start + length, sign * mean))
        if len(chosen) == WORST:
            break
    return chosen


def bands(alignment: Alignment, distorted: Sequence[int]) -> list[dict[str, Any]]:
    """Stretches and marks of the alignment, in numbers of pairs.

    Args:
        alignment: how frames were paired.
        distorted: number of the distorted frame of each pair, ascending.
    """
    made: list[dict[str, Any]] = []

    def add(kind: str, start: int, stop: int, text: str) -> None:
        made.append({"kind": kind, "start": start, "stop": stop, "text": text})

    for one in [s for s in alignment.segments if s.kind in KINDS][:MOST_MARKS]:
        start, stop = [bisect_left(distorted, n) for n in one.distorted]
        text = f"frames {one.distorted[0]} to {one.distorted[1] - 1}: {one.kind}"
        if one.reference is not None:
            text += f", reference {one.reference[0]} to {one.reference[1] - 1}"
        if one.kind != "matched":
            add(one.kind, start, stop, text)
    for number in alignment.duplicated.frames[:MOST_MARKS]:
        at = bisect_left(distorted, number)
        add("duplicated", at, at + 1, f"frame {number} repeats the one before")
    whole = [s for s in alignment.segments if s.reference is not None]
    for missing in alignment.dropped.frames[:MOST_MARKS]:
        after = (s.distorted[0] for s in whole if s.reference and s.reference[0] > missing)
        behind = next(after, None)
        place = len(distorted) if behind is None else bisect_left(distorted, behind)
        add("dropped", place, place, f"reference frame {missing} is missing here")
    return made


def events(log: Log) -> list[dict[str, Any]]:
    """The events of quality control that a log has, in numbers of its frames; none without."""
    known = [(t, n) for n, t in enumerate(times_of(log)) if t is not None]
    times = [time for time, _ in known]
    made = []
    for one in log.view.qc.events[:MOST_MARKS] if known else ():
        first = bisect_left(times, one.start - 1e-6)
        stop = max(first + 1, bisect_left(times, one.end - 1e-6))
        text = f"{one.kind}: {one.start:.2f} s to {one.end:.2f} s"
        if one.detail:
            text += f", {one.detail}"
        if first < len(known):
            last = known[min(stop, len(known)) - 1][1]
            made.append(
                {"kind": one.kind, "start": known[first][1], "stop": last + 1, "text": text[:400]}
            )
    return made
