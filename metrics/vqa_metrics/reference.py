"""What every metric with a reference checks before it compares two frames."""

from __future__ import annotations

from typing import cast

import numpy as np

from vqa_harness.frames import Frame, Plane


def reference_of(metric: str, frame: Frame, ref: Frame | None) -> Frame:
    """Check that two frames can be compared code value by code value.

    Args:
        metric: The metric's name, for the message.
        frame: The distorted frame.
        ref: The reference frame.

    Returns:
        The reference frame.

    Raises:
        ValueError: There is no reference; or size, depth, subsampling or range differ; or the
            frames are RGB.
    """
    if ref is None:
        raise ValueError(f"{metric} compares with a reference; add --reference FILE")
    if frame.chroma == "rgb" or ref.chroma == "rgb":
        raise ValueError(f"{metric} compares Y, Cb and Cr, not RGB; convert both inputs to YUV")
    for what, mine, other in (
        ("size", (frame.width, frame.height), (ref.width, ref.height)),
        ("bit depth", frame.depth, ref.depth),
        ("chroma subsampling", frame.chroma, ref.chroma),
        ("full range", frame.colour.full_range, ref.colour.full_range),
    ):
        if mine != other:
            raise ValueError(
                f"{metric}: {what} of frame {frame.index} is {mine}, of its reference {other}; "
                "convert both inputs to one format"
            )
    return ref


def same_size(metric: str, frame: Frame, ref: Frame | None) -> Frame:
    """Check that there is a reference of the same size; light can be compared in any format.

    Args:
        metric: The metric's name, for the message.
        frame: The distorted frame.
        ref: The reference frame.

    Returns:
        The reference frame.

    Raises:
        ValueError: There is no reference, or its size differs.
    """
    if ref is None:
        raise ValueError(f"{metric} compares with a reference; add --reference FILE")
    mine, other = (frame.width, frame.height), (ref.width, ref.height)
    if mine != other:
        raise ValueError(
            f"{metric}: size of frame {frame.index} is {mine}, of its reference {other}; "
            "scale one to the other"
        )
    return ref


def packed(plane: Plane) -> Plane:
    """Return a plane as a read-only array without gaps between rows, copied only if it has gaps.

    One memory layout means that each kernel is compiled once per sample type.
    """
    view = np.ascontiguousarray(plane).view()
    view.flags.writeable = False
    return cast(Plane, view)
