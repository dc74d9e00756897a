"""A running average of the weights: steadier than the last step, and better on new contents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_DECAY = 0.998
"""Share of the average that a step keeps: it spans the last 500 steps or so."""


class WeightAverage:
    """An exponential moving average of what is trained; the first steps are weighted evenly.

    Args:
        model: The network; its parameters with gradients are averaged.
    """

    def __init__(self, model: nn.Module) -> None:
        self._weights = [p for p in model.parameters() if p.requires_grad]
        self._average = [p.detach().clone() for p in self._weights]
        self._steps = 0

    def update(self) -> None:
        """Take in the weights as they are now; call it after every step."""
        self._steps += 1
        decay = min(_DECAY, self._steps / (self._steps + 9))
        now: list[Tensor] = [p.detach() for p in self._weights]
        torch._foreach_lerp_(self._average, now, 1 - decay)

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Give the network the averaged weights while the block runs."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def apply(self) -> None:
        """Give the network the averaged weights for good."""
        with torch.no_grad():
            for weight, average in zip(self._weights, self._average, strict=True):
                weight.copy_(average)

    def _swap(self) -> None:
        with torch.no_grad():
            for weight, average in zip(self._weights, self._average, strict=True):
                current = weight.clone()
                weight.copy_(average)
                average.copy_(current)
