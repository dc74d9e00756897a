"""Where a picture comes to lie in the frame that is measured: cut, scaled, padded or cropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vqa_harness.alignment.signatures import Region
from vqa_harness.frames import Chroma, Plane
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.pixels import FACTORS
from vqa_harness.media.recode import PixelFormat


@dataclass(frozen=True, slots=True)
class Geometry:
    """How one side's picture is cut and fitted into the frame.

    Attributes:
        region: the part of the picture that is kept; None for all of it.
        fit: ``stretch``, ``pad`` or ``crop``.
        wider: the picture's display aspect ratio over that of the frame, where ``fit`` needs it.
    """

    region: Region | None = None
    fit: str = "stretch"
    wider: float = 1.0

    def keeps(self, size: tuple[int, int], target: tuple[int, int]) -> bool:
        """Whether a picture of this size needs no change to become a frame of size ``target``."""
        return size == target and self.region is None and self.fit == "stretch"

    def cut(self, planes: Sequence[Plane], chroma: Chroma) -> tuple[Plane, ...]:
        """The kept part of each plane; none is cut where a frame is smaller than the region."""
        if self.region is None:
            return tuple(planes)
        x, y, width, height = self.region
        across, down = FACTORS.get(chroma, (1, 1))
        out = []
        for index, plane in enumerate(planes):
            a, d = (across, down) if index and chroma != "rgb" else (1, 1)
            out.append(plane[y // d : -(-(y + height) // d), x // a : -(-(x + width) // a)])
        return tuple(out)

    def inner(self, target: tuple[int, int]) -> tuple[int, int]:
        """The size that the picture is scaled to, within ``target`` or around it.

        Margins are whole chroma samples, so that luma and chroma are cut or padded at one place.
        """
        width, height = target
        if self.fit == "stretch":
            return target
        narrower = (self.wider > 1) == (self.fit == "pad")  # fill the width, otherwise the height
        if narrower:
            return width, _centrable(height / self.wider, height)
        return _centrable(width * self.wider, width), height

    def to_json(self) -> dict[str, Any]:
        """What is done to the picture, JSON-compatible."""
        return {"region": None if self.region is None else list(self.region), "fit": self.fit}


def arrange(
    planes: Sequence[Plane], pixel_format: PixelFormat, target: tuple[int, int], geometry: Geometry
) -> tuple[Plane, ...]:
    """Scale planes (bicubic) and pad them with black, or crop them, to (width, height)."""
    inner = geometry.inner(target)
    height, width = planes[0].shape
    if (width, height) != inner:
        planes = resize_planes(planes, pixel_format.chroma, pixel_format.depth, inner)
    if inner == target:
        return tuple(planes)
    across, down = FACTORS.get(pixel_format.chroma, (1, 1))
    out = []
    for index, plane in enumerate(planes):
        a, d = (across, down) if index and pixel_format.chroma != "rgb" else (1, 1)
        size = -(-target[0] // a), -(-target[1] // d)
        neutral = bool(index) and pixel_format.chroma != "rgb"
        fill = pixel_format.chroma_scale()[0] if neutral else pixel_format.luma_scale()[0]
        out.append(_centred(plane, size, int(fill)))
    return tuple(out)


def _centred(plane: Plane, size: tuple[int, int], fill: int) -> Plane:
    """Pad or crop a plane to (width, height) about its middle."""
    width, height = size
    out = np.full((height, width), fill, plane.dtype)
    rows, columns = plane.shape
    top, left = (height - rows) // 2, (width - columns) // 2
    source = plane[max(0, -top) : max(0, -top) + height, max(0, -left) : max(0, -left) + width]
    y, x = max(0, top), max(0, left)
    out[y : y + source.shape[0], x : x + source.shape[1]] = source
    return out


def _centrable(value: float, target: int) -> int:
    """The size next to ``value`` that leaves margins of whole chroma samples (4:2:0)."""
    return max(target % 4 or 4, target + 4 * round((value - target) / 4))
