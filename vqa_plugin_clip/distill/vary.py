"""Changes to training clips that leave VMAF as it is, or nearly so: it reads luma, patch by patch.

They keep the network from learning the few contents by heart.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vqa_plugin_clip.distill.places import Corners, Map, mirrored, shuffled, spread, turned

_GREY_SHARE = 0.1
"""Share of clips that lose their colours."""
_HUE_DEVIATION = 0.6
"""Standard deviation of the turn of the hue, radians."""
_SATURATION = (0.3, 1.4)
_CONTRAST = (0.9, 1.1)
_MID_LUMA, _MID_CHROMA = 126.0, 128.0
"""Code values that contrast, and saturation, are changed around."""


def vary_places(corners: Corners, draws: torch.Generator) -> Map:
    """Shuffle the patches of clips, mirror, flip and transpose them, each half of the time.

    Args:
        corners: Where the patches lie.
        draws: What is drawn from, on the same device.
    """
    return turned(mirrored(spread(shuffled(corners, draws)), draws), draws)


def vary_colour(fragments: Tensor, draws: torch.Generator) -> Tensor:
    """Turn the hue, change saturation and, a little, contrast, clip by clip.

    One clip in ten becomes grey.

    Args:
        fragments: [B, T, 3, H, W] uint8 YUV, limited range.
        draws: What is drawn from, on the same device.
    """
    device, count = fragments.device, len(fragments)
    angle = torch.randn(count, generator=draws, device=device) * _HUE_DEVIATION
    first, second, grey = torch.rand((3, count), generator=draws, device=device)
    low, high = _SATURATION
    saturation = (low + (high - low) * first) * (grey >= _GREY_SHARE)
    low, high = (math.log(end) for end in _CONTRAST)
    contrast = torch.exp(low + (high - low) * second)
    along, across = saturation * angle.cos(), saturation * angle.sin()
    y, u, v = fragments.float().unbind(2)
    u, v = u - _MID_CHROMA, v - _MID_CHROMA
    luma = _MID_LUMA + _each(contrast) * (y - _MID_LUMA)
    first_chroma = _MID_CHROMA + _each(along) * u - _each(across) * v
    second_chroma = _MID_CHROMA + _each(across) * u + _each(along) * v
    varied = torch.stack([luma, first_chroma, second_chroma], dim=2)
    return varied.round().clamp(0, 255).to(torch.uint8)


def _each(values: Tensor) -> Tensor:
    """Shape values [B] to multiply [B, T, H, W]."""
    return values[:, None, None, None]
