"""Presentation times of frames, from timestamps that may be missing or wrong."""

from __future__ import annotations

from fractions import Fraction

JUMP = Fraction(1)
"""Seconds backwards from which files were joined; a smaller step back is a wrong timestamp."""
TOLERATED = 3
"""Wrong timestamps, beside 1 % of the frames, after which timestamps are given up."""


class Clock:
    """Turns the timestamps of successive frames into exact, increasing seconds from 0.

    A missing timestamp is taken one period after the frame before, a backward one half a period; a
    jump back of a second or more starts a new timeline where the old one ends. When more timestamps
    are wrong than `TOLERATED`, or ``use_pts`` is off, times are index / rate.

    Args:
        time_base: seconds of one unit of the timestamps.
        rate: frames per second; None if unknown.
        use_pts: whether to begin with the timestamps.
    """

    def __init__(self, time_base: Fraction, rate: Fraction | None, *, use_pts: bool = True) -> None:
        self._base = time_base.numerator, time_base.denominator
        self._period = 1 / rate if rate else None
        self._begun = False
        self._origin, self._start = 0, Fraction(0)
        """A timestamp, and the time it stands for."""
        self._last: Fraction | None = None
        self._last_pts: int | None = None
        """The last timestamp; None where the last time did not come from one."""
        self.use_pts = use_pts
        self.count = 0
        self.missing = 0
        self.backward = 0
        self.restarts = 0

    def next(self, pts: int | None) -> Fraction | None:
        """The next frame's time; None if neither its timestamp nor the rate tells."""
        self.count += 1
        used, self._last_pts = self._last_pts, None
        self.missing += pts is None
        if pts is None or not self.use_pts:
            time = self._after()
        elif used is not None and pts > used:
            time, self._last_pts = self._at(pts), pts
        else:
            time = self._first_or_back(pts)
        if time is not None:
            self._last = time
        return time

    def _first_or_back(self, pts: int) -> Fraction | None:
        """The time of a timestamp that may begin a timeline, or be wrong."""
        if not self._begun:
            self._begun = True
            self._origin, self._start = pts, self._after() or Fraction(0)
        time = self._at(pts)
        if self._last is None or time > self._last:
            self._last_pts = pts
            return time
        after = self._after()
        if self._last - time >= JUMP and after is not None:
            self.restarts += 1
            self._origin, self._start, self._last_pts = pts, after, pts
            return after
        self.backward += 1
        if self.backward > TOLERATED + self.count // 100:
            self.use_pts = False
        return self._after(Fraction(1, 2))

    def _at(self, pts: int) -> Fraction:
        ticks, unit = self._base
        time = Fraction((pts - self._origin) * ticks, unit)
        return self._start + time if self._start else time

    def _after(self, periods: Fraction = Fraction(1)) -> Fraction | None:
        """``periods`` after the last frame; 0 for the first."""
        if self._period is None:
            return self._last
        return Fraction(0) if self._last is None else self._last + periods * self._period
