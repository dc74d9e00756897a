"""Everything that looks at the picture, over one pass of its frames."""

from __future__ import annotations

from fractions import Fraction

from vqa_harness.alignment.signatures import centred
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.qc.black import black_events, level_events
from vqa_harness.qc.cadence import cadence_events
from vqa_harness.qc.events import Kind, QcEvent, QcReport
from vqa_harness.qc.flash import FlashDetector
from vqa_harness.qc.freeze import FreezeDetector
from vqa_harness.qc.interlacing import FieldDetector
from vqa_harness.qc.measures import Measurer
from vqa_harness.qc.scenes import SceneCut, SceneDetector
from vqa_harness.qc.spans import Timeline

OF_PICTURE: tuple[Kind, ...] = (
    "black",
    "freeze",
    "flash",
    "field_order",
    "levels",
    "scene",
    "repeat",
)
"""Kinds of event that are about the picture."""


class VideoWatch:
    """Looks at every frame of a video, in order, and tells the events in the end.

    Args:
        info: facts of the stream.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._measurer = Measurer()
        self._scenes = SceneDetector(info.rate)
        self._flashes = FlashDetector()
        self._freezes = FreezeDetector()
        self._fields = FieldDetector()
        self._cuts: list[SceneCut] = []
        self._times: list[Fraction] = []
        self._black: list[float] = []
        self._outside: list[float | None] = []
        self._timeless = False

    def see(self, frame: Frame) -> None:
        """Take the next frame; nothing of it is kept but numbers."""
        seen = self._measurer.measure(frame)
        self._timeless |= frame.time is None
        self._times.append(seen.time)
        self._black.append(seen.black)
        self._outside.append(seen.outside)
        self._cuts += self._scenes.take(len(self._times) - 1, seen.time, centred(seen.cells))
        self._freezes.take(seen)
        self._flashes.take(seen)
        self._fields.take(frame)

    def report(self, name: str) -> QcReport:
        """What was found in all frames.

        Args:
            name: the file's base name.
        """
        found = QcReport(name, frames=len(self._times))
        if not self._times:
            return found
        self._cuts += self._scenes.finish()
        self._fields.finish()
        period = 1 / self._info.rate if self._info.rate else None
        timeline = Timeline(self._times, period)
        found.duration = timeline.end
        if self._timeless:
            found.warnings.append("the file tells no times: they are counted at 25 frames a second")
        found.field_order = {
            "stated": self._info.field_order,
            "found": self._fields.order(timeline),
        }
        for kind, events in self._by_kind(timeline).items():
            if kind == "flash" and self._info.colour.hdr:
                found.warnings.append("flashes are not judged: the limits are those of SDR")
            elif kind == "levels" and all(share is None for share in self._outside):
                found.warnings.append("levels are not judged: in full range every value is legal")
            else:
                found.add([kind], events)
        return found

    def _by_kind(self, timeline: Timeline) -> dict[Kind, list[QcEvent]]:
        cuts = [
            QcEvent("scene", cut.time, cut.time, cut.strength, cut.frame, cut.frame)
            for cut in self._cuts
        ]
        dark = black_events(self._black, timeline)  # it stands still, and is told once
        flashes = self._flashes.events(timeline)  # they come and go in patterns of their own
        return {
            "black": dark,
            "freeze": [
                event
                for event in self._freezes.events(timeline, {cut.frame for cut in self._cuts})
                if not any(d.start <= event.start and event.end <= d.end for d in dark)
            ],
            "flash": flashes,
            "field_order": self._fields.events(timeline, self._info.field_order),
            "levels": level_events(self._outside, timeline),
            "scene": cuts,
            "repeat": [
                event
                for event in cadence_events(self._freezes.changes, timeline)
                if not any(event.start < f.end and f.start < event.end for f in flashes)
            ],
        }
