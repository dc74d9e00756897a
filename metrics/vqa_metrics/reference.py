"""What every metric with a reference checks before it compares two frames."""

from __future__ import annotations

from typing import cast

import numpy as np

from vqa_harness.frames import Frame, Plane


def reference_of(metric: str, frame: Frame, ref: Frame | None) -> Frame:
    """The reference frame, once it is known to be comparable code value by code value.

    Args:
        metric: who asks, for the message.
        frame: the distorted frame.
        ref: the reference frame.

    Raises:
        ValueError: there is no reference, size, depth, subsampling or range differ, or the frames
            are RGB.
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


def packed(plane: Plane) -> Plane:
    """The plane as a read-only array without gaps between rows; a copy only where it has some.

    One memory layout means that each kernel is compiled once per sample type.
    """
    view = np.ascontiguousarray(plane).view()
    view.flags.writeable = False
    return cast(Plane, view)
