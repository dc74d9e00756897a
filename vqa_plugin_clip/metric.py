"""CLIPVQA as a clip metric: windows of frames in, scores out; the network is made elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_harness.errors import MissingBackend, UsageError
from vqa_harness.frames import Clip, Frame
from vqa_harness.protocols import Metric, RunInfo, Sampling
from vqa_harness.spec import Scores
from vqa_plugin_clip.checkpoint.card import WHOLE_VIDEO, CheckpointCard
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.checkpoint.window import choose_window
from vqa_plugin_clip.explain import Explanation, captions_of
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.labels import TOP_SCORE, score
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.precision import full_precision
from vqa_plugin_clip.network.tokens import tokens_for
from vqa_plugin_clip.svr import SvrDecoder


class LoadedCheckpoint(NamedTuple):
    """A checkpoint ready to score.

    Attributes:
        model: The network in evaluation mode, on its device.
        card: The checkpoint's card.
        preprocessing: How frames become the network's input.
        text: [K + C, D] float32, features of the quality levels, then of the captions.
        captions: The C wordings of damage that the checkpoint was trained with.
    """

    model: ClipVqa
    card: CheckpointCard
    preprocessing: Preprocessing
    text: Tensor
    captions: tuple[str, ...]


@lru_cache(maxsize=2)
def load(checkpoint: str, device: str) -> LoadedCheckpoint:
    """Load a checkpoint; the last two are kept for the process.

    Args:
        checkpoint: A bundled name, or the path of a .safetensors file with its card.
        device: ``cpu``, ``cuda`` or ``mps``.

    Raises:
        MissingBackend: No checkpoint of that name is bundled.
        InputError: A file is missing or damaged.
    """
    model, card = load_checkpoint(checkpoint)
    model.to(device)
    model.visual.bound_memory()
    captions = captions_of(card)
    tokens = tokens_for((*card.levels, *captions), card.architecture).to(device)
    with torch.inference_mode(), full_precision():
        text = model.encode_text(tokens)
    return LoadedCheckpoint(
        model, card, Preprocessing.from_dict(card.preprocessing), text, captions
    )


class ClipVqaMetric(Metric):
    """No-reference quality, 0 to 100, one score per window.

    Source: Xing et al., "CLIPVQA: Video Quality Assessment via CLIP", arXiv 2407.04928.

    The score is the expected quality level times 20 (with six levels), or with ``decode="svr"``
    what the paper's support-vector regressor makes of the level probabilities, on the same scale.

    Args:
        checkpoint: A bundled name, or the path of a .safetensors file with its card.
        window: Seconds per window as text, ``video`` for one window over the whole video, or
            ``card`` for the checkpoint's own.
        hop: Seconds from one window's start to the next as text; empty for the window's length, or
            what the card says where its window is taken.
        decode: How probabilities become a score: ``level`` or ``svr``.
        device: Where to compute: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        explain: Whether `info` says which wordings of damage fit each window best.
        batch: Windows scored together.

    Attributes:
        device: The device that was chosen.
        loaded: The checkpoint.
        sampling: Which frames of a window are taken.
        batch_size: Windows scored together.

    Raises:
        UsageError: A value cannot be used.
        MissingBackend: The checkpoint or the device is missing.
        InputError: The checkpoint's files are damaged.
    """

    def __init__(
        self,
        *,
        checkpoint: str,
        window: str,
        hop: str,
        decode: str,
        device: str,
        explain: bool,
        batch: int,
    ) -> None:
        self.device = choose_device(device)
        self._name = checkpoint
        self.loaded = load(checkpoint, self.device)
        window, hop, self._window_origin = choose_window(self.loaded.card, window, hop)
        seconds = None if window == WHOLE_VIDEO else _seconds("window", window)
        every = _seconds("hop", hop) if hop else None
        if every is not None and (seconds is None or every > seconds):
            raise UsageError(f"hop={hop}: must not be longer than the window ({window})")
        architecture = self.loaded.card.architecture
        self.sampling = Sampling(architecture.frames, seconds, every)
        # The published network mixes the videos of a batch, so each is scored alone.
        self.batch_size = batch if architecture.attend_over_tokens else 1
        self._regressor = self._find_regressor() if decode == "svr" else None
        self._explanation = self._start_explanation() if explain else None

    def _find_regressor(self) -> SvrDecoder:
        numbers = self.loaded.card.extra.get("svr")
        if not isinstance(numbers, dict):
            raise UsageError(
                f"decode=svr: checkpoint {self._name!r} carries no regressor; use decode=level"
            )
        return SvrDecoder.from_dict(numbers)

    def _start_explanation(self) -> Explanation:
        if not self.loaded.captions:
            raise UsageError(
                f"explain=true: checkpoint {self._name!r} was not trained with words for damage"
            )
        return Explanation(self.loaded.captions)

    def open(self, run: RunInfo) -> None:
        """Let torch use as many threads as the run may."""
        torch.set_num_threads(run.threads)

    def prepare(self, frame: Frame, ref: Frame | None, /) -> NDArray[np.uint8]:
        """Reduce a frame to what the network sees of it, (size, size, 3) uint8."""
        return self.loaded.preprocessing.picture(frame.rgb)

    def measure(self, clips: Sequence[Clip], /) -> Sequence[Scores]:
        """Score clips of prepared frames: ``clipvqa``, 0 to 100, for each."""
        pictures = np.stack([np.stack(clip.data) for clip in clips])
        probabilities, fit = self.fits(pictures)
        if self._explanation is not None:
            for clip, row in zip(clips, fit, strict=True):
                self._explanation.add(clip.start, clip.stop, row)
        return [{"clipvqa": float(value)} for value in self.scores(probabilities)]

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Compute level probabilities (B, K) of prepared frames (B, T, size, size, 3) uint8."""
        return self.fits(pictures)[0]

    def fits(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Compute how well levels and captions fit.

        Args:
            pictures: (B, T, size, size, 3) uint8, prepared frames.

        Returns:
            Probabilities of the levels (B, K) and of the captions (B, C), float64. Each row of the
            two sums to 1.
        """
        with torch.inference_mode(), full_precision():
            video = self.loaded.preprocessing.tensor(pictures).to(self.device)
            logits = self.loaded.model(video, self.loaded.text).logits.cpu().double()
        levels = len(self.loaded.card.levels)
        parts = logits[:, :levels], logits[:, levels:]
        return parts[0].softmax(dim=-1).numpy(), parts[1].softmax(dim=-1).numpy()

    def scores(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn level probabilities (B, K) into scores (B,) on 0 to 100."""
        if self._regressor is None:
            return score(probabilities)
        top = probabilities.shape[-1] - 1
        opinions = self._regressor.predict(probabilities) * (TOP_SCORE / top)
        return np.asarray(np.clip(opinions, 0.0, TOP_SCORE), np.float64)

    def notes(self) -> list[str]:
        """Return the explanation, if one was asked for."""
        return [] if self._explanation is None else self._explanation.lines()

    def info(self) -> dict[str, Any]:
        """Return the checkpoint, its hash, and how frames were taken."""
        card, sampling = self.loaded.card, self.sampling
        window = WHOLE_VIDEO if sampling.window is None else sampling.window
        explained = {} if self._explanation is None else {"explain": self._explanation.to_list()}
        return {
            "checkpoint": self._name if "/" not in self._name else self._name.rsplit("/", 1)[1],
            "checkpoint_version": card.version,
            "weights_sha256": card.sha256,
            "behaviour": card.architecture.behaviour,
            "window": window,
            "hop": window if sampling.hop is None else sampling.hop,
            "window_from": self._window_origin,
            "frames_per_window": card.architecture.frames,
            "preprocessing": card.preprocessing["kind"],
            "device": self.device,
            "training_data": card.training_data,
            **explained,
        }


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


def _seconds(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        also = ", video or card" if name == "window" else ""
        raise UsageError(f"{name}={text}: needs a number of seconds above 0{also}")
    return value
