"""Stills with opinion scores: they teach the order of authentic damage, not its scale."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vqa_harness.errors import InputError, UsageError
from vqa_plugin_clip.distill.sampling import GRID, PATCH
from vqa_plugin_clip.inputs.preprocess import fragments

_BLOCK = 20
"""Rows of a table that stay together."""
_BLOCKS_PER_VALIDATION = 5
"""One in so many blocks is for validation."""
_ROWS_MAX = 1_000_000
"""Rows that are read of a table."""
_PIXELS_MAX = 4_000_000
"""Largest picture; all of them are held in memory."""


@dataclass(frozen=True, slots=True)
class RatedStill:
    """A still with its opinion score.

    Attributes:
        path: The file.
        mos: Mean opinion score on any scale; higher is better.
    """

    path: Path
    mos: float


def read_opinions(table: Path) -> list[RatedStill]:
    """Read rows ``file,score`` of a CSV file with a header; further columns are ignored.

    Files are looked for beside the table, then one folder up.

    Raises:
        UsageError: The table cannot be read, has no rows or a bad score, or names a missing file.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row, _ in zip(csv.reader(file), range(_ROWS_MAX), strict=False) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"--mos {table.name}: cannot be read ({error})") from None
    if len(rows) < 2:
        raise UsageError(f"--mos {table.name}: needs a header and rows of file,score")
    return [_opinion(table, row) for row in rows[1:]]


def split(opinions: Sequence[RatedStill]) -> tuple[list[RatedStill], list[RatedStill]]:
    """Split rows for development and validation: every fifth block of twenty is for validation.

    Whole blocks, because neighbours in a table often show the same scene.
    """
    parts: tuple[list[RatedStill], list[RatedStill]] = ([], [])
    for index, opinion in enumerate(opinions):
        block = index // _BLOCK % _BLOCKS_PER_VALIDATION
        parts[block == _BLOCKS_PER_VALIDATION - 1].append(opinion)
    return parts


class OpinionSet:
    """Stills held in memory, whole.

    Args:
        opinions: The stills and their scores.

    Attributes:
        mos: [stills] float32, any scale, higher is better.
        pictures: RGB, each (H, W, 3) uint8.

    Raises:
        InputError: A file is not a picture, or is too large.
    """

    def __init__(self, opinions: Sequence[RatedStill]) -> None:
        self.mos = np.array([opinion.mos for opinion in opinions], np.float32)
        self.pictures = [_read(opinion.path) for opinion in opinions]

    def __len__(self) -> int:
        return len(self.mos)

    def batch(
        self, indices: NDArray[np.int64], frames: int, rng: np.random.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Make a batch of stills as clips without motion.

        Args:
            indices: Which stills.
            frames: Frames per clip (T).
            rng: Draws places of fragments and mirroring; None for the middle of each cell.

        Returns:
            Fragments [B, T, 3, 224, 224] uint8 RGB and scores [B] float32.
        """
        clips = []
        for index in indices:
            places = None if rng is None else rng.uniform(size=(GRID, GRID, 2))
            one = fragments(self.pictures[index], GRID, PATCH, places).transpose(2, 0, 1)
            if rng is not None and rng.uniform() < 0.5:
                one = one[..., ::-1]
            clips.append(np.repeat(one[None], frames, axis=0))
        return torch.from_numpy(np.stack(clips)), torch.from_numpy(self.mos[indices])


def _opinion(table: Path, row: Sequence[str]) -> RatedStill:
    try:
        name, mos = row[0], float(row[1])
    except (IndexError, ValueError):
        raise UsageError(
            f"--mos {table.name}: row {','.join(row)[:60]!r} is not file,score"
        ) from None
    for folder in (table.parent, table.parent.parent):
        if (folder / name).is_file() and np.isfinite(mos):
            return RatedStill(folder / name, mos)
    raise UsageError(f"--mos {table.name}: {name[:60]}: no such file, or its score is not finite")


def _read(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > _PIXELS_MAX:
                raise InputError(f"{path.name}: more than {_PIXELS_MAX} pixels, shrink it first")
            return np.asarray(opened.convert("RGB"))
    except (OSError, Image.DecompressionBombError) as error:
        raise InputError(f"{path.name}: cannot be read as a picture ({error})") from None
