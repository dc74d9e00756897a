"""How samples lie in memory: what is read in place, and read-only views of planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Chroma, Plane

SUBSAMPLING: dict[tuple[int, int], Chroma] = {
    (32, 32): "420",
    (32, 64): "422",
    (64, 64): "444",
    (64, 32): "440",
    (16, 64): "411",
    (16, 16): "410",
}
"""Subsampling by the size of the chroma planes of a 64 x 64 picture."""
FACTORS = {"420": (2, 2), "422": (2, 1), "444": (1, 1), "440": (1, 2), "411": (4, 1), "410": (4, 4)}
"""Luma samples to one chroma sample, across and down, by subsampling."""
DEPTHS = (8, 9, 10, 12, 14, 16)
"""Bits per sample for which FFmpeg has planar formats."""
U8, U16 = np.dtype(np.uint8), np.dtype(np.uint16)


@dataclass(frozen=True, slots=True)
class PixelFormatDescriptor:
    """What FFmpeg says about a pixel format, as its own descriptors do.

    Attributes:
        name: such as ``yuv420p10le``.
        components: (plane, bits, is alpha) of each component.
        chroma_size: chroma width and height of a 64x64 picture.
        rgb: whether samples are RGB, of a palette or Bayer.
        unusual: whether samples are big-endian, bit-packed or in a palette.
    """

    name: str
    components: tuple[tuple[int, int, bool], ...]
    chroma_size: tuple[int, int]
    rgb: bool
    unusual: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """How a picture's planes are read.

    Attributes:
        chroma: subsampling, ``gray`` or ``rgb``.
        depth: bits per sample.
        convert: planar little-endian pixel format to convert to first; None to read in place.
        order: indices of the planes holding Y, U, V or R, G, B.
        alpha: whether an alpha channel is left out.
        lossless: whether samples of 8-bit RGB are only moved to other places by the conversion.
    """

    chroma: Chroma
    depth: int
    convert: str | None
    order: tuple[int, ...]
    alpha: bool = False
    lossless: bool = False


def layout(fmt: PixelFormatDescriptor) -> Layout:
    """The layout of a pixel format; samples are moved or repacked, never cut to fewer bits.

    Exceptions are floating-point samples, which become 16 bits, and those of under 8 bits.
    """
    colour = [(plane, bits) for plane, bits, alpha in fmt.components if not alpha]
    alpha = len(colour) < len(fmt.components)
    bits = max(bits for _, bits in colour)
    chroma: Chroma
    chroma = "rgb" if fmt.rgb else "gray" if len(colour) == 1 else SUBSAMPLING[fmt.chroma_size]
    planes = tuple(plane for plane, _ in colour)
    shared = len({plane for plane, _, _ in fmt.components}) < len(fmt.components)
    if bits in DEPTHS and not (shared or fmt.unusual or "msb" in fmt.name):
        return Layout(chroma, bits, None, planes, alpha)
    if fmt.name.startswith("bayer_") and "16" in fmt.name:
        bits = 16
    depth = next((d for d in DEPTHS if d >= bits), 16)
    order = (2, 0, 1) if chroma == "rgb" else tuple(range(1 if chroma == "gray" else 3))
    whole = chroma == "rgb" and {size for _, size, _ in fmt.components} == {8}
    moved = whole and not fmt.name.startswith("bayer_")
    return Layout(chroma, depth, planar_name(chroma, depth), order, alpha, moved)


def planar_name(chroma: Chroma, depth: int) -> str:
    """FFmpeg's name of the planar little-endian format, such as ``yuv420p10le``."""
    base = {"rgb": "gbrp", "gray": "gray"}.get(chroma, f"yuv{chroma}p")
    return base if depth == 8 else f"{base}{depth}le"


def chroma_shape(chroma: Chroma, width: int, height: int) -> tuple[int, int]:
    """(H, W) of the second and third plane of a ``width`` x ``height`` picture."""
    across, down = FACTORS.get(chroma, (1, 1))
    return -(-height // down), -(-width // across)


def plane_view(buffer: Any, line_size: int, width: int, height: int, depth: int) -> Plane:
    """A read-only view of one plane.

    Args:
        buffer: the plane's bytes, rows in the order of memory.
        line_size: bytes from a row to the next; negative where the rows lie bottom first.
        width: samples in a row.
        height: rows.
        depth: bits per sample: uint8 up to 8, else uint16.
    """
    dtype = U8 if depth <= 8 else U16
    view: Plane = np.ndarray(
        (height, width), dtype, buffer, strides=(abs(line_size), dtype.itemsize)
    )
    if line_size < 0:
        view = view[::-1]
    view.setflags(write=False)
    return view


def read_only(array: NDArray[Any]) -> Plane:
    """A view of the array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return cast(Plane, view)


def gray_to_rgb(luma: Plane, depth: int, *, full_range: bool) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 full-range RGB of (H, W) gray samples, rounded; read-only."""
    top = 2**depth - 1
    low, high = (0, top) if full_range else (16 * 2 ** (depth - 8), 235 * 2 ** (depth - 8))
    codes = (np.arange(top + 1) - low) * (255 / (high - low))
    table = np.rint(np.clip(codes, 0, 255)).astype(np.uint8)
    return cast("NDArray[np.uint8]", read_only(np.repeat(table[luma][..., None], 3, axis=2)))


def check_planes(planes: Sequence[NDArray[Any]], chroma: Chroma, depth: int) -> None:
    """Refuse planes whose number, shape or dtype do not fit ``chroma`` and ``depth``.

    Raises:
        ValueError: naming the plane and what was expected.
    """
    if depth not in DEPTHS:
        raise ValueError(f"depth {depth} is not one of {DEPTHS}")
    expected = 1 if chroma == "gray" else 3
    if len(planes) != expected:
        raise ValueError(f"{chroma} needs {expected} planes, got {len(planes)}")
    height, width = planes[0].shape
    dtype = np.uint8 if depth == 8 else np.uint16
    for index, plane in enumerate(planes):
        shape = (height, width) if index == 0 else chroma_shape(chroma, width, height)
        if plane.shape != shape or plane.dtype != dtype:
            raise ValueError(
                f"plane {index} is {plane.dtype} {plane.shape}, expected {np.dtype(dtype)} {shape}"
            )
