"""Film grain that a decoder adds: pictures with it, or as they were coded.

AV1, H.264, HEVC and VVC can describe grain that was taken out before coding, for the decoder to
make anew. What it makes is not the grain of the source, pixel by pixel, so a metric that compares
pixels counts it as damage. FFmpeg's decoders leave it out where its parameters are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

Grain = Literal["on", "off"]
"""Whether decoders add the grain that a stream describes."""
OPTIONS = {"export_side_data": "film_grain"}
"""Options of a decoder that is to leave it out."""


def with_grain(frames: Iterable[VideoFrame]) -> int:
    """How many of the frames come with parameters of grain, which was then left out."""
    return sum(Type.FILM_GRAIN_PARAMS in frame.side_data for frame in frames)
