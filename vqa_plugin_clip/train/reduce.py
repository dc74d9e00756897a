"""Decoded frames made as small as training allows, before anything random is done to them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vqa_plugin_clip.preprocess import Picture, Preprocessing, fragments

_CELL = 2
"""Side of what is kept of a fragment's cell, in patches: room for the patch to move in."""


def reduced(rgb: Picture, preprocessing: Preprocessing) -> Picture:
    """What training keeps of a frame (H, W, 3) uint8.

    The paper's view: the frame with its short side resized. Fragments: the middle of every cell,
    64x64 pixels for patches of 32, where the frame has that many; else the whole frame. The middle
    crop, and fragments in the middle of their cells, are the same before and after.
    """
    if preprocessing.kind == "resize":
        height, width = rgb.shape[:2]
        scale = preprocessing.resize_to / min(height, width)
        shape = [max(preprocessing.size, int(side * scale + 0.5)) for side in (height, width)]
        return np.asarray(scaled(rgb[None], (shape[0], shape[1]))[0])
    grid = preprocessing.grid
    cell = _CELL * (preprocessing.size // grid)
    if min(rgb.shape[:2]) <= grid * cell:
        return rgb
    return fragments(rgb, grid, cell)


def scaled(frames: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Frames [T, H, W, 3] uint8 to another (height, width), bilinear without smoothing."""
    # copied: torch takes no read-only arrays
    values = torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2).float()
    out = functional.interpolate(values, shape, mode="bilinear", align_corners=False)
    return out.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
