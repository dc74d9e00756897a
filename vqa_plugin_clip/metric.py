"""CLIPVQA as a clip metric: windows of frames in, scores out; the network is made elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import UsageError
from vqa_harness.frames import Clip, Frame
from vqa_harness.protocols import Metric, RunInfo, Sampling
from vqa_harness.spec import Scores
from vqa_plugin_clip.backend.choice import open_network
from vqa_plugin_clip.backend.network import Network
from vqa_plugin_clip.checkpoint.card import WHOLE_VIDEO, CheckpointCard, read_card
from vqa_plugin_clip.checkpoint.find import find_checkpoint
from vqa_plugin_clip.checkpoint.window import choose_window
from vqa_plugin_clip.explain import Explanation, captions_of
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.labels import TOP_SCORE, score, softmax
from vqa_plugin_clip.svr import SvrDecoder


class LoadedCheckpoint(NamedTuple):
    """A checkpoint ready to score.

    Attributes:
        network: Its network, run by one of the back-ends.
        card: The checkpoint's card.
        preprocessing: How frames become the network's input.
        captions: The C wordings of damage that the checkpoint was trained with.
    """

    network: Network
    card: CheckpointCard
    preprocessing: Preprocessing
    captions: tuple[str, ...]


@lru_cache(maxsize=2)
def load(checkpoint: str, backend: str, device: str) -> LoadedCheckpoint:
    """Load a checkpoint; the last two are kept for the process.

    Args:
        checkpoint: A bundled name, or the path of a .safetensors file with its card.
        backend: ``auto``, ``onnx`` or ``torch``; see `vqa_plugin_clip.backend.choice`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        MissingBackend: No checkpoint of that name is bundled, or what would run it is missing.
        InputError: A file is missing or damaged.
    """
    card_path = find_checkpoint(checkpoint)
    card = read_card(card_path)
    network = open_network(card_path, card, backend, device)
    return LoadedCheckpoint(
        network, card, Preprocessing.from_dict(card.preprocessing), captions_of(card)
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
            what the card says where its window is taken. What lies between windows, where it is
            longer, is not looked at.
        decode: How probabilities become a score: ``level`` or ``svr``.
        backend: What runs the network: ``auto``, ``onnx`` or ``torch``.
        device: Where to compute: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        explain: Whether `info` says which wordings of damage fit each window best.
        batch: Windows scored together.
        speed: ``exact``, or ``fast`` to take frames near those planned that cost less to decode.

    Attributes:
        loaded: The checkpoint.
        sampling: Which frames of a window are taken.
        batch_size: Windows scored together.

    Raises:
        UsageError: A value cannot be used.
        MissingBackend: The checkpoint, its back-end or the device is missing.
        InputError: The checkpoint's files are damaged.
    """

    def __init__(
        self,
        *,
        checkpoint: str,
        window: str,
        hop: str,
        decode: str,
        backend: str,
        device: str,
        explain: bool,
        batch: int,
        speed: str = "exact",
    ) -> None:
        self._name = checkpoint
        self.loaded = load(checkpoint, backend, device)
        window, hop, self._window_origin = choose_window(self.loaded.card, window, hop)
        seconds = None if window == WHOLE_VIDEO else _seconds("window", window)
        every = _seconds("hop", hop) if hop else None
        if every is not None and seconds is None:
            raise UsageError(f"hop={hop}: with window=video there is one window; leave hop out")
        architecture = self.loaded.card.architecture
        self.sampling = Sampling(architecture.frames, seconds, every, nearby=speed == "fast")
        # The published network mixes the videos of a batch, so each is scored alone.
        together = architecture.attend_over_tokens and self.loaded.network.batches
        self.batch_size = batch if together else 1
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
        """Let the network use as many threads as the run may."""
        self.loaded.network.use_threads(run.threads)

    def prepare(self, frame: Frame, ref: Frame | None, /) -> NDArray[np.uint8]:
        """Reduce a frame to what the network sees of it, (size, size, 3) uint8."""
        return self.loaded.preprocessing.picture_of(frame)

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
        logits = self.loaded.network.logits(pictures)
        levels = len(self.loaded.card.levels)
        return softmax(logits[:, :levels]), softmax(logits[:, levels:])

    def scores(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn level probabilities (B, K) into scores (B,) on 0 to 100."""
        if self._regressor is None:
            return score(probabilities)
        top = probabilities.shape[-1] - 1
        opinions = self._regressor.predict(probabilities) * (TOP_SCORE / top)
        return np.asarray(np.clip(opinions, 0.0, TOP_SCORE), np.float64)

    def gather(self, own: range) -> Any:
        """Return the explanation of the windows of a piece of a video, if one was asked for."""
        return None if self._explanation is None else self._explanation.to_list()

    def join(self, gathered: Sequence[Any]) -> None:
        """Put the explanations of all pieces behind one another."""
        if self._explanation is not None:
            self._explanation.extend(window for windows in gathered for window in windows)

    def notes(self) -> list[str]:
        """Return the explanation, if one was asked for."""
        return [] if self._explanation is None else self._explanation.lines()

    def info(self) -> dict[str, Any]:
        """Return the checkpoint, its hash, what ran it, and how frames were taken."""
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
            **self.loaded.network.facts(),
            "device": self.loaded.network.device,
            "training_data": card.training_data,
            **explained,
        }


def _seconds(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        also = ", video or card" if name == "window" else ""
        raise UsageError(f"{name}={text}: needs a number of seconds above 0{also}")
    return value
