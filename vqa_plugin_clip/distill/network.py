"""The small network that is trained: its sizes, its start, and changes of its frames and words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from vqa_harness.errors import UsageError
from vqa_plugin_clip.distill.places import SIDE
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.captions import CAPTIONS
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.stem import EfficientNetLite0Stem, load_imagenet_stem
from vqa_plugin_clip.network.tokens import LABELS, vocabulary_of

RATE = 6e-4
"""Learning rate of all but the stem, unless another one is asked for."""
DECAY = 0.01
"""Weight decay of matrices, unless another one is asked for."""
WIDTH, LAYERS = 192, 3
"""Width and blocks of the frame tower, unless others are asked for."""
STEM_BLOCKS = 11
"""Blocks of the stem."""
_STEM_SHARE = 0.5
"""Learning rate of the later stem, which knows pictures already, as a part of the other."""
_BETAS = (0.9, 0.98)


def small_architecture(frames: int, width: int = WIDTH, layers: int = LAYERS) -> Architecture:
    """Return the sizes of a small network.

    Args:
        frames: Frames per clip (T).
        width: Channels of the frame tower, a multiple of 64.
        layers: Blocks of the frame tower.

    Raises:
        UsageError: A size cannot be used.
    """
    vocabulary = vocabulary_of((*LABELS, *CAPTIONS))
    return Architecture(
        image_size=SIDE,
        patch_size=16,
        vision_width=width,
        vision_layers=layers,
        embed_dim=128,
        frames=frames,
        text_width=128,
        text_layers=2,
        context_length=8,
        vocab_size=len(vocabulary) + 3,
        stem="efficientnet-lite0",
        vocabulary=vocabulary,
    )


def new_network(architecture: Architecture) -> ClipVqa:
    """Make a network with ImageNet weights in its stem and new weights elsewhere.

    Raises:
        MissingBackend: The package with the ImageNet weights is not installed.
    """
    model = ClipVqa(architecture)
    load_imagenet_stem(stem_of(model))
    with torch.no_grad():
        # Drawn from N(0, 1) for CLIP's sizes; scaled, so that a small network's outputs have
        # deviation 1, too.
        model.prompts_visual_proj.mul_(architecture.vision_width**-0.5)
    return model


def widen(model: ClipVqa, frames: int) -> ClipVqa:
    """Widen a network to more frames per clip; clips without motion keep their score, nearly.

    The temporal convolution's weights and the aggregator's positions are repeated.

    Args:
        model: The network.
        frames: Frames per clip (T), a multiple of the network's.

    Raises:
        UsageError: ``frames`` is not a multiple of the network's.
    """
    times, rest = divmod(frames, model.architecture.frames)
    if rest or times < 1:
        raise UsageError(f"frames={frames}: needs a multiple of {model.architecture.frames}")
    wide = ClipVqa(replace(model.architecture, frames=frames))
    state = model.state_dict()
    state["conv2.weight"] = state["conv2.weight"].repeat_interleave(times, dim=2) / times
    key = "mit.positional_embedding"
    state[key] = state[key].repeat_interleave(times, dim=1)
    wide.load_state_dict(state)
    return wide


def narrow(model: ClipVqa) -> ClipVqa:
    """Make the network for single frames that scores one as ``model`` scores a clip of it."""
    small = ClipVqa(replace(model.architecture, frames=1))
    state = model.state_dict()
    state["conv2.weight"] = state["conv2.weight"].sum(dim=2, keepdim=True)
    key = "mit.positional_embedding"
    state[key] = state[key].mean(dim=1, keepdim=True)
    small.load_state_dict(state)
    return small


def with_words(model: ClipVqa, vocabulary: tuple[str, ...]) -> ClipVqa:
    """Give a network a larger vocabulary; new words get new embeddings.

    Args:
        model: The network.
        vocabulary: All words, those that it knows included.

    Raises:
        UsageError: A word that the network knows is missing.
    """
    old = model.architecture.vocabulary
    if missing := set(old) - set(vocabulary):
        raise UsageError(f"vocabulary: lacks {sorted(missing)[0]!r}, which the network knows")
    size = len(vocabulary) + 3
    larger = ClipVqa(replace(model.architecture, vocabulary=vocabulary, vocab_size=size))
    state = model.state_dict()
    key = "token_embedding.weight"
    rows = [0, *(1 + vocabulary.index(word) for word in old), size - 2, size - 1]
    state[key] = larger.token_embedding.weight.detach().index_copy(
        0, torch.tensor(rows), state[key]
    )
    larger.load_state_dict(state)
    return larger


def refit(model: ClipVqa, frames: int) -> ClipVqa:
    """Change how many frames a network takes; clips without motion keep their score, nearly.

    Args:
        model: The network.
        frames: Frames per clip (T).
    """
    if model.architecture.frames == frames:
        return model
    if frames % model.architecture.frames:
        model = narrow(model)
    return widen(model, frames)


def check_trainable(architecture: Architecture, name: str) -> None:
    """Refuse a network that clips cannot be prepared for.

    Args:
        architecture: Its sizes.
        name: What the message calls the checkpoint.

    Raises:
        UsageError: It has another stem, input or number of levels, or the published behaviour.
    """
    wanted = {"stem": "efficientnet-lite0", "image_size": SIDE, "levels": len(LABELS)}
    wanted["behaviour"] = "corrected"
    for key, value in wanted.items():
        if getattr(architecture, key) != value:
            raise UsageError(
                f"--init {name}: its {key} is {getattr(architecture, key)}, only {value} can be"
                " gone on from"
            )


def optimiser(
    model: ClipVqa, frozen_blocks: int, rate: float = RATE, decay: float = DECAY
) -> torch.optim.AdamW:
    """Make AdamW over what is trained; freeze the rest.

    Args:
        model: The network.
        frozen_blocks: How many of the stem's blocks, and its first layer, are not trained.
        rate: Highest learning rate; the later stem has half of it.
        decay: Weight decay of matrices.
    """
    stem = stem_of(model)
    model.requires_grad_(True)
    for part in (stem.first, *stem.blocks[:frozen_blocks]):
        part.requires_grad_(False)
    late = {id(p) for p in stem.parameters() if p.requires_grad}
    trained = [p for p in model.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = []
    for share, of_stem in ((1.0, False), (_STEM_SHARE, True)):
        for of_group, matrices in ((decay, True), (0.0, False)):
            chosen = [p for p in trained if (id(p) in late) == of_stem and (p.ndim > 1) == matrices]
            if chosen:
                groups.append({"params": chosen, "lr": share * rate, "weight_decay": of_group})
    return torch.optim.AdamW(groups, betas=_BETAS)


def stem_of(model: ClipVqa) -> EfficientNetLite0Stem:
    """Return the stem of a network that has one."""
    stem = model.visual.stem
    assert isinstance(stem, EfficientNetLite0Stem)
    return stem
