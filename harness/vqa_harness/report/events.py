"""Draws the events of a log, which need no reference, as bands: one row for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vqa_harness.logs.view import Qc, QcEventEntry
from vqa_harness.qc.events import KINDS

MOST_BANDS = 400
"""Most bands that are drawn in one row."""
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Band:
    """One event.

    Attributes:
        left: where it begins, percent of the row.
        width: percent of the row; 0 for a cut.
        text: its description for a tooltip.
    """

    left: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class BandRow:
    """The events of one kind.

    Attributes:
        name: the kind as the log calls it.
        style: the kind, or ``other`` for one that this version does not know.
        total: how many there are, and how long they last together.
        bands: the events.
    """

    name: str
    style: str
    total: str
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class EventBands:
    """The rows of one video.

    Attributes:
        seconds: how long the rows are.
        rows: one for each kind that has events.
        sound: the loudness in words; empty where nothing is known of it.
    """

    seconds: float
    rows: tuple[BandRow, ...]
    sound: str


def event_bands(qc: Qc) -> EventBands | None:
    """The rows of the events of a log; None where nobody looked for any.

    Args:
        qc: the events, which may come from an untrusted log.
    """
    if not qc.judged and not qc.events:
        return None
    seconds = max([0.001, qc.duration or 0.0, *(event.end for event in qc.events)])
    kinds = dict.fromkeys([*KINDS, *(event.kind for event in qc.events)])
    rows = [
        _row(kind, [event for event in qc.events if event.kind == kind], seconds) for kind in kinds
    ]
    return EventBands(seconds, tuple(row for row in rows if row.bands), _sound(qc))


def _row(kind: str, events: Sequence[QcEventEntry], seconds: float) -> BandRow:
    length = sum(event.end - event.start for event in events)
    total = f"{len(events)}" + (f", {length:.2f} s" if length else "")
    bands = tuple(_band(event, seconds) for event in events[:MOST_BANDS])
    return BandRow(kind, kind if kind in KINDS else _OTHER, total, bands)


def _band(event: QcEventEntry, seconds: float) -> Band:
    start, end = max(0.0, event.start), max(0.0, event.end)
    text = f"{event.kind} from {event.start:.3f} s to {event.end:.3f} s"
    if event.end == event.start:
        text = f"{event.kind} at {event.start:.3f} s"
    if event.first_frame is not None:
        text += f", from frame {event.first_frame}"
    if event.strength is not None:
        text += f", strength {event.strength:.3f}"
    if event.detail:
        text += f", {event.detail}"
    return Band(100 * start / seconds, 100 * (end - start) / seconds, text)


def _sound(qc: Qc) -> str:
    parts = (
        ("loudness.integrated", "{:.1f} LUFS"),
        ("loudness.range", "range {:.1f} LU"),
        ("loudness.true_peak", "true peak {:.1f} dBTP"),
    )
    values = [(qc.facts.get(key), form) for key, form in parts]
    return ", ".join(form.format(value) for value, form in values if value is not None)
