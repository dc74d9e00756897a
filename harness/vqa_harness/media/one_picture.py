"""One picture as the bytes of an image file, and scaled to be looked at."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import ColourInfo, Frame
from vqa_harness.media.encode import encode_bytes
from vqa_harness.media.picture import (
    ACCURATE,
    PlaneSource,
    frame_of,
    meaning,
    reformat,
    resize_planes,
)
from vqa_harness.media.pixels import plane_view

RGB = ColourInfo(full_range=True, matrix="rgb")
"""How the values of RGB pictures are to be read."""


def png(rgb: NDArray[np.uint8]) -> bytes:
    """A (H, W, 3) uint8 picture as a PNG, which keeps every value; fast rather than small."""
    return encode_bytes(
        [np.ascontiguousarray(rgb)],
        codec="png",
        container="image2pipe",
        pix_fmt="rgb24",
        options={"compression_level": "1", "pred": "up"},
        colour=RGB,
    )


def jpeg(rgb: NDArray[np.uint8], quality: int) -> bytes:
    """A (H, W, 3) uint8 picture as a JPEG with a quantiser from 2 (best) to 31."""
    return encode_bytes(
        [np.ascontiguousarray(rgb)],
        codec="mjpeg",
        container="mjpeg",
        pix_fmt="yuvj420p",
        options={"qmin": str(quality), "qmax": str(quality)},
        colour=ColourInfo(full_range=True, matrix="bt601"),
    )


def height_for(width: int, size: tuple[int, int]) -> int:
    """The height that keeps the shape of a picture of this (width, height), at least 1."""
    return max(1, round(size[1] * width / size[0]))


def shrunk(rgb: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """A (H, W, 3) uint8 picture at a smaller width, by area; itself where that is no less."""
    height, full = rgb.shape[:2]
    if width >= full:
        return rgb
    planes = [np.ascontiguousarray(rgb[..., c]) for c in range(3)]
    size = (width, height_for(width, (full, height)))
    return np.stack(resize_planes(planes, "rgb", 8, size, "area"), axis=-1)


def rgb_at(frame: Frame, width: int) -> NDArray[np.uint8]:
    """The RGB of a frame at a smaller width: its planes are scaled by area, and then converted.

    Where the width is no less than the frame's own, this is `Frame.rgb`.

    Returns:
        (H, W, 3) uint8.
    """
    if width >= frame.width:
        return frame.rgb
    size = (width, height_for(width, (frame.width, frame.height)))
    planes = resize_planes(frame.planes, frame.chroma, frame.depth, size, "area")
    return PlaneSource(planes, frame.chroma, frame.depth, frame.colour).rgb()


def deep_rgb(frame: Frame) -> NDArray[np.uint16]:
    """The RGB of a frame with 16 bits a value and full range, (H, W, 3) uint16."""
    if frame.chroma == "gray":
        low, high = (0, (1 << frame.depth) - 1)
        if not frame.colour.full_range:
            low, high = 16 << frame.depth - 8, 235 << frame.depth - 8
        level = np.clip((frame.planes[0].astype(np.float32) - low) / (high - low), 0, 1)
        return np.repeat(np.rint(level * 65535).astype(np.uint16)[..., None], 3, axis=-1)
    picture = frame_of(frame.planes, frame.chroma, frame.depth)
    out = reformat(picture, format="rgb48le", interpolation=ACCURATE, **meaning(frame.colour))
    rows = plane_view(out.planes[0], out.planes[0].line_size, 3 * out.width, out.height, 16)
    return cast("NDArray[np.uint16]", np.ascontiguousarray(rows).reshape(out.height, out.width, 3))
