"""Changes to training clips that leave VMAF as it is, or nearly so: it reads luma, patch by patch.

They keep the network from learning the few contents by heart.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vqa_plugin_clip.distill.planes import Bytes
from vqa_plugin_clip.distill.sampling import GRID, PATCH

_GREY_SHARE = 0.1
"""Share of clips that lose their colours."""
_HUE_DEVIATION = 0.6
"""Standard deviation of the turn of the hue, radians."""
_MID_LUMA, _MID_CHROMA = 126.0, 128.0
"""Code values that contrast, and saturation, are changed around."""


def vary_places(fragments: Bytes, rng: np.random.Generator) -> Bytes:
    """Flip, transpose and shuffle the patches of a clip, each half of the time.

    All frames are changed alike. Mirroring left to right is not done here.

    Args:
        fragments: [T, 3, 224, 224] uint8.
        rng: What is drawn from.
    """
    if rng.uniform() < 0.5:
        fragments = fragments[:, :, ::-1]
    if rng.uniform() < 0.5:
        fragments = fragments.swapaxes(2, 3)
    if rng.uniform() < 0.5:
        fragments = _shuffle(fragments, rng)
    return np.ascontiguousarray(fragments)


def vary_colour(fragments: Tensor, rng: np.random.Generator) -> Tensor:
    """Turn the hue, change saturation and, a little, contrast, clip by clip.

    One clip in ten becomes grey.

    Args:
        fragments: [B, T, 3, H, W] uint8 YUV, limited range.
        rng: What is drawn from.
    """
    clips = len(fragments)
    angle = rng.normal(0, _HUE_DEVIATION, clips)
    saturation = rng.uniform(0.3, 1.4, clips) * (rng.uniform(size=clips) >= _GREY_SHARE)
    matrix = np.zeros((clips, 3, 3))
    matrix[:, 0, 0] = np.exp(rng.uniform(math.log(0.9), math.log(1.1), clips))
    matrix[:, 1, 1] = matrix[:, 2, 2] = saturation * np.cos(angle)
    matrix[:, 1, 2] = -saturation * np.sin(angle)
    matrix[:, 2, 1] = saturation * np.sin(angle)
    middle = torch.tensor([_MID_LUMA, _MID_CHROMA, _MID_CHROMA], device=fragments.device)
    turned = torch.einsum(
        "bij,btjhw->btihw",
        torch.from_numpy(matrix).to(fragments.device, torch.float32),
        fragments.float() - middle[:, None, None],
    )
    return (turned + middle[:, None, None]).round().clamp(0, 255).to(torch.uint8)


def _shuffle(fragments: Bytes, rng: np.random.Generator) -> Bytes:
    frames, channels = fragments.shape[:2]
    cells = fragments.reshape(frames, channels, GRID, PATCH, GRID, PATCH).swapaxes(3, 4)
    cells = cells.reshape(frames, channels, GRID * GRID, PATCH, PATCH)
    cells = cells[:, :, rng.permutation(GRID * GRID)]
    cells = cells.reshape(frames, channels, GRID, GRID, PATCH, PATCH).swapaxes(3, 4)
    return cells.reshape(fragments.shape)
