"""What is reported of a pairing: for the log, for people, and for the option `strict`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

from vqa_harness.alignment.band import WIDEST
from vqa_harness.alignment.events import Events, Segment
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.placement import Placement

LISTED = 50
"""Entries of a list that are put into the report; it also says how many there are in all."""
SAME_RATE = 0.0005
"""Relative difference up to which two rates are the same; 24 and 23.976 differ by 0.001."""
DOUBTFUL = 0.1
"""Confidence below which a pairing cannot be told from its neighbours."""
MIXED = 0.03
"""Share of the pairs from which mixtures of two reference frames are told."""
WIDTH = 72
"""Characters in the timeline."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing the user should know.

    Attributes:
        code: one word for its kind: ``length``, ``offset``, ``dropped``, ``duplicated``,
            ``frozen``, ``unmatched``, ``rate``, ``ambiguous``, ``blended``, ``content``,
            ``search``, ``damaged``, ``format``, ``colour``, ``scan``, ``turned``, ``placement``
            or ``tail``.
        text: one line.
    """

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


@dataclass(slots=True)
class AlignReport:
    """How two videos were paired.

    Attributes:
        options: the options of the user.
        model: what pairs the frames: ``index``, ``time``, ``offset``, ``rate`` or ``content``.
        offset_frames: reference frame of the first pair minus its distorted frame.
        offset_seconds: the same in seconds; None without times.
        rates: frames per second of the distorted and of the reference; None if unknown.
        pairs: pairs given to the metrics.
        distorted_frames: how many frames of the distorted video were decoded.
        reference_frames: how many frames of the reference were decoded.
        reference_counted: whether the reference was read to its end.
        events: drops, repeats, freezes, heads and tails.
        repeated_tail: pairs with a last frame held, under ``tail=repeat``.
        held_pairs: pairs that show a distorted frame again, under ``fps_policy=match-ref``.
        skipped_corrupt: pairs left out for damage.
        residual: difference of paired signatures, RMS in 8-bit levels.
        confidence: share of the pairs that the pictures tell from pairs a frame or two off.
        shifts: other shifts of the whole, in reference frames, that fit as well.
        shares: share of the distorted and of the reference frames that was scored, 0 to 1; None
            where a length is unknown.
        blended: pairs whose distorted frame is a mixture of two reference frames.
        looked_further: whether frames were found that lie farther than ``max_offset`` covers.
        disagrees_from: first distorted frame from which the pictures contradict a model that was
            asked for; None if they do not.
        placement: how the distorted picture lies on that of the reference; None if that is unknown.
        passes: what was decoded, in order.
        format: how sizes and colours were made equal.
        notes: what the user should know.
        reading: what decoding lost, one line each; only of `align`, a run tells it by itself.
    """

    options: AlignOptions
    model: str = "index"
    offset_frames: int | None = None
    offset_seconds: Fraction | None = None
    rates: tuple[Fraction | None, Fraction | None] = (None, None)
    pairs: int = 0
    distorted_frames: int = 0
    reference_frames: int = 0
    reference_counted: bool = True
    events: Events = field(default_factory=Events)
    repeated_tail: int = 0
    held_pairs: int = 0
    skipped_corrupt: int = 0
    residual: dict[str, float] = field(default_factory=dict)
    confidence: float = 0.0
    shifts: tuple[int, ...] = ()
    shares: tuple[float | None, float | None] = (None, None)
    blended: int = 0
    looked_further: bool = False
    disagrees_from: int | None = None
    placement: Placement | None = None
    passes: list[str] = field(default_factory=list)
    format: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    reading: list[str] = field(default_factory=list)

    @property
    def share_scored(self) -> float | None:
        """The smaller of both shares; None where a length is unknown."""
        known = [share for share in self.shares if share is not None]
        return min(known) if len(known) == len(self.shares) else None

    def warnings(self) -> list[str]:
        """One line for each thing lost in decoding, and for each note, its code first."""
        return self.reading + [str(note) for note in self.notes]

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; lists hold the first 50 entries, counts all."""
        events = self.events
        frozen = [{"distorted": [f.start, f.stop], "reference": f.reference} for f in events.frozen]
        return {
            "mode": self.options.mode,
            "model": self.model,
            "offset_frames": self.offset_frames,
            "offset_seconds": None if self.offset_seconds is None else float(self.offset_seconds),
            "rates": {
                "distorted": _rate(self.rates[0]),
                "reference": _rate(self.rates[1]),
            },
            "pairs": self.pairs,
            "frames": {"distorted": self.distorted_frames, "reference": self.reference_frames},
            "reference_counted": self.reference_counted,
            "share_scored": _rounded(self.share_scored),
            "share_scored_of": dict(
                zip(("distorted", "reference"), map(_rounded, self.shares), strict=True)
            ),
            "dropped": _bounded(events.dropped),
            "duplicated": _bounded(events.duplicated),
            "frozen": _bounded(frozen),
            "frozen_frames": sum(f.stop - f.start for f in events.frozen),
            "unmatched": _bounded([list(span) for span in events.unmatched]),
            "unmatched_frames": sum(b - a for a, b in events.unmatched),
            "extra_head": {"distorted": events.head[0], "reference": events.head[1]},
            "extra_tail": {"distorted": events.tail[0], "reference": events.tail[1]},
            "repeated_tail": self.repeated_tail,
            "held_pairs": self.held_pairs,
            "skipped_corrupt": self.skipped_corrupt,
            "residual": self.residual,
            "confidence": round(self.confidence, 4),
            "blended_frames": self.blended,
            "ambiguous_shifts": list(self.shifts[:LISTED]),
            "disagrees_from": self.disagrees_from,
            "segments": _bounded([_segment(s) for s in events.segments]),
            "placement": None if self.placement is None else self.placement.to_json(),
            "passes": list(self.passes),
            "format": self.format,
            "options": self.options.to_json(),
            "warnings": [{"code": n.code, "text": n.text} for n in self.notes],
        }

    def timeline(self, width: int = WIDTH) -> str:
        """The distorted video from left to right, one character for a stretch of it.

        ``=`` paired, ``x`` a frame was dropped here, ``d`` a frame is shown twice, ``F`` frozen,
        ``?`` without a partner; where several fall on one place the worst is shown.
        """
        frames = max(1, self.distorted_frames)
        width = min(width, frames)
        out = ["="] * width
        for mark, places in _marks(self.events):
            for start, stop in places:
                for at in range(start * width // frames, (stop - 1) * width // frames + 1):
                    out[min(at, width - 1)] = mark
        return "".join(out)


def judge(report: AlignReport) -> list[Note]:
    """The notes that follow from a report's numbers."""
    events = report.events
    notes: list[Note] = []

    def add(code: str, wrong: object, text: str) -> None:
        if wrong:
            notes.append(Note(code, text))

    _judge_model(report, add)
    if report.placement is not None and report.placement.displaced:
        notes.append(Note("placement", report.placement.describe()))
    add("dropped", events.dropped, _listing("frames of the reference are missing", events.dropped))
    add("duplicated", events.duplicated, _listing("frames are shown twice", events.duplicated))
    frozen = sum(f.stop - f.start for f in events.frozen)
    spans = ", ".join(f"{f.start}-{f.stop - 1}" for f in events.frozen[:5])
    add("frozen", frozen, f"{frozen} frames stand still while the reference moves: {spans}")
    strangers = sum(b - a for a, b in events.unmatched)
    spans = ", ".join(f"{a}-{b - 1}" for a, b in events.unmatched[:5])
    add("unmatched", strangers, f"{strangers} frames are not in the reference: {spans}")
    add(
        "blended",
        report.blended > MIXED * report.pairs,
        f"{report.blended} frames are mixtures of two reference frames, as a change of the frame "
        "rate makes them: they have no partner, and are compared with the nearer one",
    )
    add("rate", report.held_pairs, f"{report.held_pairs} pairs show a distorted frame again")
    add("damaged", report.skipped_corrupt, f"{report.skipped_corrupt} damaged pairs were left out")
    return notes


def _judge_model(report: AlignReport, add: Any) -> None:
    events = report.events
    head, tail = events.head, events.tail
    counts = f"{report.distorted_frames} frames against {report.reference_frames}"
    more = "" if report.reference_counted else " or more"
    ends = (
        f"the distorted video has {counts}{more}; left out: {head[0]} + {tail[0]} of the "
        f"distorted and {head[1]} + {tail[1]}{more} of the reference (start + end)"
    )
    add("length", any((*head, *tail)), ends)
    add(
        "tail",
        report.repeated_tail,
        f"{report.repeated_tail} pairs hold a last frame, as tail=repeat asks",
    )
    offset = report.offset_frames or 0
    add("offset", offset, f"the first pair is {_signed(offset)} reference frames off")
    add("search", report.looked_further, _search_text(report))
    add("rate", rates_differ(report.rates), _rate_text(report))
    add(
        "content",
        report.disagrees_from is not None,
        f"from frame {report.disagrees_from} on the pictures do not fit {report.options.mode} "
        "pairing; --align auto finds the pairing that does",
    )
    differs = report.residual.get("max", 1.0) > 0 and report.disagrees_from is None
    vague = report.pairs and report.confidence < DOUBTFUL and differs
    add(
        "ambiguous",
        vague,
        "the pictures hardly change: the pairing could be a few frames off without a trace "
        f"(confidence {report.confidence:.2f})",
    )
    add(
        "ambiguous",
        report.shifts,
        f"the content repeats: shifts by {_few(report.shifts)} reference frames fit as well; "
        "say which with --align index or time on videos cut to match",
    )


def rates_differ(rates: tuple[Fraction | None, Fraction | None]) -> bool:
    """Whether two known rates differ: film from NTSC film, say, but not by a rounding error."""
    if rates[0] is None or rates[1] is None:
        return False
    return abs(float(rates[0] / rates[1]) - 1) > SAME_RATE


def _search_text(report: AlignReport) -> str:
    """That frames lay beyond ``max_offset``, and what value would have covered them."""
    text = (
        f"some frames lie farther than --max-offset {report.options.max_offset:g} covers: they "
        "were found by looking through the reference once more"
    )
    rate = report.rates[1]
    runs = [0, abs(report.offset_frames or 0)]
    paired = [s for s in report.events.segments if s.kind != "unmatched"]
    for before, after in pairwise(paired):
        runs.append((after.ref_start or 0) - (before.ref_stop or 0))
    if rate is None or not 0 < max(runs) < WIDEST:
        return text
    return f"{text}; --max-offset {ceil(max(runs) / rate)} finds them at once"


def _rate_text(report: AlignReport) -> str:
    dist, ref = (_rate(r) for r in report.rates)
    how = {
        "rate": "each distorted frame is paired with the reference frame shown at its time",
        "time": "frames are paired by time",
        "content": "frames are paired by content",
    }.get(report.model, "frames are paired one by one, so one of the two plays at another speed")
    return f"{dist} frames per second against {ref}: {how}"


def _marks(events: Events) -> list[tuple[str, list[tuple[int, int]]]]:
    """Marks with the spans of distorted frames they stand at, the worst last."""
    drops = []
    for before, after in zip(events.segments, events.segments[1:], strict=False):
        if before.ref_stop is not None and after.ref_start is not None:
            gap = after.ref_start > before.ref_stop
            drops += [(after.start, after.start + 1)] if gap else []
    strangers = [(s.start, s.stop) for s in events.segments if s.kind == "unmatched"]
    return [
        ("d", [(i, i + 1) for i in events.duplicated]),
        ("x", drops),
        ("F", [(f.start, f.stop) for f in events.frozen]),
        ("?", strangers),
    ]


def _segment(segment: Segment) -> dict[str, Any]:
    known = segment.ref_start is not None
    return {
        "kind": segment.kind,
        "distorted": [segment.start, segment.stop],
        "reference": [segment.ref_start, segment.ref_stop] if known else None,
    }


def _bounded(items: Sequence[Any]) -> dict[str, Any]:
    return {"count": len(items), "list": list(items[:LISTED])}


def _listing(what: str, items: Sequence[int]) -> str:
    return f"{len(items)} {what}: {_few(items)}"


def _few(items: Sequence[int]) -> str:
    shown = ", ".join(map(str, items[:8]))
    return shown + (", ..." if len(items) > 8 else "")


def _signed(value: int) -> str:
    return f"{value:+d}"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _rate(rate: Fraction | None) -> float | None:
    return None if rate is None else round(float(rate), 4)
