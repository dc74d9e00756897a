"""The small network that is trained, and what makes training it on a processor bearable."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vqa_harness.errors import UsageError
from vqa_plugin_clip.distill.sampling import SIDE
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.captions import CAPTIONS
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.stem import (
    ConvNorm,
    EfficientNetLite0Stem,
    InvertedResidual,
    load_imagenet_stem,
)
from vqa_plugin_clip.network.tokens import LABELS, vocabulary_of

_NEW_RATE = 6e-4
"""Learning rate of new weights."""
_STEM_RATE = 3e-4
"""Learning rate of the later stem, which knows pictures already."""
_BETAS = (0.9, 0.98)
_DECAY = 0.01


def small_architecture(frames: int) -> Architecture:
    """Return the sizes of the bundled network, for clips of ``frames`` frames."""
    vocabulary = vocabulary_of((*LABELS, *CAPTIONS))
    return Architecture(
        image_size=SIDE,
        patch_size=16,
        vision_width=192,
        vision_layers=3,
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
    load_imagenet_stem(_stem(model))
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


def optimiser(model: ClipVqa, frozen_blocks: int) -> torch.optim.AdamW:
    """Make AdamW over what is trained: new parts at 6e-4, the later stem at 3e-4; freeze the rest.

    Args:
        model: The network.
        frozen_blocks: How many of the stem's blocks, and its first layer, are not trained.
    """
    stem = _stem(model)
    model.requires_grad_(True)
    for part in (stem.first, *stem.blocks[:frozen_blocks]):
        part.requires_grad_(False)
    late = {id(p) for p in stem.parameters() if p.requires_grad}
    trained = [p for p in model.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = []
    for rate, of_stem in ((_NEW_RATE, False), (_STEM_RATE, True)):
        for decay, matrices in ((_DECAY, True), (0.0, False)):
            chosen = [p for p in trained if (id(p) in late) == of_stem and (p.ndim > 1) == matrices]
            groups.append({"params": chosen, "lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, betas=_BETAS)


@contextmanager
def fast_stem(model: ClipVqa, frozen_blocks: int) -> Iterator[None]:
    """Run the frozen part of the stem without gradients and with folded batch norms in the block.

    Outside of it the network has its own stem again, whose state-dict keys a checkpoint has.
    """
    stem = _stem(model)
    model.visual.stem = PartlyFrozenStem(stem, frozen_blocks)
    try:
        yield
    finally:
        model.visual.stem = stem


class PartlyFrozenStem(nn.Module):
    """Computes what the stem computes, faster under bfloat16 autocast on a processor.

    Depthwise convolutions stay in float32: their bfloat16 gradients are many times slower there.

    Args:
        stem: The stem that learns.
        frozen_blocks: How many blocks, with the first layer, are copied and folded.
    """

    def __init__(self, stem: EfficientNetLite0Stem, frozen_blocks: int) -> None:
        super().__init__()
        self.frozen_blocks = frozen_blocks
        self.stem = stem
        early = nn.Sequential(stem.first, *stem.blocks[:frozen_blocks])
        self.early = copy.deepcopy(early).requires_grad_(False).eval()
        for module in list(self.early.modules()):
            if isinstance(module, ConvNorm):
                module.fold()
        self.early.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """[N, 3, R, R] to [N, 112, R / 16, R / 16]."""
        with torch.no_grad():
            x: Tensor = self.early(images.contiguous(memory_format=torch.channels_last))
        for block in self.stem.blocks[self.frozen_blocks :]:
            x = _block(block, x)
        return x


def _block(block: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(block, InvertedResidual)
    inner = block.expand(x)
    with torch.autocast(x.device.type, enabled=False):
        inner = block.depthwise(inner.float())
    out: Tensor = block.project(inner)
    return out + x if block.shortcut else out


def _stem(model: ClipVqa) -> EfficientNetLite0Stem:
    stem = model.visual.stem
    assert isinstance(stem, EfficientNetLite0Stem)
    return stem
