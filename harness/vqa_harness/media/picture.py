"""Decoded pictures: planes as views of the decoder's buffers, RGB, turning, resizing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

import av.filter
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from vqa_harness.frames import Chroma, ColourInfo, Frame, Plane
from vqa_harness.media import colour as colours
from vqa_harness.media.facts import Look
from vqa_harness.media.orientation import Orientation
from vqa_harness.media.patches import cut_patches, side_by_side
from vqa_harness.media.pixels import (
    Layout,
    PixelFormatDescriptor,
    check_planes,
    gray_to_rgb,
    layout,
    planar_name,
    plane_view,
    read_only,
)

MATRICES = {"bt601": Colorspace.ITU601, "bt709": Colorspace.ITU709, "bt2020": Colorspace.BT2020}
"""PyAV's name of each matrix between RGB and YCbCr."""
SCALERS = {
    "bicubic": Interpolation.BICUBIC,
    "bilinear": Interpolation.BILINEAR,
    "lanczos": Interpolation.LANCZOS,
    "area": Interpolation.AREA,
}
"""PyAV's name of each scaling filter; its own default is bilinear, so one is always named."""
ACCURATE = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""How pictures become RGB: on JPEG within 3 levels of libjpeg; the default is off by up to 70.

The default takes another path for each way of storing one picture. That of 8-bit 4:2:0 is 1 to 2
levels too dark, so that one clip in 8 bit, 10 bit and 4:4:4 is three different clips.
"""
WORTH = 3
"""How many times as large as its patches a picture is whose patches are cut to be converted.

The smaller ones are converted faster as a whole.
"""
_local = threading.local()
"""A reformatter for each thread, because one cannot be used by two at a time."""


def reformat(frame: VideoFrame, **settings: Any) -> VideoFrame:
    """Scale or convert a frame with this thread's own context, on this thread only.

    Metrics run side by side already, and then more threads inside swscale are slower than one.

    Args:
        frame: the frame, which stays as it is.
        **settings: as `av.video.reformatter.VideoReformatter.reformat` takes them.
    """
    if not hasattr(_local, "reformatter"):
        _local.reformatter = VideoReformatter()
    return cast(VideoFrame, _local.reformatter.reformat(frame, threads=1, **settings))


@lru_cache(maxsize=256)
def layout_of(name: str) -> Layout:
    """The `Layout` of one of FFmpeg's pixel formats, by name."""
    fmt = av.VideoFormat(name, 64, 64)
    components = tuple((c.plane, c.bits, c.is_alpha) for c in fmt.components)
    rgb = fmt.is_rgb or fmt.has_palette or fmt.is_bayer or name.startswith("xyz")
    unusual = fmt.is_big_endian or fmt.is_bit_stream or fmt.has_palette or fmt.is_bayer
    size = (fmt.chroma_width(64), fmt.chroma_height(64))
    return layout(PixelFormatDescriptor(name, components, size, rgb, unusual))


def _views(frame: VideoFrame, depth: int, order: Sequence[int]) -> tuple[Plane, ...]:
    """Read-only views of a frame's planes, without a copy.

    They must not be written to: the decoder still predicts later frames from the same buffer.
    PyAV's own ``to_ndarray("gray")`` is not the luma: it stretches limited range to full range.
    """
    buffers = frame.planes  # PyAV makes new objects each time it is asked
    planes = [buffers[index] for index in order]
    return tuple([plane_view(p, p.line_size, p.width, p.height, depth) for p in planes])


def meaning(colour: ColourInfo) -> dict[str, Any]:
    """What `reformat` takes so that a frame becomes RGB with its own matrix and range."""
    if colour.matrix == "rgb":
        return {}
    return {
        "src_colorspace": MATRICES[colour.matrix],
        "src_color_range": ColorRange.JPEG if colour.full_range else ColorRange.MPEG,
        "dst_color_range": ColorRange.JPEG,
    }


