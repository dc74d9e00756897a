"""Checkpoints: a safetensors file with a JSON card of the same name beside it.

Weights are read only after their hash is that of the card; nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vqa_harness.errors import InputError, UsageError, one_line
from vqa_harness.files import make_folder, write_bytes, write_text
from vqa_plugin_clip.checkpoint.card import CheckpointCard, read_card
from vqa_plugin_clip.checkpoint.find import DEFAULT, find_checkpoint
from vqa_plugin_clip.checkpoint.weights import read_weights
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.model import ClipVqa


def load_checkpoint(
    path_or_name: str | Path = DEFAULT, *, for_inference: bool = True
) -> tuple[ClipVqa, CheckpointCard]:
    """Load a checkpoint as float32, on the CPU.

    Args:
        path_or_name: Path of the weights or of the card, or a bundled name.
        for_inference: Whether to fold batch norms, turn gradients off and switch to evaluation
            mode; otherwise the network is ready to train on.

    Raises:
        MissingBackend: No checkpoint of that name is bundled.
        InputError: A file is missing, too large, damaged, or not the one that the card describes.
    """
    card_path = find_checkpoint(path_or_name)
    card = read_card(card_path)
    model = _build(card.architecture, _read_state(card_path.with_suffix(".safetensors"), card))
    if for_inference:
        model.eval().requires_grad_(False)
        model.fold_batch_norm()
    return model, card


def save_checkpoint(
    model: ClipVqa, card: CheckpointCard, path: Path, *, half: bool = True
) -> CheckpointCard:
    """Write weights and card; each is moved into place when it is complete.

    Args:
        model: The network, its batch norms not folded.
        card: What to write beside it; its ``sha256`` is filled in.
        path: Where the weights go, ending in ``.safetensors``.
        half: Whether to store matrices as float16; vectors stay float32, whose range they may need.

    Returns:
        The card as written.

    Raises:
        UsageError: The path has another ending or cannot be written, or card and network do not
            fit.
    """
    if path.suffix != ".safetensors":
        raise UsageError(f"{path}: a checkpoint's name ends in .safetensors")
    if card.architecture != model.architecture:
        raise UsageError("checkpoint: the card describes another architecture than the network's")
    state = model.state_dict()
    if set(state) != set(_empty(card.architecture).state_dict()):
        raise UsageError("checkpoint: batch norms are folded; save the network before folding")
    content = save({key: _stored(value, half=half) for key, value in state.items()})
    card = replace(card, sha256=hashlib.sha256(content).hexdigest())
    make_folder(path.parent)
    write_bytes(path, content)
    write_text(path.with_suffix(".json"), _card_text(card))
    return card


def _card_text(card: CheckpointCard) -> str:
    return json.dumps(card.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _stored(tensor: Tensor, *, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if not half or tensor.ndim < 2 or tensor.dtype != torch.float32:
        return tensor.clone()
    narrow = tensor.half()
    return narrow if bool(torch.isfinite(narrow).all()) else tensor.clone()


def _read_state(path: Path, card: CheckpointCard) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = load(read_weights(path, card))
    except (SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a safetensors file ({one_line(error)})") from None
    return {key: v.float() if v.is_floating_point() else v for key, v in state.items()}


def _empty(architecture: Architecture) -> ClipVqa:
    """Make the network without memory behind its tensors, so that a card's sizes cost nothing."""
    with torch.device("meta"):
        return ClipVqa(architecture)


def _build(architecture: Architecture, state: dict[str, Tensor]) -> ClipVqa:
    model = _empty(architecture)
    card_shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    file_shapes = {key: tuple(value.shape) for key, value in state.items()}
    if card_shapes != file_shapes:
        key = sorted(set(card_shapes.items()) ^ set(file_shapes.items()))[0][0]
        raise InputError(
            f"checkpoint: {key} is {file_shapes.get(key, 'missing')} in the weights and"
            f" {card_shapes.get(key, 'missing')} by the card"
        )
    model.load_state_dict(state, strict=True, assign=True)
    return model
