"""Fragments of stored clips as the network's input: a 7x7 grid of 32x32 patches, 224x224 in all.

The patches keep what down-scaling would hide, and lie at the same places in all frames of a clip.
Source of the method: FAST-VQA (arXiv 2207.02595).
"""

from __future__ import annotations

import torch
from torch import Tensor

from vqa_plugin_clip.inputs.sampling import MEAN, STD


def normalise(fragments: Tensor) -> Tensor:
    """Convert YUV fragments [..., 3, H, W] uint8 to the network's input, float32.

    They are BT.709, limited range, and become RGB with ImageNet's mean and deviation.
    """
    y, u, v = fragments.float().unbind(-3)
    y, u, v = (y - 16) * (255 / 219), (u - 128) * (255 / 224), (v - 128) * (255 / 224)
    # ITU-R BT.709
    rgb = torch.stack([y + 1.5748 * v, y - 0.18733 * u - 0.46813 * v, y + 1.8556 * u], dim=-3)
    return normalise_rgb(rgb.clamp(0, 255))


def normalise_rgb(fragments: Tensor) -> Tensor:
    """Normalise RGB fragments [..., 3, H, W] on 0-255 by ImageNet's mean and deviation, float32."""
    mean = torch.tensor(MEAN, device=fragments.device)[:, None, None]
    deviation = torch.tensor(STD, device=fragments.device)[:, None, None]
    return (fragments.float() - mean) / deviation
