"""How far a batch is: counted as cases end, told on a terminal, in lines, and in a file."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappush, heapreplace
from typing import Any

from vqa_harness.batch.bucket import Unreachable
from vqa_harness.batch.case import Case, Outcome

SHOWN = 3
"""How many of the slowest cases and of the last errors are shown."""
LISTED = 1000
"""How many failures are listed at most where the result is written."""
_SPAN = 60.0
"""Seconds over which the speed is measured."""


@dataclass(slots=True)
class Tally:
    """What became of the cases so far.

    Attributes:
        total: how many there are, in this part.
        done: scored now.
        kept: that were scored before.
        failed: that failed, now or before.
        left: that were not scored because they had not failed before (``--failed-only``).
        retried: attempts after the first.
        frames: scored now.
        running: under way.
        divided: of each long case under way its name, pieces done, all pieces, and the seconds that
            finding its pairs took.
        failures: of each failed case its name, exit code and message, at most `LISTED`.
        slowest: (seconds, name) of the slowest cases.
        began: `time.monotonic` at the start.
    """

    total: int = 0
    done: int = 0
    kept: int = 0
    failed: int = 0
    left: int = 0
    retried: int = 0
    frames: int = 0
    running: int = 0
    divided: list[tuple[str, int, int, float]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _ends: deque[tuple[float, int]] = field(default_factory=deque)

    def settle(self, case: Case, outcome: Outcome) -> None:
        """Count a case that has a row."""
        if outcome.failed:
            self.failed += 1
            self._note_failure(case, outcome)
        elif outcome.kept:
            self.kept += 1
        else:
            self.done += 1
        if not outcome.kept:
            self.frames += outcome.frames
            self._ends.append((time.monotonic(), outcome.frames))
            slow = (outcome.seconds, case.file)
            if len(self.slowest) < SHOWN:
                heappush(self.slowest, slow)
            elif slow > self.slowest[0]:
                heapreplace(self.slowest, slow)

    def _note_failure(self, case: Case, outcome: Outcome) -> None:
        if len(self.failures) < LISTED:
            one = {"file": case.file, "exit_code": outcome.exit_code, "message": outcome.message}
            self.failures.append(one)

    @property
    def settled(self) -> int:
        """How many need nothing more."""
        return self.done + self.kept + self.failed + self.left

    def speed(self) -> tuple[float, float]:
        """Cases and frames a second, over the last minute."""
        now = time.monotonic()
        while len(self._ends) > 1 and self._ends[0][0] < now - _SPAN:
            self._ends.popleft()
        span = min(_SPAN, now - self.began) or 1e-9
        return len(self._ends) / span, sum(frames for _, frames in self._ends) / span

    def seconds_left(self) -> float | None:
        """About how long the rest takes; None where nothing has ended lately."""
        cases, _ = self.speed()
        return (self.total - self.settled) / cases if cases else None

    def to_json(self) -> dict[str, Any]:
        """The counts and the speed, JSON-compatible."""
        cases, frames = self.speed()
        left = self.seconds_left()
        return {
            "total": self.total,
            "done": self.done,
            "kept": self.kept,
            "failed": self.failed,
            "left": self.left,
            "running": self.running,
            "retried": self.retried,
            "frames": self.frames,
            "seconds": round(time.monotonic() - self.began, 1),
            "cases_per_second": round(cases, 3),
            "frames_per_second": round(frames, 1),
            "seconds_left": None if left is None else round(left),
            "slowest": [{"file": n, "seconds": s} for s, n in sorted(self.slowest, reverse=True)],
            "divided": [
                {"file": name, "done": done, "pieces": pieces, "pairing_seconds": round(s, 1)}
                for name, done, pieces, s in self.divided
            ],
            "last_failures": self.failures[-SHOWN:],
        }

    def lines(self) -> list[tuple[str, str]]:
        """What is shown on a terminal: a name and a text each."""
        cases, frames = self.speed()
        rows = [
            ("done", f"{self.done + self.kept:,} of {self.total:,}, {self.kept:,} from before"),
            ("failed", f"{self.failed:,}"),
            ("running", f"{self.running:,}"),
            ("speed", f"{cases:.2f} cases/s, {frames:,.0f} frames/s"),
            ("time left", _duration(self.seconds_left())),
        ]
        rows += [("slow", f"{s:.1f} s  {name}") for s, name in sorted(self.slowest, reverse=True)]
        rows += [
            ("pieces", f"{done} of {of}  {name} (pairs found in {seconds:.0f} s)")
            for name, done, of, seconds in self.divided[:SHOWN]
        ]
        rows += [("error", f"{one['message']}") for one in self.failures[-SHOWN:]]
        return rows

    def line(self) -> str:
        """The same in one line."""
        cases, _ = self.speed()
        return (
            f"{self.done + self.kept} of {self.total} done, {self.failed} failed, "
            f"{cases:.2f} cases/s, {_duration(self.seconds_left())} left"
        )


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


class Telling:
    """Says how far a batch is, now and then.

    Args:
        tally: what is told.
        put: renews what programs read, every other second.
        show: takes what a terminal shows; None without one.
        note: takes a line every minute where there is no terminal; None for silence.
    """

    EVERY, SHOW_EVERY, NOTE_EVERY = 2.0, 0.25, 60.0

    def __init__(
        self,
        tally: Tally,
        put: Callable[[str], None],
        show: Callable[[list[tuple[str, str]]], None] | None,
        note: Callable[[str], None] | None,
    ) -> None:
        self._tally, self._put, self._show, self._note = tally, put, show, note
        now = time.monotonic()
        self._written, self._shown, self._noted = 0.0, 0.0, now

    def say(self, text: str) -> None:
        """Tell a line where there is no terminal; there, all is shown anyway."""
        if self._note is not None:
            self._note(text)

    def tick(self) -> None:
        """Say it where it is time to."""
        now = time.monotonic()
        if self._show is not None and now - self._shown >= self.SHOW_EVERY:
            self._shown = now
            self._show(self._tally.lines())
        if self._note is not None and now - self._noted >= self.NOTE_EVERY:
            self._noted = now
            self._note(self._tally.line())
        if now - self._written >= self.EVERY:
            with suppress(Unreachable):  # should that last, a row that cannot be put tells it
                self.write("running")
            self._written = time.monotonic()

    def write(self, state: str) -> None:
        """Renew what programs read.

        Raises:
            UsageError: it cannot be written.
            Unreachable: the same, in a store of objects.
        """
        import json

        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        document = {"state": state, "updated": stamp, **self._tally.to_json()}
        self._put(json.dumps(document, indent=2, allow_nan=False) + "\n")
