"""Which library runs a checkpoint's network: ONNX Runtime if it has a graph, torch otherwise.

Nothing is imported that is not used in the end: torch is left alone where ONNX Runtime does, and
ONNX Runtime is asked for its devices only where a GPU is wanted.
"""

from __future__ import annotations

from pathlib import Path

from vqa_harness.errors import MissingBackend
from vqa_plugin_clip.backend.network import Network
from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.graph.file import graph_path
from vqa_plugin_clip.libraries import SCORING, TORCH, absent, require


def open_network(card_path: Path, card: CheckpointCard, backend: str, device: str) -> Network:
    """Make the network of a checkpoint ready.

    Args:
        card_path: Path of the card, beside which the other files lie.
        card: The card.
        backend: ``onnx``; ``torch``; or ``auto``, which takes onnx if there is a graph and it can
            run on the device, and torch otherwise.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        MissingBackend: A library, a device or the graph is missing.
        InputError: A file is damaged, or does not belong to the card.
    """
    if backend == "torch" or (backend == "auto" and not _onnx_can(card_path, device)):
        require(_torch_reason(card_path, backend), TORCH, SCORING)
        from vqa_plugin_clip.backend.pytorch import TorchNetwork

        return TorchNetwork(card_path, device)
    if not graph_path(card_path).is_file():
        raise MissingBackend(
            f"backend=onnx: {graph_path(card_path)} is missing; make it with"
            f" vqa-harness clipvqa export {card_path.with_suffix('.safetensors')}"
        )
    require("backend=onnx", ("onnxruntime",), "onnxruntime")
    from vqa_plugin_clip.backend.onnx_runtime import OnnxNetwork

    return OnnxNetwork(card_path, card, device)


def _onnx_can(card_path: Path, device: str) -> bool:
    if not graph_path(card_path).is_file() or absent(("onnxruntime",)):
        return False
    if device in ("auto", "cpu"):
        return True
    from vqa_plugin_clip.backend.onnx_runtime import devices

    return device in devices()


def _torch_reason(card_path: Path, backend: str) -> str:
    """Say, for a message, why torch is wanted."""
    if backend == "torch":
        return "clipvqa:backend=torch"
    graph = graph_path(card_path)
    if not graph.is_file():
        return f"clipvqa: {card_path.with_suffix('.safetensors').name} without {graph.name}"
    if absent(("onnxruntime",)):
        return "clipvqa without onnxruntime"
    return "clipvqa on a GPU that onnxruntime does not have"
