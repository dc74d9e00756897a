"""Decoded frames to network input: fragments at native resolution, or the paper's resize and crop.

Fragments are those of FAST-VQA (arXiv 2207.02595): a grid of small patches cut where they are, at
the same places in all frames of a clip, so that coding damage is seen as it is. Only
`Preprocessing.tensor` imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import InputError
from vqa_harness.frames import Frame
from vqa_plugin_clip.inputs.sampling import MEAN, STD

if TYPE_CHECKING:
    from torch import Tensor

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a frame becomes a square picture; part of a checkpoint's card.

    Attributes:
        kind: ``fragments``; or ``resize``, which scales the short side to ``resize_to`` and takes
            the centre.
        size: Side of the picture in pixels.
        grid: Patches along a side (``fragments``).
        resize_to: Length of the short side in pixels (``resize``).
        mean: What is subtracted from R, G and B, on 0-255.
        std: What R, G and B are then divided by.
    """

    kind: Literal["fragments", "resize"] = "fragments"
    size: int = 224
    grid: int = 7
    resize_to: int = 256
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: The values do not fit together.
        """
        if self.kind not in ("fragments", "resize"):
            raise InputError(f"preprocessing kind {self.kind!r}: needs fragments or resize")
        if self.grid < 1 or self.size < 1 or self.size % self.grid:
            raise InputError(
                f"preprocessing: size {self.size} is not a multiple of grid {self.grid}"
            )
        if self.kind == "resize" and self.resize_to < self.size:
            raise InputError(f"preprocessing: resize_to {self.resize_to} is below {self.size}")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise InputError("preprocessing: needs three means and three deviations above 0")

    def to_dict(self) -> dict[str, Any]:
        """Return all values, JSON-compatible, for a card."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessing:
        """Read what `to_dict` wrote.

        Raises:
            InputError: A key or value is wrong.
        """
        try:
            arguments = {**values}
            for key in ("mean", "std"):
                if key in arguments:
                    arguments[key] = tuple(float(x) for x in arguments[key])
            return cls(**arguments)
        except (TypeError, ValueError) as error:
            raise InputError(f"preprocessing of the card: {error}") from None

    def picture(self, rgb: Picture, places: NDArray[np.float64] | None = None) -> Picture:
        """Reduce (H, W, 3) uint8 RGB to (size, size, 3).

        Args:
            rgb: The frame.
            places: Where the patches stand, as `fragments` takes them; unused for ``resize``.
        """
        if self.kind == "fragments":
            return fragments(rgb, self.grid, self.size // self.grid, places)
        return centre(rgb, self.resize_to, self.size)

    def picture_of(self, frame: Frame) -> Picture:
        """Reduce a frame to (size, size, 3) uint8 as `picture` does, without making all its RGB."""
        side = self.size // self.grid
        if self.kind != "fragments" or min(frame.height, frame.width) < side:
            return self.picture(frame.rgb)
        middle = np.full((self.grid, self.grid), 0.5)
        rows = starts(frame.height, self.grid, side, middle)[:, 0]
        columns = starts(frame.width, self.grid, side, middle)[:, 0]
        return frame.rgb_patches(rows.tolist(), columns.tolist(), side)

    def tensor(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Turn pictures [..., size, size, 3] uint8 into normalised [..., 3, size, size] float32."""
        import torch

        values = torch.from_numpy(pictures).movedim(-1, -3).to(torch.float32)
        mean = torch.tensor(self.mean).view(3, 1, 1)
        return (values - mean) / torch.tensor(self.std).view(3, 1, 1)


def fragments(
    rgb: Picture, grid: int, patch: int, places: NDArray[np.float64] | None = None
) -> Picture:
    """Cut ``grid`` x ``grid`` patches, one from each cell of the frame, and put them side by side.

    Args:
        rgb: (H, W, 3) uint8. Where a side is shorter than the patches together they overlap; where
            it is shorter than one patch the edge is repeated.
        grid: Patches along a side.
        patch: Side of a patch in pixels.
        places: (grid, grid, 2) float64 on 0 to 1 for rows and columns: where each patch stands in
            the room that its cell leaves; None for the middle.

    Returns:
        (grid * patch, grid * patch, 3) uint8.
    """
    short = [max(0, patch - side) for side in rgb.shape[:2]]
    if any(short):
        rgb = np.pad(rgb, ((0, short[0]), (0, short[1]), (0, 0)), mode="edge")
    if places is None:
        places = np.full((grid, grid, 2), 0.5)
    rows = starts(rgb.shape[0], grid, patch, places[..., 0])
    columns = starts(rgb.shape[1], grid, patch, places[..., 1].T).T
    out = np.empty((grid * patch, grid * patch, 3), np.uint8)
    for i, j in np.ndindex(grid, grid):
        top, left = rows[i, j], columns[i, j]
        cut = rgb[top : top + patch, left : left + patch]
        out[i * patch : (i + 1) * patch, j * patch : (j + 1) * patch] = cut
    return out


def starts(side: int, grid: int, patch: int, places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the first row of each patch, (grid, grid); cells follow each other along axis 0.

    Args:
        side: Rows of the frame, at least ``patch``.
        grid: Number of cells.
        patch: Rows of a patch.
        places: (grid, grid) float64 on 0 to 1, where the patch stands in its cell's room.
    """
    if side < grid * patch:
        even = np.rint(np.linspace(0, side - patch, grid)).astype(np.int64)
        return np.repeat(even[:, None], grid, axis=1)
    edges = np.arange(grid + 1) * side // grid
    room = np.diff(edges)[:, None] - patch
    first: NDArray[np.int64] = edges[:-1, None] + (places * room).astype(np.int64)
    return first


def centre(rgb: Picture, resize_to: int, size: int) -> Picture:
    """Scale the short side to ``resize_to`` (bilinear) and take the middle ``size`` x ``size``."""
    frame = short_side_resized(rgb, resize_to, size)
    top, left = ((side - size) // 2 for side in frame.shape[:2])
    return np.ascontiguousarray(frame[top : top + size, left : left + size])


def short_side_resized(rgb: Picture, resize_to: int, size: int) -> Picture:
    """Scale a frame (H, W, 3) to the short side ``resize_to``, but no side below ``size``."""
    scale = resize_to / min(rgb.shape[:2])
    rows, columns = (max(size, int(side * scale + 0.5)) for side in rgb.shape[:2])
    return np.asarray(scaled(rgb[None], (rows, columns))[0])


def scaled(frames: Picture, shape: tuple[int, int]) -> Picture:
    """Scale frames [T, H, W, 3] uint8 to another (height, width), bilinear without smoothing.

    As torch's ``interpolate`` with corners not aligned, with which one pixel value in 100,000
    differs, by one.
    """
    upper, lower, down = _neighbours(frames.shape[1], shape[0])
    left, right, across = _neighbours(frames.shape[2], shape[1])
    down, across = down[:, None, None], across[:, None]
    out = np.empty((len(frames), *shape, 3), np.uint8)
    for frame, made in zip(frames, out, strict=True):
        above, below = (
            (1 - across) * rows[:, left] + across * rows[:, right]
            for rows in (frame[upper], frame[lower])
        )
        made[...] = np.rint((1 - down) * above + down * below)
    return out


def _neighbours(
    side: int, wanted: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return, for each of ``wanted`` places on a side, two pixels and the second one's weight."""
    places = np.maximum((np.arange(wanted) + 0.5) * (side / wanted) - 0.5, 0)
    first = np.minimum(places.astype(np.int64), side - 1)
    return first, np.minimum(first + 1, side - 1), (places - first).astype(np.float32)
