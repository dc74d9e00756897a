"""Which frames and which pixels CLIPVQA sees (arXiv 2407.04928), as numbers; no image is touched.

Frame indices count from 0. Sizes and corners are (width, height) and (left, top) in pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import UsageError

MEAN = (123.675, 116.28, 103.53)
"""Mean of R, G and B on 0-255, which is subtracted (ImageNet's, as published)."""

STD = (58.395, 57.12, 57.375)
"""Standard deviation of R, G and B on 0-255, which is divided by."""

TRAIN_SPAN = 2
"""Frames that the published code lets one sample span, in training and in testing with one view."""

MULTI_VIEW_SPAN = 1
"""Frames that one sample spans in the published multi-view mode."""

CROP_SCALES = (1.0, 0.875, 0.75, 0.66)
"""Sides of the training crop as parts of the frame's short side."""

_SNAP = 2
"""Pixels by which a crop's side may miss the network's and is set to it."""


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class Corner(NamedTuple):
    """Left and top of a crop in pixels."""

    left: int
    top: int


class CropCandidate(NamedTuple):
    """One size of the training crop and the five places that it may take."""

    size: Size
    corners: tuple[Corner, ...]


def frame_indices(num_frames: int, clip_frames: int) -> NDArray[np.int64]:
    """Choose the frames of a test clip: the middles of ``clip_frames`` equal parts of the video.

    The last frame is never taken; a video shorter than the clip repeats frames.

    Args:
        num_frames: frames in the video, at least 1.
        clip_frames: frames in a clip (T), at least 1.

    Returns:
        [T] int64, ascending.

    Raises:
        UsageError: One of the two is below 1.
    """
    _check(num_frames, clip_frames)
    if num_frames < TRAIN_SPAN:
        return np.zeros(clip_frames, dtype=np.int64)
    step = (num_frames - 1) / clip_frames
    indices = (np.arange(clip_frames) * step + step / 2.0).astype(np.int64)
    return indices % num_frames


def random_indices(
    num_frames: int, clip_frames: int, rng: np.random.RandomState, span: int = TRAIN_SPAN
) -> NDArray[np.int64]:
    """Draw the frames of a training clip, one from each of ``clip_frames`` equal parts.

    Args:
        num_frames: frames in the video, at least 1.
        clip_frames: frames in a clip (T), at least 1.
        rng: numpy's legacy generator, whose draws the published numbers depend on.
        span: One more than the frames at the end of the video that no part reaches.

    Returns:
        [T] int64, ascending.

    Raises:
        UsageError: One of the numbers is below 1.
    """
    _check(num_frames, clip_frames)
    starts = num_frames - span + 1
    part = starts // clip_frames
    steps = np.arange(clip_frames)
    if part > 0:
        indices = steps * part + rng.randint(part, size=clip_frames)
    elif num_frames > max(clip_frames, span):
        indices = np.sort(rng.randint(starts, size=clip_frames))
    elif part == 0:
        indices = np.around(steps * (starts / clip_frames)).astype(np.int64)
    else:
        indices = np.zeros(clip_frames, dtype=np.int64)
    return (indices % num_frames).astype(np.int64)


def multi_view_indices(
    num_frames: int, clip_frames: int, views: int, rng: np.random.RandomState
) -> NDArray[np.int64]:
    """Draw the frames of the published multi-view test.

    Returns:
        [views * T] int64: ``views`` random clips, one after another.

    Raises:
        UsageError: One of the numbers is below 1.
    """
    if views < 1:
        raise UsageError(f"views={views}: needs at least 1")
    clips = [random_indices(num_frames, clip_frames, rng, MULTI_VIEW_SPAN) for _ in range(views)]
    return np.concatenate(clips)


def short_side(side: int) -> int:
    """Return the short side of the frame that a crop is cut from: 256 for a side of 224."""
    return int(256 / 224 * side)


def resized(frame: Size, short: int) -> Size:
    """Return a frame's size when its short side becomes ``short``; halves are rounded up."""
    scale = short / min(frame)
    return Size(int(frame.width * scale + 0.5), int(frame.height * scale + 0.5))


def center_crop(frame: Size, side: int) -> Corner:
    """Return where the central square of ``side`` pixels is cut from a frame."""
    return Corner((frame.width - side) // 2, (frame.height - side) // 2)


def three_crops(frame: Size, side: int) -> tuple[Corner, Corner, Corner]:
    """Place three squares along the long side of a frame of short side ``side``.

    Returns:
        The corners of the squares at its start, its end and in its middle.
    """
    left, top = (frame.width - side) // 2, (frame.height - side) // 2
    if frame.width >= frame.height:
        return Corner(0, top), Corner(2 * left, top), Corner(left, top)
    return Corner(left, 0), Corner(left, 2 * top), Corner(left, top)


def crop_candidates(frame: Size, side: int) -> tuple[CropCandidate, ...]:
    """List all crops that training may cut from a frame, before they are resized to ``side``.

    Width and height are one of `CROP_SCALES` each, at most one step apart; a side within two pixels
    of ``side`` becomes ``side``.
    """
    sides = [int(min(frame) * scale) for scale in CROP_SCALES]
    sides = [side if abs(value - side) <= _SNAP else value for value in sides]
    sizes = [
        Size(width, height)
        for row, height in enumerate(sides)
        for column, width in enumerate(sides)
        if abs(row - column) <= 1
    ]
    return tuple(CropCandidate(size, _five_corners(frame, size)) for size in sizes)


def _five_corners(frame: Size, crop: Size) -> tuple[Corner, ...]:
    right, down = (frame.width - crop.width) // 4, (frame.height - crop.height) // 4
    steps = ((0, 0), (4, 0), (0, 4), (4, 4), (2, 2))
    return tuple(Corner(x * right, y * down) for x, y in steps)


def _check(num_frames: int, clip_frames: int) -> None:
    if num_frames < 1 or clip_frames < 1:
        raise UsageError(f"{clip_frames} of {num_frames} frames: both need to be at least 1")
