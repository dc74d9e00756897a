"""The network run by ONNX Runtime, from the graph beside the weights; torch is not needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from vqa_harness.errors import InputError, MissingBackend
from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.checkpoint.weights import read_weights
from vqa_plugin_clip.graph.file import INPUT, OUTPUT, graph_path, read_graph
from vqa_plugin_clip.graph.session import open_session


class OnnxNetwork:
    """A checkpoint's graph as ONNX Runtime runs it; see `vqa_plugin_clip.backend.network.Network`.

    Graph and weights are read and checked when this is made. The session is made when the number of
    threads is known, as it cannot be changed later.

    Args:
        card_path: Path of the card.
        card: The card.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        MissingBackend: ONNX Runtime has no such device.
        InputError: A file is missing or damaged, or the graph does not belong to the weights.
    """

    def __init__(self, card_path: Path, card: CheckpointCard, device: str) -> None:
        self._asked = device
        self.device = _choose_device(device)
        self._weights_path = card_path.with_suffix(".safetensors")
        self._card = card
        self._graph = read_graph(graph_path(card_path), card)
        self._weights: bytes | None = self._read_weights()
        self._session: Any = None
        self._threads = 0

    @property
    def batches(self) -> bool:
        """Only on a GPU; a processor does better to begin while others are still decoded."""
        return self.device != "cpu"

    def use_threads(self, threads: int) -> None:
        """Make the session for so many threads, unless there is one."""
        if threads == self._threads:
            return
        weights = self._weights or self._read_weights()
        self._session, self.device = open_session(
            self._graph, weights, self._card, threads, self.device
        )
        if self._asked == "cuda" and self.device != "cuda":
            raise MissingBackend(
                "device=cuda: onnxruntime has a provider for it that does not start here; use"
                " device=cpu, or clipvqa:backend=torch"
            )
        self._threads = threads
        self._weights = None

    def logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Compute logits [B, K + C] float64 of pictures [B, T, size, size, 3] uint8."""
        if self._session is None:
            self.use_threads(1)
        session = self._session
        # On a processor a batch is no faster than its windows one by one, and takes their memory
        # all at once; and a score is the same to the last bit whatever else is scored.
        parts = [pictures] if self.device != "cpu" else np.split(pictures, len(pictures))
        rows = [session.run([OUTPUT], {INPUT: np.ascontiguousarray(part)})[0] for part in parts]
        return np.concatenate(rows).astype(np.float64)

    def facts(self) -> dict[str, str]:
        """Return the back-end, the version of ONNX Runtime and the graph's hash."""
        return {
            "backend": "onnx",
            "onnxruntime": onnxruntime.__version__,
            "graph_sha256": self._graph.sha256,
        }

    def _read_weights(self) -> bytes:
        weights = read_weights(self._weights_path, self._card)
        if self._graph.end > len(weights):
            raise InputError(
                f"{self._graph.path}: refers to byte {self._graph.end} of the weights, which are"
                f" {len(weights)} long"
            )
        return weights


def devices() -> list[str]:
    """List the devices that this ONNX Runtime was built for, the fastest first."""
    built = onnxruntime.get_available_providers()
    return ["cuda", "cpu"] if "CUDAExecutionProvider" in built else ["cpu"]


def _choose_device(name: str) -> str:
    have = devices()
    if name == "auto":
        return have[0]
    if name not in have:
        raise MissingBackend(
            f"device={name}: onnxruntime has none here, only {', '.join(have)};"
            " use clipvqa:backend=torch, or device=auto"
        )
    return name
