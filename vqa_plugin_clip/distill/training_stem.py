"""The stem as it is trained: its early part frozen, all batch norms folded into the weights.

Batch norm has fixed statistics here, so it is a factor and an offset of each channel: folded into
the convolution's weights in every step, it costs nothing per pixel and still learns.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa_plugin_clip.distill.network import stem_of
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.stem import (
    ConvNorm,
    EfficientNetLite0Stem,
    InvertedResidual,
)


@contextmanager
def fast_stem(model: ClipVqa, frozen_blocks: int) -> Iterator[None]:
    """Let the network compute its stem as `TrainingStem` does while the block runs.

    Outside of it the network has its own stem again, whose state-dict keys a checkpoint has.
    """
    stem = stem_of(model)
    model.visual.stem = TrainingStem(stem, frozen_blocks)
    try:
        yield
    finally:
        model.visual.stem = stem


class TrainingStem(nn.Module):
    """Computes what the stem computes, faster; the early part without gradients.

    Under autocast on a processor depthwise convolutions stay in float32: their bfloat16 gradients
    are many times slower there. On a GPU they are computed as everything else.

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
    inner = _folded(block.expand, x) if isinstance(block.expand, ConvNorm) else x
    if x.device.type == "cpu":
        with torch.autocast("cpu", enabled=False):
            inner = _folded(block.depthwise, inner.float())
    else:
        inner = _folded(block.depthwise, inner)
    out = _folded(block.project, inner)
    return out + x if block.shortcut else out


def _folded(layer: ConvNorm, x: Tensor) -> Tensor:
    """Compute a layer with its batch norm in the weights of the convolution."""
    norm, conv = layer.norm, layer.conv
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_var is not None
    assert norm.running_mean is not None
    factor = norm.weight * (norm.running_var + norm.eps).rsqrt()
    weight = conv.weight * factor[:, None, None, None]
    bias = norm.bias - norm.running_mean * factor
    x = layer.padded(x)
    x = functional.conv2d(x, weight, bias, conv.stride, conv.padding, 1, conv.groups)
    return x if layer.linear else functional.relu6(x)
