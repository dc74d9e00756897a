"""Black pictures and pictures outside the legal range, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

from vqa_harness.qc.events import QcEvent
from vqa_harness.qc.spans import Timeline, runs

BLACK_PICTURE = 0.98
"""Share of the samples that are black in a black picture (FFmpeg's blackdetect)."""
OUTSIDE_PICTURE = 0.01
"""Share of a plane's samples outside the legal range that is an error (EBU R 103)."""


def black_events(shares: Sequence[float], timeline: Timeline) -> list[QcEvent]:
    """Stretches of black pictures; their strength is the mean share of black samples."""
    return [
        timeline.event("black", first, stop, sum(shares[first:stop]) / (stop - first))
        for first, stop in runs([share >= BLACK_PICTURE for share in shares])
    ]


def level_events(shares: Sequence[float | None], timeline: Timeline) -> list[QcEvent]:
    """Stretches of pictures outside the legal range; strength: the largest share outside it."""
    outside = [0.0 if share is None else share for share in shares]
    return [
        timeline.event("levels", first, stop, max(outside[first:stop]))
        for first, stop in runs([share > OUTSIDE_PICTURE for share in outside])
    ]
