"""Videos made from nothing, for tests and benchmarks: texture, edges and motion, seeded."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Chroma, Plane
from vqa_harness.media.encode import Planes, encode_frames
from vqa_harness.media.pixels import chroma_shape


def moving_pattern(
    n: int, width: int, height: int, seed: int = 0, depth: int = 8, chroma: Chroma = "420"
) -> list[tuple[Plane, ...]]:
    """Frames of soft drifting texture, with a bright square crossing it.

    No two frames are alike. Values stay in limited range.

    Args:
        n: how many frames.
        width: in pixels.
        height: in pixels.
        seed: of the texture.
        depth: bits per sample: uint8, or uint16 above 8.
        chroma: subsampling, ``gray`` or ``rgb``.
    """
    rng = np.random.default_rng(seed)
    textures = [_texture(rng, height, width) for _ in range(3)]
    return [_frame(textures, index, depth, chroma) for index in range(n)]


def make_video(
    path: str | os.PathLike[str],
    frames: int | Iterable[Planes | NDArray[np.uint8]] = 25,
    *,
    width: int = 192,
    height: int = 108,
    seed: int = 0,
    depth: int = 8,
    chroma: Chroma = "420",
    **options: Any,
) -> None:
    """Encode frames into a file.

    Args:
        path: file to write; its ending chooses the container.
        frames: how many frames of `moving_pattern`, or the frames themselves.
        width: of the frames that are made, in pixels.
        height: of the frames that are made, in pixels.
        seed: of the pattern.
        depth: bits per sample.
        chroma: subsampling, ``gray`` or ``rgb``.
        **options: further arguments of `encode_frames`.
    """
    if isinstance(frames, int):
        frames = moving_pattern(frames, width, height, seed, depth, chroma)
    encode_frames(path, frames, depth=depth, chroma=chroma, **options)


def _texture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Noise with most of its energy in low frequencies, about -1 to 1, periodic."""
    fy = np.fft.fftfreq(height)[:, None]
    fx = np.fft.rfftfreq(width)[None]
    spectrum = np.fft.rfft2(rng.standard_normal((height, width)))
    noise = np.fft.irfft2(spectrum / (0.02 + np.hypot(fy, fx)), s=(height, width))
    return np.asarray(noise / (3 * noise.std()), np.float32)


def _frame(
    textures: list[NDArray[np.float32]], index: int, depth: int, chroma: Chroma
) -> tuple[Plane, ...]:
    height, width = textures[0].shape
    planes = []
    for number, texture in enumerate(textures[: 1 if chroma == "gray" else 3]):
        plane = 0.5 + 0.22 * np.roll(texture, (index, 2 * index), (0, 1))
        side = max(2, min(height, width) // 6)
        x, y = (3 * index + number) % width, (2 * index) % height
        plane[y : y + side, x : x + side] += 0.2
        if number:
            rows, columns = chroma_shape(chroma, width, height)
            plane = plane[:: -(-height // rows), :: -(-width // columns)]
        scaled = np.clip(16 + 219 * plane, 16, 235) * 2 ** (depth - 8)
        planes.append(np.rint(scaled).astype(np.uint8 if depth == 8 else np.uint16))
    return tuple(planes)
