"""Runs of frames that have something in common, as events."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from vqa_harness.qc.events import Kind, QcEvent


class Timeline:
    """The times of all frames, and of the end.

    Args:
        times: exact seconds of each frame, increasing.
        period: seconds of the last frame; None to take that of the frame before it.
    """

    def __init__(self, times: Sequence[Fraction], period: Fraction | None) -> None:
        if period is None:
            period = times[-1] - times[-2] if len(times) > 1 else Fraction(0)
        self._times = [*times, times[-1] + period]

    def at(self, index: int) -> Fraction:
        """When a frame begins; one past the last, when that ends."""
        return self._times[index]

    @property
    def end(self) -> Fraction:
        """When the last frame ends."""
        return self._times[-1]

    def event(
        self, kind: Kind, first: int, stop: int, strength: float | None = None, detail: str = ""
    ) -> QcEvent:
        """The event of the frames from ``first`` to before ``stop``."""
        return QcEvent(kind, self.at(first), self.at(stop), strength, first, stop, detail)


def runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """(first, stop) of each run of true flags."""
    found, first = [], None
    for index, flag in enumerate([*flags, False]):
        if flag and first is None:
            first = index
        elif not flag and first is not None:
            found.append((first, index))
            first = None
    return found


def joined_over_gaps(
    spans: Sequence[tuple[int, int]], timeline: Timeline, gap: Fraction
) -> list[tuple[int, int]]:
    """The spans, those joined that lie at most ``gap`` seconds apart."""
    joined: list[tuple[int, int]] = []
    for first, stop in spans:
        if joined and timeline.at(first) - timeline.at(joined[-1][1]) <= gap:
            joined[-1] = joined[-1][0], stop
        else:
            joined.append((first, stop))
    return joined
