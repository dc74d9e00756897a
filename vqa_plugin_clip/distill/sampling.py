"""Fragments of stored clips: a 7x7 grid of 32x32 patches at native resolution, 224x224 in all.

The patches keep what down-scaling would hide, and lie at the same places in all frames of a clip.
Source of the method: FAST-VQA (arXiv 2207.02595).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_plugin_clip.distill.motion import SIZE
from vqa_plugin_clip.distill.planes import Bytes
from vqa_plugin_clip.inputs.sampling import MEAN, STD

GRID = 7
"""Patches along a side."""
PATCH = 32
"""Side of a patch in pixels."""
SIDE = GRID * PATCH
"""Side of the fragments in pixels."""
_LUMA = SIZE * SIZE
_CHROMA = _LUMA // 4


def offsets(rng: np.random.Generator | None) -> NDArray[np.int64]:
    """Choose the top-left corners of the patches, even numbers because chroma is halved.

    Args:
        rng: Draws a place in each cell; None for the middle of each cell.
    """
    edges = np.arange(GRID + 1) * SIZE // GRID
    room = (np.diff(edges) - PATCH) // 2 * 2
    starts = (edges[:-1] + 1) // 2 * 2
    limit = np.minimum(room, SIZE - PATCH - starts)
    low = np.stack(np.meshgrid(starts, starts, indexing="ij"), axis=-1)
    slack = np.stack(np.meshgrid(limit, limit, indexing="ij"), axis=-1)
    steps = slack // 4 if rng is None else rng.integers(0, slack // 2 + 1)
    places: NDArray[np.int64] = low + steps * 2
    return places


def cut(frames: Bytes, places: NDArray[np.int64]) -> Bytes:
    """Cut fragments out of packed frames.

    Args:
        frames: [F, 384 * 384 * 3 / 2] uint8, packed 4:2:0.
        places: [7, 7, 2] int64, from `offsets`.

    Returns:
        [F, 3, 224, 224] uint8 YUV; each chroma sample is repeated over its four pixels, which is
        how FFmpeg's default conversion reads it.
    """
    within = np.arange(PATCH)
    rows = (places[:, None, :, None, 0] + within[None, :, None, None]).repeat(PATCH, axis=3)
    columns = (places[:, None, :, None, 1] + within[None, None, None, :]).repeat(PATCH, axis=1)
    rows, columns = rows.reshape(SIDE, SIDE), columns.reshape(SIDE, SIDE)
    chroma = (rows // 2) * (SIZE // 2) + columns // 2
    index = np.stack([rows * SIZE + columns, _LUMA + chroma, _LUMA + _CHROMA + chroma])
    return np.take(frames, index, axis=1)


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
