"""Chroma for gray frames, for libraries that take no gray ones."""

from __future__ import annotations

import numpy as np

from vqa_harness.frames import Frame, Plane
from vqa_harness.media.picture import PlaneSource
from vqa_harness.media.pixels import chroma_shape


def coloured_planes(frame: Frame) -> tuple[Plane, ...]:
    """Return the planes, of a gray frame with neutral chroma in 4:2:0, which says no colour."""
    if frame.chroma != "gray":
        return frame.planes
    shape = chroma_shape("420", frame.width, frame.height)
    neutral = np.full(shape, 2 ** (frame.depth - 1), frame.luma.dtype)
    return frame.luma, neutral, neutral


def coloured(frame: Frame) -> Frame:
    """Return the frame, a gray one with neutral chroma in 4:2:0."""
    if frame.chroma != "gray":
        return frame
    source = PlaneSource(coloured_planes(frame), "420", frame.depth, frame.colour)
    return frame.showing(source, chroma="420")
