"""The network run by torch, on every device that torch has; any checkpoint, no graph needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vqa_harness.errors import MissingBackend
from vqa_harness.system import keep_large_arrays_apart
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.explain import captions_of
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.precision import full_precision
from vqa_plugin_clip.network.tokens import tokens_for


class TorchNetwork:
    """A checkpoint's network as torch runs it; see `vqa_plugin_clip.backend.network.Network`.

    Args:
        card_path: Path of the card.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        MissingBackend: Torch has no such device.
        InputError: A file is missing or damaged.
    """

    def __init__(self, card_path: Path, device: str) -> None:
        keep_large_arrays_apart()
        self.device = choose_device(device)
        self._model, card = load_checkpoint(card_path)
        self._model.to(self.device)
        self._model.visual.bound_memory()
        self._preprocessing = Preprocessing.from_dict(card.preprocessing)
        tokens = tokens_for((*card.levels, *captions_of(card)), card.architecture)
        with torch.inference_mode(), full_precision():
            self._text = self._model.encode_text(tokens.to(self.device))

    @property
    def batches(self) -> bool:
        """Always: fewer and larger products."""
        return True

    def use_threads(self, threads: int) -> None:
        """Let torch use so many threads, in the whole process."""
        torch.set_num_threads(threads)

    def logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Compute logits [B, K + C] float64 of pictures [B, T, size, size, 3] uint8."""
        with torch.inference_mode(), full_precision():
            video = self._preprocessing.tensor(pictures).to(self.device)
            logits = self._model(video, self._text).logits
            return np.asarray(logits.cpu().double().numpy())

    def facts(self) -> dict[str, str]:
        """Return the back-end and the version of torch."""
        return {"backend": "torch", "torch": torch.__version__}


def choose_device(name: str) -> str:
    """Choose a device that torch has; ``auto`` takes cuda, then mps, then the processor.

    Args:
        name: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        MissingBackend: Torch has no such device here.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps()}
    if name == "auto":
        return next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there[name]:
        have = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise MissingBackend(f"device={name}: torch finds none on this machine; it has {have}")
    return name


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