def _to_rgb(frame: VideoFrame, colour: ColourInfo) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a frame, with the matrix and range that are given.

    They are always named, because swscale takes an untagged frame for BT.601, whatever its size.
    """
    out = reformat(frame, format="rgb24", interpolation=ACCURATE, **meaning(colour))
    rows = plane_view(out.planes[0], out.planes[0].line_size, 3 * out.width, out.height, 8)
    return cast("NDArray[np.uint8]", np.ascontiguousarray(rows).reshape(out.height, out.width, 3))


@lru_cache(maxsize=256)
def _look(
    pix_fmt: str,
    size: tuple[int, int],
    codes: tuple[int, int, int, int],
    turn: Orientation,
    still: bool,
) -> Look:
    """What pictures of this format and size share.

    Args:
        pix_fmt: FFmpeg's name of the pixel format.
        size: stored width and height.
        codes: AVColorSpace, AVColorRange, AVColorTransferCharacteristic and AVColorPrimaries.
        turn: how the pictures are turned upright.
        still: whether they are images.
    """
    shape = layout_of(pix_fmt)
    rgb, full = shape.chroma == "rgb", pix_fmt.startswith("yuvj")
    colour = colours.describe(*codes, lines=size[1], rgb=rgb, still=still, full_format=full)
    odd = colours.unsupported_matrix(codes[0])
    if turn.transpose and shape.chroma in ("411", "410"):
        convert = planar_name("444", shape.depth)
        shape = Layout("444", shape.depth, convert, (0, 1, 2), shape.alpha)
    chroma = turn.chroma(shape.chroma)
    return Look(pix_fmt, shape, turn, *turn.size(*size), chroma, colour, odd, still)


class Picture:
    """A decoded picture as a `PixelSource`, upright; its planes alias the decoder's buffers.

    Args:
        frame: what the decoder gave.
        turn: how to turn it upright.
        still: whether it is an image rather than a frame of a video.
    """

    __slots__ = ("_frame", "_planes", "corrupt", "look", "pts")

    def __init__(self, frame: VideoFrame, turn: Orientation, *, still: bool = False) -> None:
        codes = (
            int(frame.colorspace),
            int(frame.color_range),
            int(frame.color_trc),
            int(frame.color_primaries),
        )
        size = frame.width, frame.height
        self.look = _look(frame.format.name, size, codes, turn, still)
        self.pts = frame.pts
        self.corrupt = frame.is_corrupt
        self._frame = frame
        self._planes: tuple[Plane, ...] | None = None

    def planes(self) -> tuple[Plane, ...]:
        """Read-only planes; views wherever the decoder's format is planar and little-endian."""
        if self._planes is None:
            frame = self._frame
            layout, turn = self.look.layout, self.look.turn
            if layout.convert:
                frame = reformat(frame, format=layout.convert)
                if self.look.layout.lossless:
                    self._frame = frame  # RGB is the same made of it, and the other one can go
            planes = _views(frame, layout.depth, layout.order)
            if not turn.identity:
                planes = tuple(cast(Plane, turn.apply(plane)) for plane in planes)
            self._planes = planes
        return self._planes

    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, full range, with the picture's own matrix and range.

        It goes through swscale's accurate path, which upsamples chroma as libjpeg does, and not the
        default one of FFmpeg's and PyAV's RGB; see `ACCURATE`. Chroma of videos is taken to stand
        in the middle of its luma whatever the stream says, so that a picture is one in every
        storage.
        """
        look = self.look
        if look.chroma == "gray":
            return gray_to_rgb(self.planes()[0], look.depth, full_range=look.colour.full_range)
        frame = self._frame
        if not (look.still or look.alpha or look.layout.convert or look.chroma == "rgb"):
            chroma = look.layout.chroma
            frame = frame_of(_views(frame, look.depth, look.layout.order), chroma, look.depth)
        stored = _to_rgb(frame, look.colour)
        upright = np.ascontiguousarray(look.turn.apply(stored))
        return cast("NDArray[np.uint8]", read_only(upright))

    def restated(self, colour: ColourInfo) -> Picture:
        """The same picture, whose samples mean what ``colour`` says."""
        other = copy(self)
        other.look = replace(self.look, colour=colour)
        return other

    def decoded(self) -> VideoFrame | None:
        """What the decoder gave, if it holds these planes and nothing else; not to be changed."""
        layout = self.look.layout
        plain = layout.order == (0, 1, 2) and not (layout.convert or layout.alpha)
        return self._frame if plain and self.look.turn.identity else None

    def rgb_patches(
        self, rows: Sequence[int], columns: Sequence[int], side: int
    ) -> NDArray[np.uint8] | None:
        """See `vqa_harness.frames.Frame.rgb_patches`; None where all of `rgb` has to be made."""
        look = self.look
        if look.still or look.alpha or look.layout.convert or not look.turn.identity:
            return None
        if look.width * look.height < WORTH * len(rows) * len(columns) * side**2:
            return None
        cut = cut_patches(self.planes(), look.chroma, rows, columns, side)
        if cut is None:
            return None
        made = _to_rgb(frame_of(cut.planes, look.chroma, look.depth), look.colour)
        return side_by_side(made, cut.rows, cut.columns, side)


class PlaneSource:
    """A `PixelSource` of arrays.

    Args:
        planes: (H, W) each, uint8, or uint16 above 8 bits; Y (, U, V) or R, G, B.
        chroma: their subsampling, ``gray`` or ``rgb``.
        depth: bits per sample.
        colour: matrix and range for `rgb`.
    """

    def __init__(
        self, planes: Sequence[Plane], chroma: Chroma, depth: int, colour: ColourInfo
    ) -> None:
        check_planes(planes, chroma, depth)
        self._planes = tuple(read_only(plane) for plane in planes)
        self._chroma, self._depth, self._colour = chroma, depth, colour

    def planes(self) -> tuple[Plane, ...]:
        """The arrays, read-only."""
        return self._planes

    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, as a decoded picture of these planes would give."""
        if self._chroma == "gray":
            return gray_to_rgb(self._planes[0], self._depth, full_range=self._colour.full_range)
        frame = frame_of(self._planes, self._chroma, self._depth)
        return cast("NDArray[np.uint8]", read_only(_to_rgb(frame, self._colour)))


