"""The network before the first step: CLIP's towers through open_clip, or one of our checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from vqa_harness.errors import UsageError
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.inputs.sampling import short_side
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import LABELS, tokens_for
from vqa_plugin_clip.train.recipe import TrainRecipe

OPEN_CLIP = "open_clip:"
FRAMES = 32
"""Frames per clip in the paper's main setting."""

_PATCH = 32


@dataclass(frozen=True, slots=True)
class InitialNetwork:
    """A network to start from, and what belongs to it.

    Attributes:
        model: The network, on the CPU, ready to train.
        levels: Wording of the quality levels, worst first.
        preprocessing: How frames become its input.
        origin: What the card says about where the weights came from.
    """

    model: ClipVqa
    levels: tuple[str, ...]
    preprocessing: Preprocessing
    origin: dict[str, Any]


def make_initial_network(recipe: TrainRecipe) -> InitialNetwork:
    """Make the network that a recipe starts from; new weights follow from its seed.

    Args:
        recipe: Names the weights, and says what to change about the network.

    Raises:
        UsageError: The recipe's values do not fit the network.
        MissingBackend: open_clip, its weights or the checkpoint is missing.
        InputError: A file of weights is damaged, or is not the one that its card describes.
    """
    torch.manual_seed(recipe.seed)
    clip = recipe.init.startswith(OPEN_CLIP)
    initial = _from_clip(recipe) if clip else _from_checkpoint(recipe)
    tokens_for(initial.levels, initial.model.architecture)  # every word must be known
    return initial


def _from_clip(recipe: TrainRecipe) -> InitialNetwork:
    name, _, weights = recipe.init.removeprefix(OPEN_CLIP).partition("/")
    if not name or not weights:
        raise UsageError(
            f"--init {recipe.init}: needs open_clip:MODEL/TAG or open_clip:MODEL/FILE,"
            " such as open_clip:ViT-B-16/openai"
        )
    from vqa_plugin_clip.checkpoint.backbone import load_clip

    behaviour = recipe.behaviour or "corrected"
    model, activation_from = load_clip(
        name, weights, frames=recipe.frames or FRAMES, behaviour=behaviour
    )
    levels = recipe.levels or LABELS
    side = model.architecture.image_size
    published = Preprocessing(kind="resize", size=side, grid=1, resize_to=short_side(side))
    return InitialNetwork(
        _with_architecture(model, replace(model.architecture, levels=len(levels))),
        levels,
        _viewed(published, recipe.view),
        {
            "open_clip": name,
            "weights": weights.rsplit("/", 1)[-1],
            "activation": model.architecture.activation,
            "activation_from": activation_from,
        },
    )


def _from_checkpoint(recipe: TrainRecipe) -> InitialNetwork:
    model, card = load_checkpoint(recipe.init, for_inference=False)
    sizes = model.architecture
    if recipe.frames not in (0, sizes.frames):
        raise UsageError(f"--frames {recipe.frames}: {recipe.init} has {sizes.frames} frames")
    if recipe.behaviour:
        sizes = sizes.with_behaviour(recipe.behaviour)
    levels = recipe.levels or card.levels
    return InitialNetwork(
        _with_architecture(model, replace(sizes, levels=len(levels))),
        levels,
        _viewed(Preprocessing.from_dict(card.preprocessing), recipe.view),
        {"checkpoint": recipe.init.rsplit("/", 1)[-1], "sha256": card.sha256},
    )


def _with_architecture(model: ClipVqa, architecture: Architecture) -> ClipVqa:
    """Put the same weights under switches that no weight depends on."""
    if model.architecture == architecture:
        return model
    other = network(architecture)
    other.load_state_dict(model.state_dict(), strict=True, assign=True)
    return other


def network(architecture: Architecture) -> ClipVqa:
    """Make a network without weights, for `load_state_dict` with ``assign``."""
    with torch.device("meta"):
        return ClipVqa(architecture)


def _viewed(preprocessing: Preprocessing, view: str) -> Preprocessing:
    if view in ("", preprocessing.kind):
        return preprocessing
    size = preprocessing.size
    if view == "resize":
        return replace(preprocessing, kind="resize", grid=1, resize_to=short_side(size))
    if size % _PATCH:
        raise UsageError(f"--view fragments: a side of {size} pixels is not a multiple of {_PATCH}")
    return replace(preprocessing, kind="fragments", grid=size // _PATCH)


def save_memory(model: ClipVqa) -> None:
    """Let a network compute its frame tower's blocks again in the backward pass; in place."""
    for block in model.visual.transformer.resblocks:
        fuse = cast(Any, block).fuse
        vars(block)["fuse"] = partial(checkpoint, fuse, use_reentrant=False)


def keep_statistics(model: nn.Module) -> None:
    """Switch to training mode, but for batch norms: a batch of a few videos has poor statistics."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
