"""Decoded frames on disk, so that a video is not decoded again in every epoch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqa_harness.files import make_folder, replacing

Pictures = NDArray[np.uint8]


class FrameStore:
    """Arrays of frames under a key, as .npy files in a folder of bounded size.

    Several processes may share a folder; each may then exceed the bound by one array.

    Args:
        folder: Where arrays are kept; None to keep nothing.
        max_bytes: How much all arrays in the folder may take; what comes later is not kept.
    """

    def __init__(self, folder: Path | None, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        if folder is not None:
            make_folder(folder, what="folder for frames", hint="; name another with --cache")

    def get(self, key: str, make: Callable[[], Pictures]) -> Pictures:
        """Return the array kept under a key, memory-mapped; if there is none, make it and keep it.

        Args:
            key: Text that changes with everything the array depends on.
            make: Makes the array, [T, H, W, 3] uint8.
        """
        if self.folder is None:
            return make()
        path = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
        try:
            stored: Pictures = np.load(path, mmap_mode="r", allow_pickle=False)
            if stored.dtype == np.uint8 and stored.ndim == 4:
                return stored
        except (OSError, ValueError, EOFError):
            pass  # not there, or not whole: made again
        made = make()
        if self.size() + made.nbytes <= self.max_bytes:
            self._keep(path, made)
        return made

    def size(self) -> int:
        """Count the bytes in the folder."""
        if self.folder is None:
            return 0
        total = 0
        with os.scandir(self.folder) as entries:
            for entry in entries:
                try:
                    total += entry.stat().st_size
                except FileNotFoundError:  # another process moved its file into place
                    continue
        return total

    def _keep(self, path: Path, made: Pictures) -> None:
        # On a full disk nothing more is kept: that costs speed, and does not end the training.
        with suppress(OSError), replacing(path) as part, part.open("wb") as file:
            np.save(file, made, allow_pickle=False)