def frame_of(planes: Sequence[NDArray[Any]], chroma: Chroma, depth: int) -> VideoFrame:
    """A new frame holding a copy of the planes."""
    check_planes(planes, chroma, depth)
    height, width = planes[0].shape
    frame = VideoFrame(width, height, planar_name(chroma, depth))
    order = layout_of(frame.format.name).order
    for array, index in zip(planes, order, strict=True):
        plane = frame.planes[index]
        rows = np.frombuffer(memoryview(plane), array.dtype)
        target = rows.reshape(-1, plane.line_size // array.dtype.itemsize)
        target[: array.shape[0], : array.shape[1]] = array
    return frame


def video_frame(frame: Frame) -> VideoFrame:
    """The frame as PyAV's, not to be changed: the decoder's own where it is upright and planar.

    Otherwise it holds a copy of the planes. So it does where the decoder's has one of FFmpeg's old
    names for full range, such as ``yuvj420p``, which not every filter knows.
    """
    source = frame.source
    own = source.decoded() if isinstance(source, Picture) else None
    if own is not None and own.format.name == planar_name(frame.chroma, frame.depth):
        return own
    return frame_of(frame.planes, frame.chroma, frame.depth)


def resize_planes(
    planes: Sequence[Plane],
    chroma: Chroma,
    depth: int,
    size: tuple[int, int],
    method: str = "bicubic",
) -> tuple[Plane, ...]:
    """Scale planes with swscale, range and matrix untouched; equals ``scale=w:h:flags=method``.

    Args:
        planes: (H, W) each, Y (, U, V) or R, G, B.
        chroma: their subsampling, ``gray`` or ``rgb``.
        depth: bits per sample.
        size: (width, height) to scale to.
        method: ``bicubic``, ``bilinear``, ``lanczos`` or ``area``.

    Returns:
        Read-only planes of the same subsampling, depth and dtype.
    """
    frame = frame_of(planes, chroma, depth)
    width, height = size
    scaled = reformat(frame, width=width, height=height, interpolation=SCALERS[method])
    return _views(scaled, depth, layout_of(scaled.format.name).order)
