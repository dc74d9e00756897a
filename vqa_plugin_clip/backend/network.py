"""What the metric asks of a network, whichever library runs it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Network(Protocol):
    """A checkpoint's network, ready to score."""

    @property
    def device(self) -> str:
        """Where it runs: ``cpu``, ``cuda`` or ``mps``."""

    @property
    def batches(self) -> bool:
        """Whether windows scored together take less time than one after another."""

    def use_threads(self, threads: int) -> None:
        """Let it run on so many threads from now on; scores stay the same to the last bit.

        Raises:
            InputError: The checkpoint's files are damaged.
            MissingBackend: The device does not start.
        """

    def logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Compute the logits of windows.

        Args:
            pictures: [B, T, size, size, 3] uint8, prepared frames.

        Returns:
            [B, K + C] float64, of the quality levels and then of the captions.

        Raises:
            InputError: The checkpoint's files are damaged.
            MissingBackend: The device does not start.
        """

    def facts(self) -> dict[str, str]:
        """Return what the log tells: ``backend``, the library's version, the graph's hash."""
