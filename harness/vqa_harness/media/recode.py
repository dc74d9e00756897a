"""Planes of one pixel format in another: depth, subsampling, range and matrix.

Between two YCbCr matrices the new chroma depends on the old chroma alone, and the new luma is the
old one plus a share of the chroma, because both give neutral colours no chroma (ITU-R BT.601,
BT.709 and BT.2020 with non-constant luminance).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Chroma, Plane
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.pixels import chroma_shape

WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Weights of red and blue in luma, by matrix."""
Floats = NDArray[np.float32]


STRIPE = 1 << 20
"""Samples of a plane that are computed at a time."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How samples mean colour: FFmpeg's pixel format with range and matrix.

    Attributes:
        chroma: subsampling, ``gray`` or ``rgb``.
        depth: bits per sample.
        full_range: whether all code values are used.
        matrix: ``bt601``, ``bt709``, ``bt2020`` or ``rgb``.
    """

    chroma: Chroma
    depth: int
    full_range: bool
    matrix: str

    def luma_scale(self) -> tuple[float, float]:
        """The code value of black, and the number of code values from black to white."""
        if self.full_range:
            return 0.0, 2.0**self.depth - 1
        return 16 * 2.0 ** (self.depth - 8), 219 * 2.0 ** (self.depth - 8)

    def chroma_scale(self) -> tuple[float, float]:
        """The code value of no colour, and the number of code values between the extremes."""
        span = 2.0**self.depth - 1 if self.full_range else 224 * 2.0 ** (self.depth - 8)
        return 2.0 ** (self.depth - 1), span


def recode(planes: Sequence[Plane], old: PixelFormat, new: PixelFormat) -> tuple[Plane, ...]:
    """Planes in another pixel format, of the same picture size.

    Args:
        planes: Y (, U, V) or R, G, B, (H, W) uint8 or uint16.
        old: their pixel format.
        new: the pixel format to convert to; ``rgb`` only for planes that are RGB already.

    Returns:
        Planes of the new pixel format; those that do not change are the old ones.

    Raises:
        ValueError: YCbCr planes would have to become RGB.
    """
    if old == new:
        return tuple(planes)
    if new.chroma == "rgb" and old.chroma != "rgb":
        raise ValueError("YCbCr planes are not recoded as RGB; recode the RGB side")
    if old.chroma == "rgb" and new.chroma == "rgb":
        return tuple(_affine(p, old.luma_scale(), new.luma_scale(), old, new) for p in planes)
    if old.chroma == "rgb":
        return _from_rgb(planes, old, new)
    if new.chroma == "gray" or old.chroma == "gray":
        return (_affine(planes[0], old.luma_scale(), new.luma_scale(), old, new),)
    if old.matrix != new.matrix:
        return _other_matrix(planes, old, new)
    luma = _affine(planes[0], old.luma_scale(), new.luma_scale(), old, new)
    colours = [_affine(p, old.chroma_scale(), new.chroma_scale(), old, new) for p in planes[1:]]
    shape = chroma_shape(new.chroma, luma.shape[1], luma.shape[0])
    return luma, *(resized(p, shape, new.depth) for p in colours)


def resized(plane: Plane, shape: tuple[int, int], depth: int) -> Plane:
    """A plane scaled to (H, W) with swscale's bicubic filter, as a gray picture."""
    if plane.shape == shape:
        return plane
    return resize_planes((plane,), "gray", depth, (shape[1], shape[0]))[0]


def _affine(
    plane: Plane,
    before: tuple[float, float],
    after: tuple[float, float],
    old: PixelFormat,
    new: PixelFormat,
) -> Plane:
    if before == after and old.depth == new.depth:
        return plane
    if not old.full_range and not new.full_range:
        # an exact multiple, as swscale raises depth; it never lowers it here, since swscale's
        # way from 10 to 8 bits is no plain rounding
        return cast(Plane, plane.astype(np.uint16) << np.uint16(new.depth - old.depth))
    scale = after[1] / before[1]
    shift = after[0] - before[0] * scale
    return _in_stripes(
        lambda rows: (_codes(rows[0].astype(np.float32) * scale + shift, new.depth),), (plane,)
    )[0]


