"""How far training is, in steps or in time; the learning rate and the checks follow from that."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

_WARM_UP = 100
"""Steps in which the learning rate rises."""
_LAST_RATE = 0.01
"""Learning rate at the end, as a part of the highest."""


class Schedule:
    """The course of one stage of training.

    Args:
        per_epoch: Steps of a pass over the clips.
        epochs: Passes; unused where there is a time.
        minutes: How long to train, measuring included; 0 to go by passes.
        checks: How often to measure where there is a time; else it is done after every pass.
        clock: Tells seconds.
    """

    def __init__(
        self,
        per_epoch: int,
        epochs: int,
        minutes: float = 0.0,
        checks: int = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.step = 0
        self._per_epoch = per_epoch
        self._steps = epochs * per_epoch
        self._seconds = 60 * minutes
        self._checks = checks if minutes else epochs
        self._checked = 0
        self._clock = clock
        self._begin = clock()

    @property
    def progress(self) -> float:
        """How much of the training is done, 0 to 1."""
        if self._seconds:
            return min(1.0, (self._clock() - self._begin) / self._seconds)
        return min(1.0, self.step / self._steps)

    @property
    def over(self) -> bool:
        """Whether training has ended."""
        return self.progress >= 1

    def factor(self) -> float:
        """Return the learning rate of the next step as a part of the highest.

        It rises over 100 steps and falls along half a cosine to 1 %.
        """
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress))
        return min(1.0, (self.step + 1) / _WARM_UP) * (_LAST_RATE + (1 - _LAST_RATE) * cosine)

    def check_is_due(self) -> bool:
        """Whether to measure now; call it after every step. It is always due at the end."""
        if self._seconds:
            due = self.over or self.progress >= (self._checked + 1) / self._checks
        else:
            due = self.step % self._per_epoch == 0
        if due:
            self._checked = max(self._checked + 1, int(self.progress * self._checks))
        return due

    def told(self) -> tuple[int, int]:
        """Return how much is done, and how much there is to do: steps, or seconds."""
        if self._seconds:
            return round(self.progress * self._seconds), round(self._seconds)
        return self.step, self._steps
