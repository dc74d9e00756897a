"""FFmpeg's filter graphs over decoded frames, deinterlacing included."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av.filter
from av.video.frame import VideoFrame

from vqa_harness.frames import Chroma, Plane
from vqa_harness.media.picture import frame_of
from vqa_harness.media.pixels import planar_name


@dataclass(frozen=True, slots=True)
class Deinterlacing:
    """Progressive frames made of every frame, whatever the stream says.

    Attributes:
        order: which field of a frame is shown first; ``auto`` where the stream tells.
        fields: whether a frame is made of each field, at its own time, rather than of each frame.
    """

    order: Literal["auto", "tff", "bff"] = "auto"
    fields: bool = False

    @property
    def text(self) -> str:
        """What is made of what, for a report."""
        return f"bwdif, a frame for each {'field' if self.fields else 'frame'}"


Deinterlace = Literal["off", "auto", "always"] | Deinterlacing
"""Whether progressive frames are made: never, where the stream is interlaced, or always."""


class Deinterlacer:
    """Deinterlaces with FFmpeg's bwdif: a progressive frame at the first field of each frame.

    The graph gets running numbers for timestamps, because those of the stream may be missing or
    wrong; the true ones wait in a queue and are given back in order. With ``how.fields`` a frame is
    made of each second field too, half-way to the next frame; timestamps are then doubled, so that
    there is a number half-way.

    Args:
        field_order: field order of the stream, as FFmpeg numbers it. Where it is known, the frames'
            own flags do not count.
        how: what is made; its order goes before that of the stream.
    """

    def __init__(self, field_order: int, how: Deinterlacing) -> None:
        parity = {2: "tff", 3: "bff"}.get(field_order, "auto")
        parity = parity if how.order == "auto" else how.order
        mode = "send_field" if how.fields else "send_frame"
        self._arguments = f"mode={mode}:parity={parity}:deint=all"
        self._fields = how.fields
        self._graph: av.filter.Graph | None = None
        self._shape: tuple[int, int, str] | None = None
        self._pts: deque[int | None] = deque()
        self._second = False
        """Whether the next frame that comes out is made of a second field."""
        self._shown: int | None = None
        """Doubled timestamp of the frame whose second field is next."""
        self._step: int | None = None
        """The last distance of two frames, in timestamps, for the second field of the last."""

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
        self._second = False
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
            frame.pts = self._next_field() if self._fields else self._pts.popleft()
            ready.append(frame)

    def _next_field(self) -> int | None:
        """The doubled timestamp of the next field."""
        if not self._second:
            pts = self._pts.popleft()
            self._shown = None if pts is None else 2 * pts
        elif self._shown is not None:
            following = self._pts[0] if self._pts else None
            if following is not None:
                self._step = following - self._shown // 2
            self._shown = None if self._step is None else self._shown + self._step
        self._second = not self._second
        return self._shown


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
