"""Where the patches of fragments lie in stored frames, as maps of indices, on any device.

A map says for every pixel of the fragments which row and column of the frame it shows. Mirroring,
transposition and shuffling of patches change the map; the pixels are then read once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vqa_plugin_clip.distill.motion import SIZE

GRID = 7
"""Patches along a side."""
PATCH = 32
"""Side of a patch in pixels."""
SIDE = GRID * PATCH
"""Side of the fragments in pixels."""
_LUMA = SIZE * SIZE
_CHROMA = _LUMA // 4
_HALF = 0.5

# Corners are even numbers, because chroma is halved.
_EDGES = np.arange(GRID + 1) * SIZE // GRID
_STARTS = (_EDGES[:-1] + 1) // 2 * 2
_ROOM = np.minimum((np.diff(_EDGES) - PATCH) // 2 * 2, SIZE - PATCH - _STARTS)


class Corners(NamedTuple):
    """Top-left corners of patches, in pixels of a frame.

    Attributes:
        rows: [B, 7, 7] int64.
        columns: [B, 7, 7] int64.
    """

    rows: Tensor
    columns: Tensor


class Map(NamedTuple):
    """Which pixel of a frame each pixel of the fragments shows.

    Attributes:
        rows: [B, h, 224] int64.
        columns: [B, h, 224] int64.
    """

    rows: Tensor
    columns: Tensor

    def band(self, first: int, patches: int) -> Map:
        """Return the map of some rows of patches.

        Args:
            first: The first of them, 0 to 6.
            patches: How many.
        """
        rows = slice(first * PATCH, (first + patches) * PATCH)
        return Map(self.rows[:, rows], self.columns[:, rows])


def middle(count: int, device: torch.device) -> Corners:
    """Put every patch of ``count`` clips into the middle of its cell."""
    steps = _ROOM // 4 * 2
    return _corners(torch.from_numpy(steps)[:, None].expand(GRID, GRID), count, device)


def drawn(count: int, draws: torch.Generator) -> Corners:
    """Put every patch of ``count`` clips somewhere in its cell, by chance."""
    device = draws.device
    choices = torch.from_numpy(_ROOM // 2 + 1).to(device)
    starts = torch.from_numpy(_STARTS).to(device)
    shape = (count, GRID, GRID)
    rows, columns = torch.rand((2, *shape), generator=draws, device=device)
    return Corners(
        starts[:, None] + 2 * (rows * choices[:, None]).long(),
        starts[None, :] + 2 * (columns * choices[None, :]).long(),
    )


def shuffled(corners: Corners, draws: torch.Generator) -> Corners:
    """Shuffle the patches of half of the clips."""
    count = len(corners.rows)
    order = torch.rand((count, GRID * GRID), generator=draws, device=draws.device).argsort(1)
    usual = torch.arange(GRID * GRID, device=draws.device)
    order = torch.where(_coin(count, draws)[:, None], order, usual)
    mixed = (places.flatten(1).gather(1, order).view(count, GRID, GRID) for places in corners)
    return Corners(*mixed)


def spread(corners: Corners) -> Map:
    """Make the map of patches side by side."""
    within = torch.arange(PATCH, device=corners.rows.device)
    rows = corners.rows[:, :, None, :, None] + within[:, None, None]
    columns = corners.columns[:, :, None, :, None] + within
    shape = (len(corners.rows), GRID, PATCH, GRID, PATCH)
    return Map(*(part.expand(shape).reshape(-1, SIDE, SIDE) for part in (rows, columns)))


def mirrored(places: Map, draws: torch.Generator) -> Map:
    """Mirror half of the clips left to right."""
    chosen = _coin(len(places.rows), draws)
    return _where(chosen, Map(*(part.flip(2) for part in places)), places)


def turned(places: Map, draws: torch.Generator) -> Map:
    """Flip upside down, and transpose, each half of the clips."""
    count = len(places.rows)
    flipped = Map(*(part.flip(1) for part in places))
    places = _where(_coin(count, draws), flipped, places)
    transposed = Map(*(part.transpose(1, 2) for part in places))
    return _where(_coin(count, draws), transposed, places)


def packed_index(places: Map) -> Tensor:
    """Find the samples in packed 4:2:0 frames: [B, 3, h, 224] int64.

    Each chroma sample is repeated over its four pixels, which is how FFmpeg's default conversion
    reads it.
    """
    chroma = _LUMA + (places.rows // 2) * (SIZE // 2) + places.columns // 2
    return torch.stack([places.rows * SIZE + places.columns, chroma, chroma + _CHROMA], dim=1)


def cut(frames: Tensor, index: Tensor) -> Tensor:
    """Read fragments.

    Args:
        frames: [B, T, samples] uint8; all frames of a clip are cut alike.
        index: [B, 3, h, w] int64, places in the samples.

    Returns:
        [B, T, 3, h, w] uint8.
    """
    count, times = frames.shape[:2]
    flat = index.flatten(1)[:, None].expand(count, times, -1)
    return frames.gather(2, flat).view(count, times, *index.shape[1:])


def _corners(steps: Tensor, count: int, device: torch.device) -> Corners:
    starts = torch.from_numpy(_STARTS)[:, None].expand(GRID, GRID)
    rows = (starts + steps).to(device)
    return Corners(rows.expand(count, -1, -1), rows.T.expand(count, -1, -1))


def _coin(count: int, draws: torch.Generator) -> Tensor:
    return torch.rand(count, generator=draws, device=draws.device) < _HALF


def _where(chosen: Tensor, one: Map, other: Map) -> Map:
    mask = chosen[:, None, None]
    return Map(*(torch.where(mask, a, b) for a, b in zip(one, other, strict=True)))
