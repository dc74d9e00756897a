"""Whether a metric without a reference has anything to go by: picture, size and kind of light.

A network gives a number for a black frame, for white paper and for four pixels, and so do the
statistics of natural scenes. What a metric says it needs (`MetricSpec`) is looked at here, for
all metrics alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Frame, Plane, StreamInfo
from vqa_harness.spec import MetricSpec

BLANK = 0.99
"""Share of plain blocks from which a frame shows nothing."""
LITTLE = 0.8
"""Share of plain blocks from which a frame shows little."""

_BLOCK = 8
_PLACES = 40
_SPAN = 2
"""Codes of 8 bits that a plain block spans at most; coding a plain area leaves about so many."""


def plain_share(frame: Frame) -> float:
    """The share of a frame, 0 to 1, that is plain: bars, paper, black, without any detail.

    Blocks of 8 by 8 pixels are looked at, of a large frame 40 by 40 of them, evenly spread.
    """
    return frame.cached("pipeline.plain", _measure)


def _measure(frame: Frame) -> float:
    if min(frame.width, frame.height) < _BLOCK:
        return 0.0
    limit = _SPAN << (frame.depth - 8)
    # of RGB all three, as detail may be in one alone; chroma tells nothing that luma does not
    planes = frame.planes if frame.chroma == "rgb" else frame.planes[:1]
    plain = np.logical_and.reduce([_spans(plane) <= limit for plane in planes])
    return float(plain.mean())


def _spans(plane: Plane) -> NDArray[np.int64]:
    """Largest less smallest code of blocks, at most 40 by 40 of them."""
    rows, columns = (_starts(length) for length in plane.shape)
    blocks = np.lib.stride_tricks.sliding_window_view(plane, (_BLOCK, _BLOCK))[
        np.ix_(rows, columns)
    ]
    spans: NDArray[np.int64] = blocks.max((2, 3)).astype(np.int64) - blocks.min((2, 3))
    return spans


def _starts(length: int) -> NDArray[np.int64]:
    last = length - _BLOCK
    return np.linspace(0, last, min(_PLACES, length // _BLOCK)).astype(np.int64)


def too_small(spec: MetricSpec, stream: StreamInfo) -> str:
    """Why a metric cannot judge pictures of this size; empty if it can."""
    if min(stream.width, stream.height) >= spec.smallest:
        return ""
    return (
        f"the picture is {stream.width}x{stream.height}; it needs {spec.smallest} pixels or more on"
        " both sides"
    )


def beyond_sdr(spec: MetricSpec, stream: StreamInfo) -> str:
    """What to say where a metric made for SDR is given HDR; empty where that is not so."""
    if not (spec.sdr_only and stream.colour.hdr):
        return ""
    return (
        f"the video is HDR ({stream.colour.transfer}) and {spec.name} was made for SDR: its score"
        " of these code values says little"
    )
