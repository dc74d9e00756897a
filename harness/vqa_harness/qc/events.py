"""What an event is, and all that was found in one video."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, get_args

from vqa_harness.frames import ASSUMED_RATE, Frame

Kind = Literal[
    "black",
    "freeze",
    "flash",
    "field_order",
    "levels",
    "scene",
    "repeat",
    "silence",
    "missing_audio",
]
VERSION = 1
"""Raised when the same video gets other events."""
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Every kind of event, in the order of tables."""
OF_SOUND: frozenset[Kind] = frozenset(("silence", "missing_audio"))
"""Kinds that are about sound; the others are about the picture."""


@dataclass(frozen=True, slots=True)
class QcEvent:
    """Something that lasts from one time to another.

    Attributes:
        kind: what it is.
        start: exact seconds from the first frame of the video.
        end: the same of the first moment after it; equal to ``start`` for a scene cut.
        strength: how strong it is, in the unit that ``docs/qc.md`` gives for the kind; None where
            there are no degrees.
        first_frame: index of the first frame of it; None for sound.
        stop_frame: one past the last frame of it; None for sound.
        detail: what else is known, in a few words; mostly empty.
    """

    kind: Kind
    start: Fraction
    end: Fraction
    strength: float | None = None
    first_frame: int | None = None
    stop_frame: int | None = None
    detail: str = ""

    @property
    def seconds(self) -> Fraction:
        """How long it lasts."""
        return self.end - self.start

    def to_json(self) -> dict[str, Any]:
        """The event as JSON; times in seconds, to the microsecond."""
        return {
            "kind": self.kind,
            "start": _rounded(self.start),
            "end": _rounded(self.end),
            "strength": None if self.strength is None else round(self.strength, 6),
            "first_frame": self.first_frame,
            "stop_frame": self.stop_frame,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud the sound is, by EBU R 128 and ITU-R BS.1770.

    Attributes:
        integrated: programme loudness in LUFS; None where everything is below the gate of -70 LUFS.
        range: loudness range in LU; None likewise.
        true_peak: highest true peak of all channels in dBTP; None for digital silence.
    """

    integrated: float | None
    range: float | None
    true_peak: float | None


@dataclass(slots=True)
class QcReport:
    """All events of one video, in order of start.

    Attributes:
        name: the file's base name.
        duration: seconds from the first frame to the end of the last; None if unknown.
        frames: how many frames were looked at; 0 for a file without video.
        events: what was found.
        judged: the kinds that could be judged; a kind that is not here is unknown, not absent.
        loudness: of the sound; None where there is none, or nobody looked.
        field_order: what the file states and what was found, ``progressive``, ``tff``, ``bff`` or
            ``unknown``; empty where there is no video.
        warnings: what the user should know, one line each.
    """

    name: str
    duration: Fraction | None = None
    frames: int = 0
    events: list[QcEvent] = field(default_factory=list)
    judged: set[Kind] = field(default_factory=set)
    loudness: Loudness | None = None
    field_order: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def add(self, kinds: Iterable[Kind], events: Iterable[QcEvent]) -> None:
        """Add what was found of some kinds, keeping the order."""
        self.judged.update(kinds)
        self.events = sorted([*self.events, *events], key=lambda e: (e.start, KINDS.index(e.kind)))

    def of(self, kind: Kind) -> list[QcEvent]:
        """The events of one kind."""
        return [event for event in self.events if event.kind == kind]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON; see ``docs/log-format.md``."""
        return {
            "duration": None if self.duration is None else _rounded(self.duration),
            "frames": self.frames,
            "judged": [kind for kind in KINDS if kind in self.judged],
            "totals": {kind: totals(self.of(kind)) for kind in KINDS if kind in self.judged},
            "events": [event.to_json() for event in self.events],
            "loudness": None
            if self.loudness is None
            else {
                "integrated": self.loudness.integrated,
                "range": self.loudness.range,
                "true_peak": self.loudness.true_peak,
            },
            "field_order": dict(self.field_order),
            "warnings": list(self.warnings),
        }


def totals(events: Sequence[QcEvent]) -> dict[str, float | int | None]:
    """What the events of one kind come to, by name.

    ``count`` of them, ``seconds`` and ``frames`` that they last together, the ``longest`` in
    seconds and the greatest ``strength`` (None where there are no degrees).
    """
    frames = [
        e.stop_frame - e.first_frame
        for e in events
        if e.first_frame is not None and e.stop_frame is not None
    ]
    strengths = [event.strength for event in events if event.strength is not None]
    return {
        "count": len(events),
        "seconds": _rounded(sum((event.seconds for event in events), Fraction(0))),
        "longest": _rounded(max((event.seconds for event in events), default=Fraction(0))),
        "frames": sum(frames),
        "strength": round(max(strengths), 6) if strengths else None,
    }


def time_of(frame: Frame) -> Fraction:
    """When a frame is shown; by its number at 25 a second where the stream does not tell."""
    return frame.time if frame.time is not None else Fraction(frame.index) / ASSUMED_RATE


def _rounded(time: Fraction) -> float:
    return round(float(time), 6)
