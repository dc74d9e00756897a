"""Filters of PyAV's own FFmpeg that compare two videos and tell the result when they are freed."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import av.filter
import av.logging

from vqa_harness.frames import Chroma, Frame
from vqa_harness.media.container import message
from vqa_harness.media.picture import video_frame
from vqa_harness.media.pixels import planar_name

_QUIET = -8
"""FFmpeg's level at which nothing is logged, which PyAV has no name for."""
_levels = threading.Lock()
"""Held while the level is another than FFmpeg's default; it is one for the whole process."""


class FilterFailed(Exception):
    """A filter did not take what it was given; the message is FFmpeg's."""


def filter_is_there(name: str) -> bool:
    """Whether FFmpeg has a filter of this name."""
    return name in av.filter.filters_available


def filter_starts(name: str, options: Mapping[str, str]) -> bool:
    """Whether FFmpeg has a filter of this name that takes these options.

    A filter that loads what its options name, such as a model, is made to do so.
    """
    if not filter_is_there(name):
        return False
    graph = av.filter.Graph()
    try:
        _add(graph, name, options)
    except FilterFailed:
        return False
    finally:
        _free(graph)
    return True


class PairFilter:
    """A filter with two inputs that is fed with pairs of frames.

    Pictures are handed over as the decoder left them, without a copy, wherever `video_frame` can.
    They get running timestamps inside the graph, which leaves their own alone, so that the n-th is
    paired with the n-th. The graph is drained after every pair: what it holds does not grow.

    Args:
        name: FFmpeg's name of the filter.
        options: of the filter, as they are; nothing in them needs FFmpeg's escaping.
        size: (width, height) of every frame.
        chroma: subsampling of every frame.
        depth: bits per sample of every frame.
        full_range: whether every frame uses the whole code range.

    Raises:
        FilterFailed: FFmpeg has no such filter, or it does not take the options.
    """

    def __init__(
        self,
        name: str,
        options: Mapping[str, str],
        *,
        size: tuple[int, int],
        chroma: Chroma,
        depth: int,
        full_range: bool,
    ) -> None:
        self._name = name
        self._format = planar_name(chroma, depth)
        facts = f"video_size={size[0]}x{size[1]}:pix_fmt={self._format}:time_base=1/25"
        facts += f":range={'pc' if full_range else 'tv'}"
        self._graph: Any = av.filter.Graph()
        self._sink: Any = None
        self._graph.threads = 1  # the filter's own are another matter
        try:
            compare = _add(self._graph, name, options)
            self._sources = [self._input(facts, compare, index) for index in range(2)]
            self._sink = self._graph.add("buffersink")
            compare.link_to(self._sink)
            self._graph.configure()
        except BaseException as error:
            self.free()
            if isinstance(error, av.error.FFmpegError):
                raise FilterFailed(f"FFmpeg's filter {name}: {message(error)}") from None
            raise

    def push(self, first: Frame, second: Frame) -> None:
        """Compare one more pair; waits while the filter is busy.

        Args:
            first: of the filter's first input, which is the distorted one in FFmpeg's filters.
            second: of its second input.

        Raises:
            FilterFailed: the filter failed, or FFmpeg would have converted the frames for it.
        """
        for source, frame in zip(self._sources, (first, second), strict=True):
            self._call(source.push, video_frame(frame))
        self._drain()

    def end(self) -> None:
        """Say that no pair comes any more, and free everything; the filter then tells its result.

        Raises:
            FilterFailed: the filter failed.
        """
        try:
            for source in self._sources:
                self._call(source.push, None)
            self._drain()
        finally:
            self.free()

    def free(self) -> None:
        """Free the graph with all it holds; does nothing the second time."""
        graph, self._graph = self._graph, None
        self._sources, self._sink = [], None
        if graph is not None:
            _free(graph)
            alive = weakref.ref(graph)
            del graph
            if alive() is not None:
                gc.collect()

    def _input(self, facts: str, compare: Any, index: int) -> Any:
        source = self._graph.add("buffer", facts)
        number = self._graph.add("setpts", "N")
        source.link_to(number)
        number.link_to(compare, 0, index)
        return source

    def _drain(self) -> None:
        """Take what comes out: unchanged first inputs, by which a conversion would show."""
        while True:
            try:
                out = self._call(self._sink.pull)
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if out.format.name != self._format:
                raise FilterFailed(
                    f"FFmpeg's filter {self._name} takes no {self._format}, only {out.format.name}"
                )

    def _call(self, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (av.error.BlockingIOError, av.error.EOFError):
            raise
        except av.error.FFmpegError as error:
            raise FilterFailed(f"FFmpeg's filter {self._name}: {message(error)}") from None


def _add(graph: Any, name: str, options: Mapping[str, str]) -> Any:
    """Add a filter that says nothing on standard error, where libraries would write by themselves.

    Raises:
        FilterFailed: there is no such filter, or it does not take the options.
    """
    if not filter_is_there(name):
        raise FilterFailed(f"this build of FFmpeg has no filter {name!r}")
    with _silence():
        try:
            return graph.add(name, None, **options)
        except (av.error.FFmpegError, OverflowError, ValueError) as error:
            raise FilterFailed(f"FFmpeg's filter {name}: {message(error)}") from None


@contextmanager
def _silence() -> Iterator[None]:
    with _levels:
        av.logging.set_libav_level(_QUIET)
        try:
            yield
        finally:
            av.logging.set_libav_level(av.logging.INFO)


def _free(graph: Any) -> None:
    """Take apart the circle of a graph and its filters, so that it is freed with its last name.

    PyAV leaves that to the collector of garbage, which comes when it likes; the two tables that
    hold the filters are not in its interface.
    """
    for table in gc.get_referents(graph):
        if isinstance(table, dict):
            table.clear()
