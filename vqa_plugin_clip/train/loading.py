"""Batches of clips from as many processes as wanted."""

from __future__ import annotations

import signal
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from vqa_harness.errors import VqaError
from vqa_plugin_clip.train.clips import Clips, Key, Plan, collate


@dataclass(slots=True)
class Loading:
    """Makes batches of clips.

    Attributes:
        clips: where they come from.
        workers: processes that make them; 0 for this one.
    """

    clips: Clips
    workers: int
    _plan: Plan = field(init=False)
    _loader: DataLoader[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        """Set the loader up; processes start with the first batch and stay."""
        self._plan = Plan()
        self._loader = DataLoader(
            self.clips,  # type: ignore[arg-type]
            batch_sampler=self._plan,
            num_workers=self.workers,
            collate_fn=collate,
            worker_init_fn=_start,
            # a forked copy of threads that decode or compute would hang
            multiprocessing_context="spawn" if self.workers else None,
            persistent_workers=self.workers > 0,
            generator=torch.Generator(),  # else it draws from the one that training uses
        )

    def batches(self, keys: Sequence[Sequence[Key]]) -> Generator[Tensor]:
        """One [B, T, size, size, 3] uint8 per element of ``keys``, in order.

        Raises:
            VqaError: a clip cannot be made.
        """
        self._plan.batches = keys
        for batch in self._loader:
            if isinstance(batch, VqaError):
                raise batch
            yield batch

    def close(self) -> None:
        """End the processes; there are no batches after that."""
        del self._loader


def _start(_worker: int) -> None:
    """Leave Ctrl-C to the process that trains; one thread each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
