"""Real motion: a few frames of a clean video, shrunk and cut, as pristine content."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vqa_harness.errors import InputError
from vqa_harness.media.reader import VideoReader
from vqa_plugin_clip.distill.motion import SIZE
from vqa_plugin_clip.distill.planes import Planes, from_rgb

FOOTAGE_SUFFIXES = frozenset({".avi", ".mkv", ".mov", ".mp4", ".mxf", ".ts", ".webm", ".y4m"})
_FIRST_FRAMES = 240
"""Frames from which a clip is taken; all before it have to be decoded."""
_SHORT_SIDE_MAX = 1600
"""Shorter side, in pixels, from which on a video is always shrunk."""


def is_footage(content: Path) -> bool:
    """Whether a content is a video, by its name."""
    return content.suffix.lower() in FOOTAGE_SUFFIXES


def footage_clip(
    path: Path, rng: np.random.Generator, frames: int, short_side_min: int
) -> list[Planes]:
    """Read consecutive frames of a video, all shrunk alike and cut to the same 384x384 pixels.

    Args:
        path: The video; frames among its first 240 are taken.
        rng: Draws which frames, the scale and the place.
        frames: How many frames.
        short_side_min: The shorter side is at least this after shrinking, in pixels.

    Raises:
        InputError: The video cannot be read, is too small, or has too few frames.
    """
    pictures = _pictures(path, rng, frames)
    if len(pictures) < frames:
        raise InputError(f"{path.name}: {len(pictures)} frames, needs at least {frames}")
    rows, columns = pictures[0].shape[:2]
    _check_size(path, rows, columns, short_side_min)
    short = min(rows, columns)
    largest = min(short, _SHORT_SIDE_MAX)
    factor = short_side_min * (largest / short_side_min) ** rng.uniform() / short
    width, height = round(columns * factor), round(rows * factor)
    left, top = int(rng.integers(width - SIZE + 1)), int(rng.integers(height - SIZE + 1))
    corner = (left, top, left + SIZE, top + SIZE)
    return [_cut(picture, (width, height), corner) for picture in pictures]


def check_footage(path: Path, frames: int, short_side_min: int) -> None:
    """Decode as much of a video as `footage_clip` may, and see that a clip can be made of it.

    Args:
        path: The video.
        frames: How many frames a clip has.
        short_side_min: The shorter side, in pixels, that is needed.

    Raises:
        InputError: The video cannot be read, is too small or has too few frames.
    """
    found = rows = columns = 0
    with VideoReader(path) as reader:
        for frame in islice(reader, _promised(reader)):
            if found == 0:
                rows, columns = frame.rgb.shape[:2]
            frame.release()
            found += 1
    if found < frames:
        raise InputError(f"{path.name}: {found} frames, needs at least {frames}")
    _check_size(path, rows, columns, short_side_min)


def _check_size(path: Path, rows: int, columns: int, short_side_min: int) -> None:
    if min(rows, columns) < short_side_min:
        raise InputError(f"{path.name}: {columns}x{rows} is too small a picture")


def _promised(reader: VideoReader) -> int:
    """Return how many of the first frames clips are taken from, going by the header."""
    return min(reader.info.expected_frames or _FIRST_FRAMES, _FIRST_FRAMES)


def _pictures(path: Path, rng: np.random.Generator, frames: int) -> list[NDArray[np.uint8]]:
    """Read the RGB of consecutive frames; fewer only where the video is shorter."""
    with VideoReader(path) as reader:
        start = int(rng.integers(max(0, _promised(reader) - frames) + 1))
    taken, found = _from(path, start, frames)
    # A header may promise more than there is: then the last frames are taken.
    return (
        taken if len(taken) == frames or found < frames else _from(path, found - frames, frames)[0]
    )


def _from(path: Path, start: int, frames: int) -> tuple[list[NDArray[np.uint8]], int]:
    """Read the RGB of consecutive frames; and count those up to the last."""
    taken, found = [], 0
    with VideoReader(path) as reader:
        for number, frame in enumerate(islice(reader, start + frames)):
            if number >= start:
                taken.append(frame.rgb.copy())
            frame.release()
            found = number + 1
    return taken, found


def _cut(
    picture: NDArray[np.uint8], size: tuple[int, int], corner: tuple[int, int, int, int]
) -> Planes:
    scaled = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)
    return from_rgb(np.asarray(scaled.crop(corner)))
