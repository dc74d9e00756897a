"""Field order: what the lines of the frames show, against what the file states.

FFmpeg's idet looks at every frame: whether its lines fit together as one moment, or as two, and
which of the two comes first. Single frames are often undecided, so stretches count.
"""

from __future__ import annotations

from fractions import Fraction

from vqa_harness.frames import Frame
from vqa_harness.media.filters import FilterGraph
from vqa_harness.qc.events import QcEvent
from vqa_harness.qc.spans import Timeline, joined_over_gaps, runs

FIELDS = ("tff", "bff")
"""Field orders of interlaced pictures: top or bottom field first."""
SHORTEST = Fraction(1, 2)
"""Seconds of the shortest stretch."""
SHARE = 0.3
"""Share of a stretch's frames that show it at least; film on fields has 2 of 5."""
AGAINST = 0.25
"""Frames of the other order for each of this one at most; in noise there are as many of both."""
GAP = Fraction(1, 2)
"""Seconds between two interlaced frames of one stretch at most."""


class FieldDetector:
    """Finds the field order of frames that are shown to it one after another."""

    def __init__(self) -> None:
        self._graph: FilterGraph | None = None
        self._shape: tuple[tuple[int, int], int] | None = None
        self.found: list[str] = []
        """Of each frame: ``tff``, ``bff``, ``progressive`` or ``undetermined``."""

    def take(self, frame: Frame) -> None:
        """Take the next frame; those without a luma plane are undetermined."""
        if frame.chroma == "rgb":
            self._drain()
            self.found.append("undetermined")
            return
        luma = frame.luma
        shape = luma.shape, frame.depth
        if shape != self._shape:
            self._drain()
            size = luma.shape[1], luma.shape[0]
            self._graph, self._shape = FilterGraph(1, ["idet"], size, "gray", frame.depth), shape
        assert self._graph is not None
        self._read(self._graph.push((luma,)))

    def finish(self) -> None:
        """No more frames come."""
        self._drain()

    def order(self, timeline: Timeline) -> str:
        """What the video is: ``tff`` or ``bff`` if a quarter of it is so, else ``progressive``.

        ``unknown`` where nothing moves.
        """
        spans = self._spans(timeline)
        lengths = {order: sum(stop - first for first, stop in spans[order]) for order in FIELDS}
        order = max(FIELDS, key=lambda one: lengths[one])
        if lengths[order] >= len(self.found) / 4:
            return order
        return "progressive" if "progressive" in self.found else "unknown"

    def events(self, timeline: Timeline, stated: str) -> list[QcEvent]:
        """Stretches that are interlaced in another way than the file states.

        Strength is the share of the frames that show it.
        """
        return [
            timeline.event(
                "field_order",
                first,
                stop,
                self.found[first:stop].count(order) / (stop - first),
                f"{order}, stated: {stated}",
            )
            for order, spans in self._spans(timeline).items()
            if order != stated
            for first, stop in spans
        ]

    def _spans(self, timeline: Timeline) -> dict[str, list[tuple[int, int]]]:
        """The stretches of each field order."""
        spans: dict[str, list[tuple[int, int]]] = {}
        for order, other in (FIELDS, FIELDS[::-1]):
            near = joined_over_gaps(runs([w == order for w in self.found]), timeline, GAP)
            spans[order] = []
            for first, stop in near:
                words = self.found[first:stop]
                count = words.count(order)
                enough = count >= SHARE * len(words) and words.count(other) <= AGAINST * count
                if enough and timeline.at(stop) - timeline.at(first) >= SHORTEST:
                    spans[order].append((first, stop))
        return spans

    def _drain(self) -> None:
        if self._graph is not None:
            self._read(self._graph.drain())
        self._graph = self._shape = None

    def _read(self, rows: list[dict[str, str]]) -> None:
        self.found += [row.get("lavfi.idet.single.current_frame", "undetermined") for row in rows]
