"""Reading the display matrix of a frame: how a player is to turn it.

PyAV's ``frame.side_data`` is not touched: it wraps all side data of the frame, and where one has
metadata, as a named ICC profile of a PNG has, it frees what belongs to FFmpeg and the process dies.
FFmpeg's filter ``sidedata`` takes everything else off a copy of the frame first.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import av.filter
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from vqa_harness.media.container import FFmpegError
from vqa_harness.media.orientation import UPRIGHT, Orientation, from_degrees, from_matrix

_MATRIX: int = cast(Any, Type.DISPLAYMATRIX).value
_KINDS = range(64)
"""Numbers of kinds of side data; FFmpeg has about 34 and takes larger ones as kinds never met."""


def orientation_of(frame: VideoFrame) -> Orientation | None:
    """How to turn the frame upright; None if its display matrix is not a multiple of 90 degrees."""
    try:
        bare = _with_matrix_alone(frame)
    except (FFmpegError, ValueError):  # a build without the filter tells the rotation at least
        return from_degrees(frame.rotation)
    if bare is None:
        return UPRIGHT
    return from_matrix(bytes(cast(Any, bare.side_data)["DISPLAYMATRIX"]))


def _with_matrix_alone(frame: VideoFrame) -> VideoFrame | None:
    """The frame with no side data but its display matrix; None where it has none."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base or Fraction(1, 25),
    )
    steps = [f"mode=select:type={_MATRIX}"]
    steps += [f"mode=delete:type={kind}" for kind in _KINDS if kind != _MATRIX]
    chain = [graph.add("sidedata", step) for step in steps]
    sink = graph.add("buffersink")
    graph.link_nodes(source, *chain, sink)
    graph.configure()
    source.push(frame)
    source.push(None)
    try:
        return cast(VideoFrame, sink.pull())
    except (av.error.EOFError, av.error.BlockingIOError):
        return None
