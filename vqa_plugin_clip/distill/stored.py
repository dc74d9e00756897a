"""The stored frames of a set: read from disk for every batch, or kept on the device as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_plugin_clip.distill.planes import Bytes

_MOST = 0.7
"""Share of a device's free memory that clips may take."""


class StoredFrames(Protocol):
    """Where frames of clips come from."""

    @property
    def device(self) -> torch.device:
        """Where they end up."""
        ...

    def take(self, clips: NDArray[np.int64], moments: NDArray[np.int64]) -> Tensor:
        """Return frames of clips.

        Args:
            clips: [B], which clips.
            moments: [B, T], which of the stored frames of each.

        Returns:
            [B, T, samples] uint8, packed 4:2:0, on the device.
        """
        ...


class MappedFrames:
    """Frames that stay in files, and are read whenever a batch needs them.

    Args:
        clips: [kept, samples] uint8 of every clip, mapped into memory.
        device: Where batches go.
    """

    def __init__(self, clips: Sequence[Bytes], device: torch.device) -> None:
        self._clips = clips
        self.device = device

    def take(self, clips: NDArray[np.int64], moments: NDArray[np.int64]) -> Tensor:
        """Read frames; see `StoredFrames.take`."""
        read = [self._clips[clip][chosen] for clip, chosen in zip(clips, moments, strict=True)]
        return torch.from_numpy(np.stack(read)).to(self.device)


class ResidentFrames:
    """Frames that are read once and then stay in the device's memory.

    Args:
        clips: [kept, samples] uint8 of every clip.
        device: Where they stay.
    """

    def __init__(self, clips: Sequence[Bytes], device: torch.device) -> None:
        self.device = device
        self._frames = torch.empty((len(clips), *clips[0].shape), dtype=torch.uint8, device=device)
        for index, clip in enumerate(clips):
            self._frames[index] = torch.from_numpy(np.array(clip))

    def take(self, clips: NDArray[np.int64], moments: NDArray[np.int64]) -> Tensor:
        """Pick frames; see `StoredFrames.take`."""
        rows, columns = (torch.from_numpy(part).to(self.device) for part in (clips, moments))
        return self._frames[rows[:, None], columns]


def fits(clips: Sequence[Bytes], device: torch.device) -> bool:
    """Whether the clips of a set should stay on the device: on a GPU whose memory is enough."""
    if device.type != "cuda" or not clips:
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return len(clips) * clips[0].nbytes <= _MOST * free
