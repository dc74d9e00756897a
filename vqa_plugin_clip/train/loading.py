"""Batches of clips, made by this process or by others."""

from __future__ import annotations

import signal
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from vqa_harness import system
from vqa_harness.errors import VqaError
from vqa_harness.spawning import quiet_start
from vqa_plugin_clip.train.clips import BatchPlan, Clips, Key, collate


@dataclass(slots=True)
class ClipLoader:
    """Makes batches of clips.

    Attributes:
        clips: Where clips come from.
        workers: Processes that make them; 0 for this one.
    """

    clips: Clips
    workers: int
    _plan: BatchPlan = field(init=False)
    _loader: DataLoader[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        """Set the loader up; its processes start with the first batch and stay."""
        self._plan = BatchPlan()
        self._loader = DataLoader(
            self.clips,  # type: ignore[arg-type]
            batch_sampler=self._plan,
            num_workers=self.workers,
            collate_fn=collate,
            worker_init_fn=_start,
            # A fork copies locks that other threads hold, and no thread that would release them:
            # a child that decodes or computes would hang.
            multiprocessing_context="spawn" if self.workers else None,
            persistent_workers=self.workers > 0,
            # Its own, or it would draw from the generator of training: an interruption, after which
            # the loader starts once more, would then change what is drawn.
            generator=torch.Generator(),
        )

    def batches(self, keys: Sequence[Sequence[Key]]) -> Generator[Tensor]:
        """Yield one batch [B, T, size, size, 3] uint8 for each element of ``keys``, in order.

        Args:
            keys: Which clips each batch holds.

        Raises:
            VqaError: A clip cannot be made.
        """
        self._plan.batches = keys
        with quiet_start():
            batches = iter(self._loader)
        for batch in batches:
            if isinstance(batch, VqaError):
                raise batch
            yield batch

    def close(self) -> None:
        """End the processes; no batches can be made after that."""
        del self._loader


def _start(_worker: int) -> None:
    """Leave Ctrl-C to the process that trains, and take one thread: many run at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    system.let_signals_in()
    try:
        system.end_with_parent()
    except ProcessLookupError:
        system.end_at_once(1)
    torch.set_num_threads(1)
