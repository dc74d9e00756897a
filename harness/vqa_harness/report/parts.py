"""What a section of a report is made of: numbers, tables, pictures, strips, remarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vqa_harness.report.alignment import Timeline
from vqa_harness.report.events import EventBands

MINUS = "\N{MINUS SIGN}"
DIRECTIONS = {1: ", higher is better", -1: ", lower is better", 0: ""}
"""What is said of a feature with this sign, behind its name."""


@dataclass(slots=True)
class FactCard:
    """One number of the summary.

    Attributes:
        title: above the number.
        value: the number with its unit.
        text: what it means, below the number.
        tone: ``good`` or ``bad`` to colour it; empty for neither.
        caveat: what keeps the number from being taken at its word; empty for nothing.
    """

    title: str
    value: str
    text: str
    tone: str = ""
    caveat: str = ""


@dataclass(slots=True)
class PageTable:
    """A table of texts.

    Attributes:
        title: above the table.
        head: titles of the columns.
        rows: the cells.
        note: below the table; empty for none.
        folded: whether only the title shows until somebody opens it.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    folded: bool = False


@dataclass(slots=True)
class Figure:
    """A frame that scored badly, with the frame it was compared with.

    Attributes:
        video: the label of the video.
        frame: the number of the frame.
        seconds: its time; None if unknown.
        score: the feature and its value.
        distorted: the frame as a ``data:`` URI.
        reference: the frame of the reference as a ``data:`` URI; None if it is not shown.
        full: whether the pictures have their full size, and not that of a thumbnail.
    """

    video: str
    frame: int
    seconds: float | None
    score: str
    distorted: str
    reference: str | None = None
    full: bool = False


@dataclass(slots=True)
class SectionPage:
    """One source on the page.

    Attributes:
        id: the identifier of its charts.
        name: the name of the source.
        facts: (name, value) of each fact about its streams.
        cards: the numbers of the summary.
        rate_features: features with a rate-quality chart: (name, unit, direction).
        frame_features: features with a chart over time: (name, unit, direction, leading).
        tables: the tables in their order.
        events: (video, bands) of the events of each log in which some were looked for.
        timelines: (video, strip) of each alignment that is not plain.
        clean: how many videos have every frame paired with the next one of the reference, if they
            are not in ``timelines``.
        figures: the worst frames.
        figures_note: how the worst frames were chosen, and how large they are.
        warnings: what a reader should know, a line each.
    """

    id: str
    name: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    cards: list[FactCard] = field(default_factory=list)
    rate_features: list[tuple[str, str, str]] = field(default_factory=list)
    frame_features: list[tuple[str, str, str, bool]] = field(default_factory=list)
    tables: list[PageTable] = field(default_factory=list)
    events: list[tuple[str, EventBands]] = field(default_factory=list)
    timelines: list[tuple[str, Timeline]] = field(default_factory=list)
    clean: int = 0
    figures: list[Figure] = field(default_factory=list)
    figures_note: str = ""
    warnings: list[str] = field(default_factory=list)
