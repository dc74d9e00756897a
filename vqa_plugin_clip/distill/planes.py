"""8-bit 4:2:0 pictures as NumPy planes (BT.709, limited range): conversion, scaling, packing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vqa_harness.media.encode import roundtrip

Bytes = NDArray[np.uint8]

_KR, _KB = 0.2126, 0.0722
"""Weights of red and blue in luma: ITU-R BT.709-6, table 3."""


class Planes(NamedTuple):
    """A picture as 4:2:0 planes.

    Attributes:
        y: [rows, columns] uint8; both are even.
        u: [rows / 2, columns / 2] uint8.
        v: [rows / 2, columns / 2] uint8.
    """

    y: Bytes
    u: Bytes
    v: Bytes


def from_rgb(rgb: NDArray[np.floating] | Bytes) -> Planes:
    """Convert an RGB picture [rows, columns, 3] on 0-255; chroma is the mean of four pixels."""
    scaled: NDArray[np.float32] = rgb.astype(np.float32) / np.float32(255)
    red, green, blue = (scaled[..., i] for i in range(3))
    luma = _KR * red + (1 - _KR - _KB) * green + _KB * blue
    chroma = (blue - luma) / (2 - 2 * _KB), (red - luma) / (2 - 2 * _KR)
    u, v = (_to_byte(128 + 224 * _halve(part)) for part in chroma)
    return Planes(_to_byte(16 + 219 * luma), u, v)


def resize(planes: Planes, rows: int, columns: int) -> Planes:
    """Scale every plane, bicubic; ``rows`` and ``columns`` are those of luma, and even."""
    sizes = (columns, rows), (columns // 2, rows // 2), (columns // 2, rows // 2)
    return Planes(
        *(
            np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC))
            for plane, size in zip(planes, sizes, strict=True)
        )
    )


def pack(planes: Planes) -> Bytes:
    """Put all samples into one array: Y, then U, then V."""
    return np.concatenate([plane.ravel() for plane in planes])


def _halve(part: NDArray[np.floating]) -> NDArray[np.floating]:
    rows, columns = part.shape
    small: NDArray[np.floating] = part.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return small


def _to_byte(values: NDArray[np.floating]) -> Bytes:
    rounded: Bytes = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded


def recode(frames: Sequence[Planes], encoder: str, options: Mapping[str, str]) -> list[Planes]:
    """Encode a clip and decode it again.

    Args:
        frames: Pictures of one size, at 25 frames per second.
        encoder: FFmpeg's name of the encoder.
        options: Options of the encoder; it works on one thread, so the result is the same on every
            machine.

    Returns:
        The decoded frames; as many as the decoder gave.
    """
    fixed = {"threads": "1", "b": "0"}
    coded = roundtrip(frames, encoder, {**fixed, **options}, container="matroska")
    return [Planes(*(np.array(plane, np.uint8) for plane in planes)) for planes in coded]
