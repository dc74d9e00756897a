"""Encoding frames to a file or in memory, and the round trip through a codec."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Chroma, ColourInfo, Plane
from vqa_harness.media.colour import UNSPECIFIED, describe
from vqa_harness.media.pixels import planar_name
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.writer import VideoWriter

Planes = Sequence[NDArray[Any]]
QUIET = {"libx265": {"x265-params": "log-level=none"}}
"""Options by encoder that keep it from writing to standard error."""
CONTAINERS = {"libvpx": "webm", "libvpx-vp9": "webm", "ffv1": "matroska", "rawvideo": "matroska"}
"""Container by codec where mp4 does not take it."""


def encode_frames(
    target: str | os.PathLike[str] | BinaryIO,
    frames: Iterable[Planes | NDArray[np.uint8]],
    *,
    codec: str = "libx264",
    rate: Fraction | int = 25,
    options: Mapping[str, str] | None = None,
    chroma: Chroma = "420",
    depth: int = 8,
    pix_fmt: str | None = None,
    pts: Iterable[int] | None = None,
    time_base: Fraction | None = None,
    colour: ColourInfo | None = None,
    rotation: int = 0,
    sar: Fraction | None = None,
    container: str | None = None,
    container_options: Mapping[str, str] | None = None,
) -> None:
    """Encode frames.

    Args:
        target: path, or a writable and seekable file object.
        frames: tuples of planes of this ``chroma`` and ``depth``, or (H, W, 3) uint8 RGB arrays.
        codec: FFmpeg's name of the encoder.
        rate: frames per second.
        options: the encoder's own options, such as ``{"crf": "30"}``.
        chroma: subsampling of the planes, ``gray`` or ``rgb``.
        depth: bits per sample of the planes.
        pix_fmt: pixel format to encode; None for planes as they are, and yuv420p for RGB.
        pts: timestamps in units of ``time_base``, for a varying rate or dropped frames.
        time_base: seconds of one unit; None for 1/rate.
        colour: tags of the stream, and the matrix and range RGB is converted with; None for no
            tags, and the matrix that a reader guesses.
        rotation: counter-clockwise degrees by which a player must turn the picture (mp4, mov).
        sar: sample aspect ratio.
        container: FFmpeg's name of the container; None to go by the path's ending.
        container_options: the container's options, such as ``{"movflags": "faststart"}``.

    Raises:
        ValueError: no frames, or planes that do not fit ``chroma`` and ``depth``.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("no frames to encode")
    height, width = (first if isinstance(first, np.ndarray) else first[0]).shape[:2]
    native = "yuv420p" if isinstance(first, np.ndarray) else planar_name(chroma, depth)
    if codec == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # else it writes its settings to standard error
    writer = VideoWriter(
        target if isinstance(target, io.IOBase) else os.fspath(target),  # type: ignore[arg-type]
        container=container,
        container_options=container_options,
        codec=codec,
        size=(width, height),
        pix_fmt=pix_fmt or native,
        rate=Fraction(rate),
        time_base=time_base,
        options={**QUIET.get(codec, {}), **(options or {})},
        colour=colour or _untagged(height, pix_fmt or native),
        rotation=rotation,
        sar=sar,
    )
    try:
        stamps = iter(pts) if pts is not None else iter(range(1 << 62))
        for frame in _chain(first, frames):
            if isinstance(frame, np.ndarray):
                writer.write_rgb(frame, next(stamps))
            else:
                writer.write(frame, chroma, depth, next(stamps))
    except BaseException:
        writer.abort()
        raise
    writer.close()


def encode_bytes(
    frames: Iterable[Planes | NDArray[np.uint8]],
    *,
    codec: str = "libx264",
    container: str | None = None,
    **options: Any,
) -> bytes:
    """Encode frames in memory, as `encode_frames` does to a file.

    The container is by default one that takes the codec.
    """
    buffer = io.BytesIO()
    container = container or CONTAINERS.get(codec, "mp4")
    encode_frames(buffer, frames, codec=codec, container=container, **options)
    return buffer.getvalue()


def decode_bytes(data: bytes, *, threads: int = 1) -> list[tuple[Plane, ...]]:
    """The planes of every frame of a file in memory.

    Raises:
        InputError: the file cannot be decoded.
    """
    with VideoReader(io.BytesIO(data), threads=threads) as reader:
        return [frame.planes for frame in reader]


def roundtrip(
    frames: Iterable[Planes | NDArray[np.uint8]],
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    rate: Fraction | int = 25,
    **kwargs: Any,
) -> list[tuple[Plane, ...]]:
    """Encode frames in memory and decode them again: as many frames, with the codec's damage.

    Args:
        frames: as for `encode_frames`.
        codec: such as ``libx264``, ``libx265``, ``libsvtav1`` or ``libvpx-vp9``.
        options: the encoder's own options.
        rate: frames per second.
        **kwargs: further arguments of `encode_frames`.

    Returns:
        Read-only planes of each frame, in order.
    """
    return decode_bytes(encode_bytes(frames, codec=codec, options=options, rate=rate, **kwargs))


def _untagged(lines: int, pix_fmt: str) -> ColourInfo:
    full = pix_fmt.startswith("yuvj")
    return describe(
        UNSPECIFIED, 0, UNSPECIFIED, UNSPECIFIED, lines=lines, rgb=False, full_format=full
    )


def _chain(first: Any, rest: Iterable[Any]) -> Iterable[Any]:
    yield first
    yield from rest
