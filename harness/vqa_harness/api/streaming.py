"""Scores frames that are made on the fly, pushed in as they come."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import repeat
from types import TracebackType
from typing import Any, Self

from vqa_harness.api.arrays import is_array
from vqa_harness.api.inputs import checked_threads, installed, requests_of
from vqa_harness.api.pushed import Channel, PushedPairs
from vqa_harness.api.result import Result
from vqa_harness.api.scoring import DEFAULT_METRICS, check_reference, finished
from vqa_harness.api.video import Video
from vqa_harness.errors import UsageError
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.pipeline.demands import check_requests, refuse_file_metrics
from vqa_harness.pipeline.runner import Run, RunOptions
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.result import RunResult

Frames = Any
"""A `Video`, or an array of RGB frames [T, H, W, 3] as `Video.from_rgb` takes it."""


class Scorer:
    """Takes frames as they are made, and gives the scores of all of them at the end.

    Metrics work on threads of their own while the next frames are made; `update` waits where they
    fall behind, so memory does not grow with length. Frames are copied: their arrays may be used
    again at once. Reference frames belong to the distorted ones in the order they come.

    Args:
        metrics: the metrics, as `vqa_harness.score` takes them.
        fps: frames per second of arrays of RGB frames; None if unknown.
        matrix: the matrix for arrays of RGB frames, as `Video.from_rgb` takes it; None if every
            frame comes in a `Video`.
        full_range: the range for arrays of RGB frames, as `Video.from_rgb` takes it; None if every
            frame comes in a `Video`.
        frames: how many frames will come; None if unknown. Only a metric with one window over the
            whole video has to know.
        threads: threads for metrics; 0 for one per processor this process may use.
        name: what logs call the video.
        registry: where metrics come from; None for what is installed.

    Raises:
        UsageError: a wrong name, parameter or option, or a metric that reads files.
        MissingBackend: a package that a metric needs is not there.
    """

    def __init__(
        self,
        metrics: str | Iterable[str | Request] = DEFAULT_METRICS,
        *,
        fps: float | Fraction | None = None,
        matrix: str | None = None,
        full_range: bool | None = None,
        frames: int | None = None,
        threads: int = 0,
        name: str = "frames",
        registry: Registry | None = None,
    ) -> None:
        if frames is not None and (not isinstance(frames, int) or frames < 1):
            raise UsageError(f"frames={frames!r}: needs a whole number from 1 on, or None")
        self._registry = registry or installed()
        self._requests = requests_of(metrics, self._registry)
        check_requests(self._requests, with_reference=True)
        refuse_file_metrics(self._requests)
        self._compares = any(request.spec.reference for request in self._requests)
        self._options = RunOptions(checked_threads(threads))
        self._wrap: partial[Video] | None = None
        if matrix is not None and full_range is not None:
            self._wrap = partial(
                Video.from_rgb, fps=fps, matrix=matrix, full_range=full_range, name=name
            )
        self._frames, self._name = frames, name
        self._stream: _Stream | None = None
        self._abandon: weakref.finalize[..., Scorer] | None = None
        self._result: Result | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.reset()

    def update(self, distorted: Frames, reference: Frames | None = None) -> None:
        """Score more frames.

        Args:
            distorted: frames of the video that is scored: a `Video`, or [T, H, W, 3] uint8 RGB.
            reference: as many frames to compare them with; not used if no metric compares.

        Raises:
            UsageError: frames of another size or kind than before, no reference where a metric
                compares, or `compute` was called before.
            AlignError: the first frames cannot be made comparable.
            MissingBackend: a program or a model that a metric needs is not there.
        """
        if self._result is not None:
            raise UsageError("the scores are computed; reset() begins another video")
        shown = self._video(distorted, "distorted")
        original = None
        if self._compares:
            if reference is None:
                check_reference(self._requests)
            original = self._video(reference, "reference")
            if len(original) != len(shown):
                raise UsageError(
                    f"there are {len(shown)} distorted frames and {len(original)} of the "
                    "reference; give as many of each"
                )
        if self._stream is None:
            self._stream = self._start(shown, original)
        self._stream.push(shown, original)

    def compute(self) -> Result:
        """The scores of all frames; there can be no more until `reset`.

        Raises:
            UsageError: no frame came.
            MetricError: every metric failed.
        """
        if self._result is None:
            if self._stream is None:
                raise UsageError("no frame came; call update first")
            outcome = self._stream.finish()
            self._result = finished(outcome, self._registry, "vqa_harness.Scorer")
        return self._result

    def reset(self) -> None:
        """Forget all frames and begin another video."""
        if self._stream is not None:
            self._stream.stop()
        if self._abandon is not None:
            self._abandon.detach()
        self._stream = self._result = None

    def _video(self, frames: Frames, role: str) -> Video:
        if isinstance(frames, Video):
            return frames
        if self._wrap is None and (is_array(frames) or isinstance(frames, list)):
            raise UsageError(
                f"{role}: an array does not say its rate, matrix and range: say them once, "
                "Scorer(metrics, fps=25, matrix='bt709', full_range=False), or give a Video"
            )
        if self._wrap is None:
            raise UsageError(f"{role}: an object of type {type(frames).__name__} is not a Video")
        return self._wrap(frames)

    def _start(self, distorted: Video, reference: Video | None) -> _Stream:
        rate = distorted.info.rate
        seconds = None if self._frames is None or rate is None else self._frames / rate

        def whole(info: StreamInfo) -> StreamInfo:  # the first frames do not say how many come
            return replace(info, expected_frames=self._frames, duration=seconds)

        infos = distorted.info, None if reference is None else reference.info
        channel = Channel()
        pairs = PushedPairs(channel, whole(infos[0]), infos[1] and whole(infos[1]))
        run = Run(lambda: pairs, self._requests, self._registry, self._options, {})
        self._abandon = weakref.finalize(self, channel.abandon)
        return _Stream(run, channel, infos)


class _Stream:
    """One video under way: a run on a thread of its own, and the channel to it."""

    def __init__(
        self, run: Run, channel: Channel, infos: tuple[StreamInfo, StreamInfo | None]
    ) -> None:
        self._channel, self._infos = channel, infos
        self._count = 0
        self._outcome: Future[RunResult] = Future()
        self._thread = threading.Thread(
            target=_work, args=(run, channel, self._outcome), name="score", daemon=True
        )
        self._thread.start()

    def push(self, distorted: Video, reference: Video | None) -> None:
        """Copy frames to the run.

        Raises:
            UsageError: they are not of the size or kind of the first.
        """
        for video, first in zip((distorted, reference), self._infos, strict=True):
            if video is not None and first is not None:
                _check_alike(video.info, first)
        partners: Iterator[Frame | None] = repeat(None)
        if reference is not None:
            partners = reference.frames(self._count, copy=True)
        for frame in distorted.frames(self._count, copy=True):
            if not self._channel.put((frame, next(partners))):
                self._outcome.result()  # raises what ended the run
            self._count += 1

    def finish(self) -> RunResult:
        """Wait for the end of the run, and return what it gave."""
        self._channel.end()
        return self._outcome.result()

    def stop(self) -> None:
        """End the run."""
        self._channel.abandon()
        self._thread.join()


def _work(run: Run, channel: Channel, outcome: Future[RunResult]) -> None:
    try:
        with run:
            result = run.to_end()
        outcome.set_result(result)
    except BaseException as error:  # raised again where the frames are made
        outcome.set_exception(error)
    finally:
        channel.close()


def _check_alike(info: StreamInfo, first: StreamInfo) -> None:
    for what in ("width", "height", "chroma", "depth", "rate", "colour"):
        mine, theirs = getattr(info, what), getattr(first, what)
        if mine != theirs:
            raise UsageError(f"{what} of these frames is {mine}, of the first it was {theirs}")