def _codes(values: NDArray[np.floating], depth: int) -> Plane:
    dtype = np.uint8 if depth == 8 else np.uint16
    return cast(Plane, np.clip(np.rint(values), 0, 2**depth - 1).astype(dtype))


def _other_matrix(planes: Sequence[Plane], old: PixelFormat, new: PixelFormat) -> tuple[Plane, ...]:
    """Through unit luma and chroma: (Y, U, V) -> the new matrix."""
    middle, span = old.chroma_scale()
    u, v = ((p.astype(np.float32) - middle) / span for p in planes[1:3])
    rows = yuv_of_rgb(new.matrix) @ np.linalg.inv(yuv_of_rgb(old.matrix))
    black, white = old.luma_scale()
    luma = (planes[0].astype(np.float32) - black) / white
    grown = [_grown(c, luma.shape) for c in (u, v)]
    luma = luma + rows[0, 1] * grown[0] + rows[0, 2] * grown[1]
    black, white = new.luma_scale()
    middle, span = new.chroma_scale()
    shape = chroma_shape(new.chroma, luma.shape[1], luma.shape[0])
    colours = [_codes((row[1] * u + row[2] * v) * span + middle, new.depth) for row in rows[1:]]
    return (
        _codes(luma * white + black, new.depth),
        *(resized(c, shape, new.depth) for c in colours),
    )


def _from_rgb(planes: Sequence[Plane], old: PixelFormat, new: PixelFormat) -> tuple[Plane, ...]:
    luma, *colours = _in_stripes(lambda rows: _stripe_from_rgb(rows, old, new), planes)
    shape = chroma_shape(new.chroma, luma.shape[1], luma.shape[0])
    return luma, *(resized(c, shape, new.depth) for c in colours)


def _stripe_from_rgb(
    planes: Sequence[Plane], old: PixelFormat, new: PixelFormat
) -> tuple[Plane, ...]:
    """Y, and Cb and Cr of the same size unless the new format is gray."""
    black, white = old.luma_scale()
    rgb = [(p.astype(np.float32) - black) / white for p in planes]
    matrix = yuv_of_rgb(new.matrix)[: 1 if new.chroma == "gray" else 3]
    unit = [sum(w * c for w, c in zip(row, rgb, strict=True)) for row in matrix]
    black, white = new.luma_scale()
    middle, span = new.chroma_scale()
    luma = _codes(np.asarray(unit[0]) * white + black, new.depth)
    return luma, *(_codes(np.asarray(c) * span + middle, new.depth) for c in unit[1:])


def _in_stripes(
    work: Callable[[Sequence[Plane]], tuple[Plane, ...]], planes: Sequence[Plane]
) -> tuple[Plane, ...]:
    """The result of a function of single samples, computed a few rows at a time.

    Its intermediate values are several times as large as a picture, and are so for some rows only.
    """
    height, width = planes[0].shape
    rows = max(1, STRIPE // width)
    whole: tuple[Plane, ...] = ()
    for top in range(0, height, rows):
        part = work([plane[top : top + rows] for plane in planes])
        if not whole:
            whole = tuple(np.empty((height, width), one.dtype) for one in part)
        for target, one in zip(whole, part, strict=True):
            target[top : top + rows] = one
    return whole


def yuv_of_rgb(name: str) -> NDArray[np.float32]:
    """(3, 3) from R, G, B in 0..1 to Y in 0..1 and Cb, Cr in -0.5..0.5."""
    kr, kb = WEIGHTS[name]
    kg = 1 - kr - kb
    rows = [
        [kr, kg, kb],
        [-kr / (2 - 2 * kb), -kg / (2 - 2 * kb), 0.5],
        [0.5, -kg / (2 - 2 * kr), -kb / (2 - 2 * kr)],
    ]
    return np.array(rows, np.float32)


def _grown(colour: Floats, shape: tuple[int, ...]) -> Floats:
    """Unit chroma at the size of the luma, scaled as 16-bit samples."""
    codes = np.clip(np.rint((colour + 0.5) * 65535), 0, 65535).astype(np.uint16)
    wide = resized(codes, (shape[0], shape[1]), 16)
    return wide.astype(np.float32) / np.float32(65535) - np.float32(0.5)
