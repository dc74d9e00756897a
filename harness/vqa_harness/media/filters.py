"""FFmpeg's filter graphs over decoded frames, deinterlacing included."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import av.filter
from av.video.frame import VideoFrame

from vqa_harness.frames import Chroma, Plane
from vqa_harness.media.picture import frame_of
from vqa_harness.media.pixels import planar_name

Deinterlace = Literal["off", "auto", "always"]
"""Whether progressive frames are made: never, where the stream is interlaced, or always."""


class Deinterlacer:
    """Deinterlaces with FFmpeg's bwdif: a progressive frame for each frame, at its first field.

    The graph gets running numbers for timestamps, because those of the stream may be missing or
    wrong; the true ones wait in a queue and are given back in order.

    Args:
        field_order: field order of the stream, as FFmpeg numbers it. Where it is known, the frames'
            own flags do not count.
    """

    def __init__(self, field_order: int) -> None:
        parity = {2: "tff", 3: "bff"}.get(field_order, "auto")
        self._arguments = f"mode=send_frame:parity={parity}:deint=all"
        self._graph: av.filter.Graph | None = None
        self._shape: tuple[int, int, str] | None = None
        self._pts: deque[int | None] = deque()

    def push(self, frame: VideoFrame) -> list[VideoFrame]:
        """Take a frame, and return the frames that are ready, usually the one before.

        Raises:
            ValueError: bwdif does not take frames of this pixel format.
        """
        shape = (frame.width, frame.height, frame.format.name)
        ready = [] if shape == self._shape else self.drain()
        if self._graph is None:
            self._graph, self._shape = self._configured(frame), shape
        self._pts.append(frame.pts)
        frame.pts, frame.time_base = len(self._pts), Fraction(1, 1000)
        self._graph.vpush(frame)
        return ready + self._pull()

    def drain(self) -> list[VideoFrame]:
        """The frame still inside, at the end or before another size."""
        if self._graph is None:
            return []
        self._graph.vpush(None)
        ready = self._pull()
        self._graph = self._shape = None
        return ready

    def _configured(self, frame: VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        facts = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}"
        source = graph.add("buffer", f"{facts}:time_base=1/1000")
        graph.link_nodes(source, graph.add("bwdif", self._arguments), graph.add("buffersink"))
        graph.configure()
        return graph

    def _pull(self) -> list[VideoFrame]:
        assert self._graph is not None
        assert self._shape is not None
        ready: list[VideoFrame] = []
        while True:
            try:
                frame = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):  # nothing more for now
                return ready
            if frame.format.name != self._shape[2]:
                raise ValueError(f"{self._shape[2]} pictures cannot be deinterlaced")
            frame.pts = self._pts.popleft()
            ready.append(frame)


class FilterGraph:
    """A chain of FFmpeg's filters fed with planes, giving the metadata of each frame.

    All inputs are given the same running timestamps, so filters with two inputs pair them in order.
    Stateful filters (siti, xpsnr) want one graph per clip and every frame in order.

    Args:
        inputs: how many streams the first filter takes.
        filters: ``name`` or ``name=arguments`` of each filter of the chain.
        size: (width, height) of every frame.
        chroma: subsampling of every frame.
        depth: bits per sample of every frame.
        rate: frames per second, for filters such as xpsnr that go by it; None if unknown.

    Raises:
        ValueError: this build of FFmpeg has no such filter.
    """

    def __init__(
        self,
        inputs: int,
        filters: Sequence[str],
        size: tuple[int, int],
        chroma: Chroma,
        depth: int,
        *,
        rate: Fraction | None = None,
    ) -> None:
        self._graph = av.filter.Graph()
        self._shape = (size[1], size[0])
        self._chroma, self._depth = chroma, depth
        self._pushed = 0
        facts = f"video_size={size[0]}x{size[1]}:pix_fmt={planar_name(chroma, depth)}"
        facts += f":time_base=1/1000:frame_rate={rate or 0}"
        self._sources = [self._graph.add("buffer", facts) for _ in range(inputs)]
        chain = [self._add(text) for text in filters]
        self._sink = self._graph.add("buffersink")
        for index, source in enumerate(self._sources):
            source.link_to(chain[0], 0, index)
        self._graph.link_nodes(*chain, self._sink)
        self._graph.configure()

    def push(self, *frames: Sequence[Plane]) -> list[dict[str, str]]:
        """Feed one frame (its planes) to each input.

        Returns:
            Metadata of each frame that is ready; a filter may hold some back.

        Raises:
            ValueError: number, size or kind of the frames is not what the graph was made for.
        """
        if len(frames) != len(self._sources):
            raise ValueError(f"the graph takes {len(self._sources)} frames, got {len(frames)}")
        for source, planes in zip(self._sources, frames, strict=True):
            if planes[0].shape != self._shape:
                raise ValueError(f"the graph is for {self._shape}, got {planes[0].shape}")
            frame = frame_of(planes, self._chroma, self._depth)
            frame.pts, frame.time_base = self._pushed, Fraction(1, 1000)
            source.push(frame)
        self._pushed += 1
        return self._pull()

    def drain(self) -> list[dict[str, str]]:
        """End every input, and return the metadata of the frames still inside."""
        for source in self._sources:
            source.push(None)
        return self._pull()

    def _add(self, text: str) -> av.filter.context.FilterContext:
        name, _, arguments = text.partition("=")
        if name not in av.filter.filters_available:
            raise ValueError(f"this build of FFmpeg has no filter {name!r}")
        return self._graph.add(name, arguments or None)

    def _pull(self) -> list[dict[str, str]]:
        out = []
        while True:
            try:
                out.append(dict(self._sink.pull().metadata))
            except (av.error.BlockingIOError, av.error.EOFError):
                return out
