"""Checks the facts that frames in memory must be declared with, since no file states them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, get_args

import numpy as np

from vqa_harness.api.arrays import Stack
from vqa_harness.errors import UsageError
from vqa_harness.frames import Chroma, ColourInfo, StreamInfo
from vqa_harness.media.pixels import DEPTHS, planar_name

MATRICES = ("bt601", "bt709", "bt2020")
"""Matrices that Y'CbCr frames may be declared with."""

FASTEST = 1000
"""Frames per second from which on a number is taken for a mistake."""


def frame_rate(fps: Any) -> Fraction | None:
    """Frames per second as a fraction: 29.97002997 is 30000/1001.

    Raises:
        UsageError: it is not a number above 0 and below 1000.
    """
    if fps is None:
        return None
    try:
        known = math.isfinite(fps) and 0 < fps < FASTEST
    except TypeError:
        known = False
    if not known:
        raise UsageError(f"fps={fps!r}: needs a number above 0 and below {FASTEST}, or None")
    return fps if isinstance(fps, Fraction) else Fraction(fps).limit_denominator(1001)


def stream_facts(
    name: str,
    count: int,
    size: tuple[int, int],
    chroma: Chroma,
    depth: int,
    fps: Any,
    colour: ColourInfo,
) -> StreamInfo:
    """The facts of a stream of raw frames.

    Args:
        name: the name of the video; what cannot be printed is replaced.
        count: how many frames there are.
        size: (width, height) in pixels.
        chroma: subsampling.
        depth: bits per sample.
        fps: as `frame_rate` takes it.
        colour: how the frames code colour.

    Raises:
        UsageError: ``fps`` is not a frame rate.
    """
    rate = frame_rate(fps)
    return StreamInfo(
        name="".join(c if c.isprintable() else "\ufffd" for c in name),
        codec="rawvideo",
        width=size[0],
        height=size[1],
        pix_fmt=planar_name(chroma, depth),
        depth=depth,
        chroma=chroma,
        rate=rate,
        colour=colour,
        expected_frames=count,
        duration=None if rate is None else count / rate,
    )


def check_pixel_format(matrix: str, chroma: str, depth: int, *, full_range: bool) -> None:
    """Refuse planes whose pixel format is unknown or contradicts itself.

    Raises:
        UsageError: an unknown matrix, chroma or depth, or RGB that is not declared as such.
    """
    if chroma not in get_args(Chroma):
        raise UsageError(f"chroma={chroma!r}: choose one of {', '.join(get_args(Chroma))}")
    if depth not in DEPTHS:
        raise UsageError(f"depth={depth!r}: choose one of {', '.join(map(str, DEPTHS))}")
    if chroma == "rgb" and (matrix != "rgb" or not full_range):
        raise UsageError("chroma='rgb': say matrix='rgb' and full_range=True")
    if chroma != "rgb" and matrix not in MATRICES:
        raise UsageError(f"matrix={matrix!r}: choose one of {', '.join(MATRICES)}")


def not_rgb(stack: Stack) -> str:
    """The message for arrays that are not RGB frames, with what to do."""
    shape, dtype = (len(stack), *stack[0].shape), stack[0].dtype
    if shape[1] == 3 and shape[3] != 3:
        return f"frames: they are {shape}; colours come last: .permute(0, 2, 3, 1) or np.moveaxis"
    if dtype != np.uint8:
        return f"frames: they are {dtype}; RGB frames are uint8, 0 to 255: scale, round and convert"
    return f"frames: they are {shape}; RGB frames are [T, H, W, 3]"
