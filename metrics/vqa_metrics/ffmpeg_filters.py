"""Metrics that FFmpeg's filters compute, fed with the harness's own frames.

Each is one row of `vqa_metrics.specs.filters`. Frames are copied into the filter graph with running
timestamps, so two inputs are always paired as the harness paired them, and size, format and range
are compared first: FFmpeg would scale or convert one of the inputs without a word.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from vqa_harness.errors import MetricError
from vqa_harness.frames import Chroma, Frame, Plane
from vqa_harness.media.as_ycbcr import as_ycbcr, matrix_for
from vqa_harness.media.container import VERSIONS
from vqa_harness.media.filters import FilterGraph
from vqa_harness.protocols import RunInfo, StreamScores
from vqa_harness.spec import Scores
from vqa_metrics.neutral import coloured_planes
from vqa_metrics.reference import reference_of
from vqa_metrics.specs.filters import ROWS, FilterRow

_PACKED = 8
"""Samples of 16 bits in the 16 bytes that FFmpeg aligns rows to.

A plane whose width is a multiple of it has no gaps between its rows.
"""


class FilterMetric:
    """Kind ``stream``: one filter graph over all frames in order.

    Args:
        row: Which filter, and what its numbers are called.
    """

    def __init__(self, row: FilterRow) -> None:
        self._row = row
        self._graph: FilterGraph | None = None
        self._kind: tuple[Any, ...] = ()
        self._rate: Fraction | None = None
        self._matrix = ""
        self._fed = 0
        self._rows: list[dict[str, str]] = []
        self._limit = math.inf
        self._at_limit: list[bool] = []

    def open(self, run: RunInfo) -> None:
        """Note the frame rate; the graph is made when the first frame comes."""
        video = run.distorted
        self._rate = video.rate
        if video.chroma == "rgb" and not self._row.spec.reference:
            self._matrix = matrix_for(video.height, still=video.still)

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Feed the frame, and its reference where the filter compares.

        Raises:
            ValueError: The frames cannot be compared, see `reference_of`.
            MetricError: The filter cannot take such frames, or size or format changed.
        """
        name = self._row.spec.name
        if self._row.spec.reference:
            inputs = [frame.planes, reference_of(name, frame, ref).planes]
        else:
            inputs = [self._coloured(frame)]
        kind = (frame.width, frame.height, frame.depth, frame.chroma, frame.colour.full_range)
        if self._graph is None:
            self._graph, self._kind = self._start(frame), kind
        elif kind != self._kind:
            raise MetricError(
                f"{name}: size or format changed at frame {frame.index}; score the parts of the "
                "video one by one"
            )
        self._rows += self._graph.push(*inputs)
        self._fed += 1

    def close(self) -> StreamScores:
        """Return the filter's numbers for every frame; None where it gave none.

        Raises:
            MetricError: There was no frame, or the filter dropped or added some.
        """
        name = self._row.spec.name
        if self._graph is None:
            raise MetricError(f"{name}: no frame to score")
        self._rows += self._graph.drain()
        if len(self._rows) != self._fed:
            raise MetricError(
                f"{name}: FFmpeg's filter gave numbers for {len(self._rows)} of {self._fed} frames"
            )
        return StreamScores([self._scores(metadata) for metadata in self._rows])

    def abort(self) -> None:
        """Let go of the filter graph."""
        self._graph = None

    def gather(self, own: range) -> Any:
        """Return what was counted of a piece of a video."""
        limited = sum(self._at_limit[number] for number in own)
        return self._matrix, self._limit, len(own), limited

    def join(self, gathered: Sequence[Any]) -> None:
        """Add up the counts of all pieces."""
        for matrix, limit, fed, limited in gathered:
            self._matrix, self._limit = matrix, limit
            self._fed += fed
            self._at_limit += [True] * limited

    def info(self) -> Mapping[str, Any]:
        """Return the filter, FFmpeg's version, the limit in dB and how many frames reached it."""
        facts: dict[str, Any] = {"filter": self._row.filter, "libavfilter": VERSIONS["libavfilter"]}
        if self._matrix:
            facts["rgb_converted_to"] = f"full-range YCbCr 4:4:4, {self._matrix}"
        if self._row.limited and self._fed:
            facts |= {"limit_db": self._limit, "frames_at_limit": sum(self._at_limit)}
        return facts

    def _start(self, frame: Frame) -> FilterGraph:
        row = self._row
        name = row.spec.name
        if min(frame.width, frame.height) < row.smallest:
            raise MetricError(
                f"{name} needs frames of at least {row.smallest} rows and columns, not "
                f"{frame.width}x{frame.height}"
            )
        gaps = any(plane.shape[1] % _PACKED for plane in frame.planes)
        if row.packed_above_8 and frame.depth > 8 and gaps:
            raise MetricError(
                f"{name}: above 8 bits FFmpeg's filter is wrong for planes {frame.width} columns "
                "wide; scale both videos to a width divisible by 16"
            )
        self._limit = 6.0 * frame.depth + 12.0 if row.limited else math.inf
        size = (frame.width, frame.height)
        if row.spec.reference:
            return FilterGraph(2, [row.filter], size, frame.chroma, frame.depth, rate=self._rate)
        rgb = frame.chroma == "rgb"
        full_range = f"setparams=range={'pc' if rgb or frame.colour.full_range else 'tv'}"
        replaced: dict[str, Chroma] = {"gray": "420", "rgb": "444"}
        chroma = replaced.get(frame.chroma, frame.chroma)
        chain = [full_range, row.filter]
        return FilterGraph(1, chain, size, chroma, frame.depth, rate=self._rate)

    def _coloured(self, frame: Frame) -> tuple[Plane, ...]:
        """Return the planes, as YCbCr for RGB, and with neutral chroma for gray.

        FFmpeg would take gray for full range.
        """
        if frame.chroma == "rgb":
            return as_ycbcr(frame, self._matrix or matrix_for(frame.height, still=False))
        return coloured_planes(frame)

    def _scores(self, metadata: Mapping[str, str]) -> Scores:
        texts = {name: metadata.get(f"lavfi.{key}") for name, key in self._row.keys.items()}
        values = {name: math.nan if text is None else float(text) for name, text in texts.items()}
        self._at_limit.append(any(value >= self._limit for value in values.values()))
        limited = {name: min(value, self._limit) for name, value in values.items()}
        return {name: value if math.isfinite(value) else None for name, value in limited.items()}


ssim_ffmpeg = partial(FilterMetric, ROWS["ssim_ffmpeg"])
xpsnr = partial(FilterMetric, ROWS["xpsnr"])
blockiness = partial(FilterMetric, ROWS["blockiness"])
blurriness = partial(FilterMetric, ROWS["blurriness"])
