"""Freezes: the same picture for longer than any cadence repeats it.

What coding does to a picture that stands still is told from motion by its course: from one frame to
the next the change falls to a small part of what it was, and all frames stay like the first. Most
change next to nothing, a few are coded anew.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

from vqa_harness.alignment.signatures import Signature
from vqa_harness.qc.events import QcEvent
from vqa_harness.qc.measures import Measures, largest_change
from vqa_harness.qc.spans import Timeline, runs

STILL = 0.5
"""Levels of 8-bit full range that a picture changes at most where it repeats the one before."""
DROP = 0.15
"""Share of the motion before a freeze that is left in it at most: coding refines the picture."""
REFINED = 10.0
"""Levels that such a refinement changes at most."""
APART = 5.0
"""Levels that a frame of a freeze may differ by from its first, or as much as a refinement."""
CODED_ANEW = 3.0
"""Levels that a picture standing still changes at most where it is coded anew."""
MOSTLY = 0.75
"""Share of the frames of a freeze that repeat the one before."""
SHORTEST = Fraction(1, 2)
"""Seconds of the shortest freeze; shorter ones are judder, see `vqa_harness.qc.cadence`."""


class FreezeDetector:
    """Finds freezes in frames that are shown to it one after another.

    Attributes:
        changes: `Measures.change` of each frame; None for the first.
    """

    def __init__(self) -> None:
        self.changes: list[float | None] = []
        self._same: list[bool] = []
        """Whether each frame repeats the one before."""
        self._held: list[bool] = []
        """Whether each frame is the one before, perhaps coded anew."""
        self._first: Signature | None = None
        self._motion = 0.0
        """Change of the last frame that moved."""

    def take(self, seen: Measures) -> None:
        """Take the next frame."""
        change = seen.change
        same = held = False
        if self._first is not None and change is not None:
            bound = max(STILL, min(REFINED, DROP * self._motion))
            held = change <= max(bound, CODED_ANEW)
            held = held and largest_change(self._first, seen.cells) <= max(APART, bound)
            same = held and change <= bound
        if not held:
            self._first, self._motion = seen.cells, change or 0.0
        self.changes.append(change)
        self._held.append(held)
        self._same.append(same)

    def events(self, timeline: Timeline, cuts: Collection[int] = ()) -> list[QcEvent]:
        """The freezes of all frames taken; one begins with the first frame of its picture.

        Strength is the share of the frames that repeat the one before, 0.75 to 1.

        Args:
            timeline: when the frames are shown.
            cuts: frames at which scenes begin. A change as large as a cut says nothing of how much
                moves in the scene after it, so there only what hardly changes is a freeze.
        """
        events = []
        for first, stop in runs(self._held):
            same = self._same[first:stop]
            if first - 1 in cuts:
                same = [(change or 0.0) <= STILL for change in self.changes[first:stop]]
            for begin, end in _mostly_same(same):
                share = sum(same[begin:end]) / (end - begin)
                event = timeline.event("freeze", first + begin - 1, first + end, share)
                if event.seconds >= SHORTEST:
                    events.append(event)
        return events


def _mostly_same(same: Sequence[bool]) -> list[tuple[int, int]]:
    """The stretches in which most frames repeat the one before.

    They begin and end with a frame that does, and no two frames in a row do not.
    """
    spans: list[tuple[int, int]] = []
    for begin, end in runs(same):
        if spans and begin - spans[-1][1] <= 1:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((begin, end))
    return [(a, b) for a, b in spans if sum(same[a:b]) >= MOSTLY * (b - a)]
