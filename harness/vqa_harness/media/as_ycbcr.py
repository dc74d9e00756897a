"""RGB frames as YCbCr, for metrics that look at luma and chroma and have no reference."""

from __future__ import annotations

from vqa_harness.frames import Frame, Plane
from vqa_harness.media.colour import HD_LINES
from vqa_harness.media.recode import PixelFormat, recode


def matrix_for(lines: int, *, still: bool) -> str:
    """The matrix that RGB is converted with: JPEG's for images, of video what untagged ones have.

    Args:
        lines: rows of a frame.
        still: whether it is an image.
    """
    return "bt709" if lines >= HD_LINES and not still else "bt601"


def as_ycbcr(frame: Frame, matrix: str) -> tuple[Plane, ...]:
    """The planes of an RGB frame as full-range YCbCr 4:4:4 of the same depth.

    Args:
        frame: the frame, whose planes are R, G and B.
        matrix: ``bt601``, ``bt709`` or ``bt2020``.
    """
    depth = frame.depth
    old = PixelFormat("rgb", depth, full_range=True, matrix="rgb")
    new = PixelFormat("444", depth, full_range=True, matrix=matrix)
    return recode(frame.planes, old, new)
