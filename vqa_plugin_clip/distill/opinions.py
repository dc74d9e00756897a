"""Stills with opinion scores: they teach the order of authentic damage, not its scale."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vqa_harness.errors import InputError, UsageError, one_line
from vqa_plugin_clip.distill.contents import unreadable
from vqa_plugin_clip.distill.places import GRID, PATCH, Corners, mirrored, spread
from vqa_plugin_clip.distill.stored import fits
from vqa_plugin_clip.distill.survey import LeftOut
from vqa_plugin_clip.inputs.preprocess import starts

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
    """Stills held in memory, whole; those that cannot be read are left out.

    Args:
        opinions: The stills and their scores.
        device: Where batches are made, and the pixels stay if the device has room.

    Attributes:
        mos: [stills] float32, any scale, higher is better.
        left_out: The stills that are not in the set.

    Raises:
        InputError: No file is a picture that can be used.
    """

    def __init__(self, opinions: Sequence[RatedStill], device: str | torch.device = "cpu") -> None:
        self.left_out: list[LeftOut] = []
        pictures, mos = [], []
        for opinion in opinions:
            try:
                pictures.append(_read(opinion.path))
                mos.append(opinion.mos)
            except InputError as error:
                reason = one_line(error).removeprefix(f"{opinion.path.name}: ")
                self.left_out.append(LeftOut(opinion.path, reason))
        if not pictures:
            raise InputError(str(self.left_out[0]) if self.left_out else "--mos: no stills")
        self.mos = np.array(mos, np.float32)
        self._shapes = [picture.shape[:2] for picture in pictures]
        ends = np.cumsum([0, *(picture.size for picture in pictures)])
        flat = np.concatenate([picture.reshape(-1) for picture in pictures])
        self._device = torch.device(device)
        place = self._device if fits([flat], self._device) else torch.device("cpu")
        self._pixels = torch.from_numpy(flat).to(place)
        self._first = torch.from_numpy(ends[:-1]).to(place)
        rows, columns = (np.array(sides) for sides in zip(*self._shapes, strict=True))
        self._columns = torch.from_numpy(columns).to(place)
        self._cells = [_Cells.of(sides, place) for sides in (rows, columns)]

    def __len__(self) -> int:
        return len(self.mos)

    @property
    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        """RGB of every still, (H, W, 3) uint8."""
        for first, (rows, columns) in zip(self._first.tolist(), self._shapes, strict=True):
            flat = self._pixels[first : first + 3 * rows * columns]
            yield flat.cpu().numpy().reshape(rows, columns, 3)

    def draws(self, seed: int) -> torch.Generator:
        """Return a source of places and mirroring for `batch`, where the pixels are."""
        return torch.Generator(self._pixels.device).manual_seed(seed)

    def batch(
        self, indices: NDArray[np.int64], frames: int, draws: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Make a batch of stills as clips without motion.

        Args:
            indices: Which stills.
            frames: Frames per clip (T).
            draws: Draws places of fragments and mirroring, from `draws`; None for the middle of
                each cell.

        Returns:
            Fragments [B, T, 3, 224, 224] uint8 RGB and scores [B] float32, on the set's device.
        """
        chosen = torch.from_numpy(indices).to(self._pixels.device)
        shape = (2, len(indices), GRID, GRID)
        if draws is None:
            share = torch.full(shape, 0.5, dtype=torch.float64, device=chosen.device)
        else:
            share = torch.rand(shape, generator=draws, dtype=torch.float64, device=chosen.device)
        down, along = self._cells
        corners = Corners(
            down.start[chosen][:, :, None] + (share[0] * down.room[chosen][:, :, None]).long(),
            along.start[chosen][:, None] + (share[1] * along.room[chosen][:, None]).long(),
        )
        places = spread(corners)
        if draws is not None:
            places = mirrored(places, draws)
        # A side shorter than a patch goes on with its last pixel.
        rows = places.rows.minimum(down.last[chosen][:, None, None])
        columns = places.columns.minimum(along.last[chosen][:, None, None])
        first = self._first[chosen][:, None, None]
        pixel = first + 3 * (rows * self._columns[chosen][:, None, None] + columns)
        colours = torch.arange(3, device=chosen.device)[:, None, None]
        one = self._pixels[pixel[:, None] + colours].to(self._device)
        mos = torch.from_numpy(self.mos[indices]).to(self._device)
        return one[:, None].expand(-1, frames, -1, -1, -1), mos


class _Cells(NamedTuple):
    """Where patches may begin along one side of each still, as `preprocess.starts` has it.

    Attributes:
        start: [stills, 7] int64, first pixel of each cell.
        room: [stills, 7] int64, how far a patch may be moved on from there.
        last: [stills] int64, last pixel of the side.
    """

    start: Tensor
    room: Tensor
    last: Tensor

    @classmethod
    def of(cls, sides: NDArray[np.int64], device: torch.device) -> _Cells:
        start, room = [], []
        for side in sides:
            ends = (
                starts(max(int(side), PATCH), GRID, PATCH, np.full((GRID, 1), share))[:, 0]
                for share in (0.0, 1.0)
            )
            first, last = ends
            start.append(first)
            room.append(last - first)
        parts = (np.stack(start), np.stack(room), sides - 1)
        return cls(*(torch.from_numpy(part).to(device) for part in parts))


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
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path.name}: {unreadable(path, error)}") from None
