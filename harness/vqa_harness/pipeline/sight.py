"""Whether a metric without a reference has anything to go by: picture, size and kind of light.

A network gives a number for a black frame, for white paper, for noise and for four pixels, and so
do the statistics of natural scenes. What a metric says it needs (`MetricSpec`) is looked at here,
for all metrics alike.
"""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Frame, Plane, StreamInfo
from vqa_harness.spec import MetricSpec

BLANK = 0.99
"""Share of plain blocks from which a frame shows nothing."""
LITTLE = 0.8
"""Share of plain blocks from which a frame shows little."""
ALIKE = 0.05
"""Correlation of neighbouring pixels below which a frame is noise and nothing else.

Noise of independent pixels has 0.00 to 0.03, also after a coder that kept it. Sample clips (bikes,
bigbuckbunny, carphone) have 0.97 or more; with Gaussian noise of a standard deviation of 50 of 255
codes 0.49 or more, of 100 0.18 or more, of 150 0.08 or more.
"""

_BLOCK = 8
_PLACES = 40
_FEWEST, _ROWS = 32, 64
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


def likeness(frame: Frame) -> float:
    """How much pixels have in common with those beside and below them, 0 to 1.

    That is the largest magnitude among the correlations with the next pixel and with the one after
    it, along and across the rows, over up to 64 places down the picture. 1 where the picture has
    fewer than 32 rows or columns, which are too few to tell, and where it has one value.
    """
    return frame.cached("pipeline.likeness", _correlate)


def _correlate(frame: Frame) -> float:
    if min(frame.width, frame.height) < _FEWEST:
        return 1.0
    # of RGB all three, as noise may be in one alone
    planes = frame.planes if frame.chroma == "rgb" else frame.planes[:1]
    return max(_correlation(plane) for plane in planes)


def _correlation(plane: Plane) -> float:
    rows = np.linspace(0, len(plane) - 3, min(_ROWS, len(plane) - 2)).astype(np.int64)
    first, second, third = (plane[rows + i].astype(np.float32) for i in range(3))
    mean = first.mean()
    first, second, third = first - mean, second - mean, third - mean
    power = float(np.vdot(first, first))
    if not power:
        return 1.0
    along = [first[:, lag:].ravel() @ first[:, :-lag].ravel() for lag in (1, 2)]
    across = [np.vdot(first, other) for other in (second, third)]
    return min(1.0, float(np.abs([*along, *across]).max()) / power)


_SAID = {
    "blank": "blank: there is nothing to judge",
    "little": f"plain over {LITTLE:.0%} or more of the picture: there is little to judge",
    "noise": "noise, in which no pixel has anything in common with the next: there is little to"
    " judge",
}


class Sight:
    """What one metric that needs detail was shown so far; several threads may look at once.

    Attributes:
        counts: how many of the frames are ``blank``, have ``little`` to see, are ``noise``, or have
            ``detail``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def look(self, frame: Frame) -> bool:
        """Count a frame, and return whether there is anything to judge in it."""
        share = plain_share(frame)
        kind = "blank" if share >= BLANK else "little" if share >= LITTLE else "detail"
        if kind == "detail" and likeness(frame) < ALIKE:
            kind = "noise"
        with self._lock:
            self.counts[kind] += 1
        return kind != "blank"

    def lines(self) -> list[str]:
        """What is to be said of the frames."""
        total = self.counts.total()
        return [
            f"{self.counts[kind]} of the {total} frames that it looked at are {what}"
            for kind, what in _SAID.items()
            if self.counts[kind]
        ]


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
