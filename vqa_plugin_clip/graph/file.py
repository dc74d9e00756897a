"""A graph's file: where it lies, which weights and card it belongs to, and whether it still does.

``NAME.onnx`` lies beside ``NAME.safetensors`` and ``NAME.json``. It holds the operators, and refers
to the weights file for the weights, which are so stored once. Nothing here imports torch or onnx.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from vqa_harness.errors import InputError, UsageError
from vqa_harness.files import read_bytes
from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.explain import captions_of
from vqa_plugin_clip.graph.contents import Contents, read_contents
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.architecture import Architecture

FORMAT = "1"
"""Version of what a graph says of itself; one of another version is refused."""

MAX_GRAPH_BYTES = 16 << 20
"""Largest graph that is read, in bytes; it is without weights."""

INPUT = "pictures"
"""Name of the input: [B, T, size, size, 3] uint8."""

OUTPUT = "logits"
"""Name of the output: [B, K + C] float32, of the quality levels and then of the captions."""

FORMAT_KEY = "vqa_harness.format"
WEIGHTS_KEY = "vqa_harness.weights_sha256"
FACTS_KEY = "vqa_harness.facts"


class GraphFile(NamedTuple):
    """A graph that belongs to its weights.

    Attributes:
        path: Where it was read from.
        content: Its bytes.
        sha256: Hash of these.
        location: The name by which it refers to the weights file.
        end: One past the last byte of the weights file that it uses.
    """

    path: Path
    content: bytes
    sha256: str
    location: str
    end: int


def graph_path(card_path: Path) -> Path:
    """Return where the graph of the checkpoint with this card lies, if it has one."""
    return card_path.with_suffix(".onnx")


def metadata_for(card: CheckpointCard) -> dict[str, str]:
    """Write down what a graph is made from, for its ``metadata_props``."""
    return {
        FORMAT_KEY: FORMAT,
        WEIGHTS_KEY: card.sha256,
        FACTS_KEY: json.dumps(_facts(card), ensure_ascii=False),
    }


def read_graph(path: Path, card: CheckpointCard) -> GraphFile:
    """Read a graph and check that it belongs to a card and is harmless.

    Raises:
        InputError: It cannot be read, is too large, is not a graph of this project, holds what it
            may not, or was made from other weights or another card.
    """
    content = read_bytes(path, MAX_GRAPH_BYTES, "a checkpoint's graph")
    return judge_graph(path, content, card)


def judge_graph(path: Path, content: bytes, card: CheckpointCard) -> GraphFile:
    """Check bytes as `read_graph` does; ``path`` is for messages."""
    try:
        contents = read_contents(content)
    except ValueError as error:
        raise InputError(f"{path}: not a graph that can be used: {error}{_advice(path)}") from None
    _check_origin(path, contents, card)
    if len(contents.locations) != 1:
        raise InputError(
            f"{path}: refers to {len(contents.locations)} weights files, not one{_advice(path)}"
        )
    (location,) = contents.locations
    return GraphFile(path, content, hashlib.sha256(content).hexdigest(), location, contents.end)


def _check_origin(path: Path, contents: Contents, card: CheckpointCard) -> None:
    version = contents.metadata.get(FORMAT_KEY)
    if version != FORMAT:
        told = "none" if version is None else repr(version[:20])
        raise InputError(f"{path}: its format is {told}, only {FORMAT} is read{_advice(path)}")
    digest = contents.metadata.get(WEIGHTS_KEY, "")
    if not card.sha256 or digest != card.sha256:
        raise InputError(
            f"{path}: made from weights with sha256 {digest[:12]}..., the card's are"
            f" {card.sha256[:12]}...{_advice(path)}"
        )
    stored, wanted = _stored_facts(contents.metadata.get(FACTS_KEY, "")), _facts(card)
    differing = [key for key, value in wanted.items() if stored.get(key) != value]
    if differing:
        raise InputError(f"{path}: made for another {differing[0]} than the card's{_advice(path)}")


def _advice(path: Path) -> str:
    return (
        f"; make it again (vqa-harness clipvqa export {path.with_suffix('.safetensors')}),"
        " or score with clipvqa:backend=torch"
    )


def _facts(card: CheckpointCard) -> dict[str, Any]:
    """Gather what of a card is built into its graph, JSON-compatible."""
    preprocessing = Preprocessing.from_dict(card.preprocessing)
    return {
        "architecture": card.architecture.to_dict(),
        "wording": [*card.levels, *captions_of(card)],
        "mean": list(preprocessing.mean),
        "deviation": list(preprocessing.std),
    }


def _stored_facts(line: str) -> dict[str, Any]:
    """Read `_facts` back; keys that an architecture has gained since take their default."""
    try:
        facts = json.loads(line)
        facts["architecture"] = Architecture.from_dict(facts["architecture"]).to_dict()
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError, UsageError):
        return {}
    return dict(facts)
