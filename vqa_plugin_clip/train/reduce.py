"""Decoded frames made as small as training allows, before anything random is done to them."""

from __future__ import annotations

from vqa_plugin_clip.preprocess import Picture, Preprocessing, fragments, short_side_resized

_CELL = 2
"""Side of what is kept of a fragment's cell, in patches: room for the patch to move in."""


def reduced(rgb: Picture, preprocessing: Preprocessing) -> Picture:
    """What training keeps of a frame (H, W, 3) uint8.

    The paper's view: the frame with its short side resized. Fragments: the middle of every cell,
    64x64 pixels for patches of 32, where the frame has that many; else the whole frame. The middle
    crop, and fragments in the middle of their cells, are the same before and after.
    """
    if preprocessing.kind == "resize":
        return short_side_resized(rgb, preprocessing.resize_to, preprocessing.size)
    grid = preprocessing.grid
    cell = _CELL * (preprocessing.size // grid)
    if min(rgb.shape[:2]) <= grid * cell:
        return rgb
    return fragments(rgb, grid, cell)
