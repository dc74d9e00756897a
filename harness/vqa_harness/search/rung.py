"""The search for one rung: on samples first, where there are some, and then on the whole video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vqa_harness.errors import VqaError
from vqa_harness.ladder.encode import EncodeGrid
from vqa_harness.search.bracket import Bracket
from vqa_harness.search.goals import Goal, hold, margins
from vqa_harness.search.scale import Scale

Status = Literal["searching", "found", "bound", "unreachable", "failed"]


@dataclass(frozen=True, slots=True)
class Trial:
    """An encoding that a search asks for.

    Attributes:
        source: name of the source.
        grid: the one encoding.
        setting: the quality in words.
        place: where the setting stands on the scale.
        whole: whether the whole video is encoded, not samples of it.
    """

    source: str
    grid: EncodeGrid
    setting: str
    place: int
    whole: bool

    @property
    def height(self) -> int:
        """The height of the encoding in pixels."""
        return self.grid.heights[0]


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a trial.

    Attributes:
        values: the value of each target.
        bitrate: mean bitrate of the video stream in bit/s.
        path: the encoding.
        made: whether it was encoded now, not in an earlier call.
    """

    values: tuple[float, ...]
    bitrate: float
    path: Path
    made: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial with its outcome.

    Attributes:
        trial: what was asked for.
        measured: what came of it.
        holds: whether all targets are met.
    """

    trial: Trial
    measured: Measured
    holds: bool


class RungSearch:
    """The search for the last setting of a scale that meets all targets.

    On samples it is searched to the end. What was found is then encoded from the whole video; if it
    misses a target there, or so much is left that the next setting should hold as well, the search
    goes on there, led by what the samples taught. Without samples everything is done on the whole.

    Args:
        source: name of the source.
        grid: the coder, with its options.
        height: height of the rung in pixels.
        scale: the settings.
        goals: the targets.
        sampled: whether there are samples.

    Attributes:
        tried: every trial with its outcome, in order.
        error: why the search ended early; None where it did not.
    """

    def __init__(
        self,
        source: str,
        grid: EncodeGrid,
        height: int,
        scale: Scale,
        goals: Sequence[Goal],
        *,
        sampled: bool,
    ) -> None:
        self.source, self.grid, self.height = source, grid, height
        self.scale, self._goals = scale, goals
        self.tried: list[Tried] = []
        self.error: VqaError | None = None
        self._whole = not sampled
        self._over = False
        self._bracket = Bracket(len(scale), scale.start, scale.stride)

    def wanted(self) -> Trial | None:
        """The next trial; None when the search is over."""
        if self._over:
            return None
        place = self._bracket.next()
        if place is None and not self._whole and self._bracket.best is not None:
            self._whole = True
            best, trend = self._bracket.best, self._bracket.trend()
            self._bracket = Bracket(len(self.scale), best, self.scale.stride, trend)
            place = self._bracket.next()
        if place is None:
            self._over = True
            return None
        grid = self.scale.grid(self.grid, self.height, place)
        return Trial(self.source, grid, self.scale.named(place), place, self._whole)

    def take(self, trial: Trial, outcome: Measured | VqaError) -> None:
        """Note what came of a trial; an error ends the search."""
        if isinstance(outcome, VqaError):
            self.error, self._over = outcome, True
            return
        holds = hold(self._goals, outcome.values)
        self.tried.append(Tried(trial, outcome, holds))
        self._bracket.add(trial.place, margins(self._goals, outcome.values), holds=holds)

    @property
    def found(self) -> Tried | None:
        """The last setting that meets all targets on the whole video; None where there is none."""
        good = [one for one in self.tried if one.holds and one.trial.whole]
        return max(good, key=lambda one: one.trial.place, default=None)

    @property
    def nearest(self) -> Tried | None:
        """Of what was tried, the best quality, on the whole video if anything was."""
        last = [one for one in self.tried if one.trial.whole] or self.tried
        return min(last, key=lambda one: one.trial.place, default=None)

    @property
    def status(self) -> Status:
        """``bound`` is found at the end of the scale, beyond which nothing was tried."""
        if self.error is not None:
            return "failed"
        if not self._over:
            return "searching"
        if self.found is None:
            return "unreachable"
        return "bound" if self.found.trial.place == len(self.scale) - 1 else "found"

    @property
    def rises(self) -> bool:
        """Whether quality did not fall everywhere: a setting missed, a later one did not."""
        return self._bracket.rises

    @property
    def next_measured(self) -> bool:
        """Whether the setting behind the one found was tried on the whole video."""
        found = self.found
        return found is not None and any(
            one.trial.whole and one.trial.place == found.trial.place + 1 for one in self.tried
        )
