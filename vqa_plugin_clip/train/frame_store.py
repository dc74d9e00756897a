"""Decoded frames on disk, so that a video need not be decoded once more in every epoch."""

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
        folder: where; None keeps nothing.
        max_bytes: how much all arrays in the folder may take; what comes later is not kept.
    """

    def __init__(self, folder: Path | None, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        if folder is not None:
            make_folder(folder, what="folder for frames", hint="; name another with --cache")

    def get(self, key: str, make: Callable[[], Pictures]) -> Pictures:
        """The array kept under ``key``, memory-mapped, or what ``make`` gives."""
        if self.folder is None:
            return make()
        path = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
        try:
            kept: Pictures = np.load(path, mmap_mode="r", allow_pickle=False)
            if kept.dtype == np.uint8 and kept.ndim == 4:
                return kept
        except (OSError, ValueError, EOFError):
            pass  # not there, or not whole: made again
        made = make()
        if self.size() + made.nbytes <= self.max_bytes:
            self._keep(path, made)
        return made

    def size(self) -> int:
        """Bytes in the folder."""
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
        # a full disk costs speed, not the run
        with suppress(OSError), replacing(path) as part, part.open("wb") as file:
            np.save(file, made, allow_pickle=False)
