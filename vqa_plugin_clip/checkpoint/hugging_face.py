"""CLIP in the layout of Hugging Face's transformers (``CLIPModel``), brought to that of OpenAI.

The numbers are the same: queries, keys and values are three tensors there and one here, and the two
projections are stored the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from vqa_harness.errors import InputError

_TOWERS = {"vision_model.": "visual.", "text_model.": ""}
"""How keys of the two towers begin, there and here."""

_LONE_TOWER = ("embeddings.class_embedding", "embeddings.token_embedding.weight")
"""Keys by which a file of only one tower is known, as transformers 5 writes it."""

_PLACES = {
    "logit_scale": "logit_scale",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",  # so it is spelt
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}
_TURNED = {"text_projection.weight": "text_projection", "visual_projection.weight": "visual.proj"}
_LAYER = re.compile(r"((?:vision|text)_model\.)encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_PARTS = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_PACKED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
_NUMBERS = re.compile(r"(?:vision|text)_model\.embeddings\.position_ids")
"""Counters that older files carry; no weights."""


def is_hugging_face(state: Mapping[str, object]) -> bool:
    """Whether a state dict has the names of CLIP, or one tower of it, in transformers."""
    return any(key.startswith(tuple(_TOWERS)) or key in _LONE_TOWER for key in state)


def from_hugging_face(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename, pack and turn the tensors of a ``CLIPModel``.

    Args:
        state: Tensors by key, as transformers names them.

    Returns:
        Tensors by key, as OpenAI and open_clip name them.

    Raises:
        InputError: Half of the model is missing, or a tensor is none of a CLIP with a vision
            transformer.
    """
    for tower in _TOWERS:
        if not any(key.startswith(tower) for key in state):
            raise InputError(
                f"a CLIP in the layout of Hugging Face without {tower[:-1]}; take the file of the"
                " whole CLIPModel"
            )
    out = dict[str, Tensor]()
    packed: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        layer = _LAYER.fullmatch(key)
        if key in _PLACES:
            out[_PLACES[key]] = value
        elif key in _TURNED:
            out[_TURNED[key]] = _turned(key, value)
        elif layer and layer[3] in _PARTS:
            out[f"{_block(layer)}{_PARTS[layer[3]]}.{layer[4]}"] = value
        elif layer and layer[3] in _PACKED:
            packed.setdefault(f"{_block(layer)}attn.in_proj_{layer[4]}", {})[layer[3]] = value
        elif not _NUMBERS.fullmatch(key):
            raise InputError(f"in the layout of Hugging Face, but no CLIPModel has {key[:80]!r}")
    return out | {key: _together(key, parts) for key, parts in packed.items()}


def _block(layer: re.Match[str]) -> str:
    return f"{_TOWERS[layer[1]]}transformer.resblocks.{layer[2]}."


def _turned(key: str, value: Tensor) -> Tensor:
    if value.ndim != 2:
        raise InputError(f"in the layout of Hugging Face, but {key} is no matrix")
    return value.T.contiguous()


def _together(key: str, parts: Mapping[str, Tensor]) -> Tensor:
    shapes = {tuple(value.shape) for value in parts.values()}
    if len(parts) < len(_PACKED) or len(shapes) > 1 or () in shapes:
        raise InputError(f"in the layout of Hugging Face, but the three parts of {key} do not fit")
    return torch.cat([parts[name] for name in _PACKED])
