"""How each kind of metric is fed: frames to `FrameDriver`, windows to `ClipDriver`, and so on.

A driver takes every frame (pair) in order, returns the work that still needs it, and gives one
`MetricResult` per metric at the end. A metric that raises is recorded and left alone from then on;
the others go on.

One thread reads frames and feeds the drivers. It waits for work it has handed out, so that only a
bounded number of frames is held. Work on the pool waits for nothing but a frame's own lock, under
which the frame's cache is filled; a thread of a single metric may wait for the pool. Nobody waits
the other way round, and so a run never stands still.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Protocol

from vqa_harness.errors import VqaError, one_line
from vqa_harness.frames import Frame
from vqa_harness.protocols import RunInfo, StreamScores, ask
from vqa_harness.request import Request
from vqa_harness.result import MetricResult
from vqa_harness.spec import Scores


class Driver(Protocol):
    """What the pipeline asks of a driver."""

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> Sequence[Future[None]]:
        """Take pair ``number`` (0, 1, ...); the frame may be released when the work is done."""

    def finish(self, frames: int) -> list[MetricResult]:
        """No more frames: wait for what is under way and close the metrics."""

    def abort(self) -> None:
        """Stop early: end threads and processes without waiting for scores."""


class Job:
    """One metric object in a run, with its result, its clock and its first error."""

    def __init__(self, request: Request, metric: Any, provider: str) -> None:
        self.request = request
        self.metric = metric
        self._declared = request.declared
        self.result = MetricResult(request.spec, request.params, provider=provider)
        self._lock = threading.Lock()
        """For the error and the seconds, which several frames may change at once."""

    @property
    def alive(self) -> bool:
        """Whether the metric has not failed yet."""
        return self.result.error is None

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Count the time spent, and turn an exception into the metric's error.

        The lock is never held while the metric works.
        """
        begin = time.perf_counter()
        try:
            yield
        except Exception as error:
            with self._lock:
                if self.result.error is None:
                    kind = "" if isinstance(error, VqaError) else f"{type(error).__name__}: "
                    self.result.error = kind + one_line(error)
        finally:
            with self._lock:
                self.result.seconds += time.perf_counter() - begin

    def open(self, run: RunInfo) -> None:
        """Tell the metric about the streams."""
        with self.guarded():
            self.metric.open(run)

    def tell(self) -> None:
        """Collect what the metric says of itself; call after ``close``."""
        with self.guarded():
            self.result.info = dict(ask(self.metric, "info"))
            self.result.warnings += list(ask(self.metric, "warnings"))
            self.result.notes += list(ask(self.metric, "notes"))

    def store(self, rows: list[Scores]) -> None:
        """Turn one mapping per frame into columns, with the names the log will have."""
        declared = {f.name: f for f in self._declared}
        names = dict.fromkeys(name for row in rows for name in row)
        for name in names:
            column = [row.get(name) for row in rows]
            feature = declared.get(name)
            logged = name + self.request.suffix if feature else name
            target = self.result.diagnostics if feature and feature.diagnostic else None
            (self.result.columns if target is None else target)[logged] = column


class FrameDriver:
    """All frame metrics of a run: one task per frame, so that they share what they compute."""

    def __init__(self, jobs: list[Job], run: RunInfo, pool: ThreadPoolExecutor) -> None:
        self.jobs, self._pool = jobs, pool
        self._rows: list[dict[int, Scores]] = [{} for _ in jobs]
        for job in jobs:
            job.open(run)

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> list[Future[None]]:
        """Score the frame on the pool."""
        return [self._pool.submit(self._measure, number, frame, ref)]

    def _measure(self, number: int, frame: Frame, ref: Frame | None) -> None:
        # rows are kept by frame number without a lock: no two tasks write the same one
        for job, rows in zip(self.jobs, self._rows, strict=True):
            if job.alive:
                with job.guarded():
                    rows[number] = dict(job.metric.measure(frame, ref))

    def finish(self, frames: int) -> list[MetricResult]:
        """Close the metrics and order the scores by frame."""
        for job, rows in zip(self.jobs, self._rows, strict=True):
            if job.alive:
                with job.guarded():
                    job.result.aggregate = dict(job.metric.close())
                job.store([rows[i] for i in range(frames)])
                job.tell()
        return [job.result for job in self.jobs]

    def abort(self) -> None:
        """Do nothing, because nothing is held outside the pool."""


class StreamDriver:
    """One stream metric: every pair in order, on a thread of its own.

    The queue has no bound of its own. The pipeline waits for the futures that `feed` returns before
    it decodes many more frames, and that bounds all drivers alike.
    """

    def __init__(self, job: Job, run: RunInfo) -> None:
        self.job = job
        self._queue: SimpleQueue[tuple[Frame, Frame | None, Future[None]] | None] = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name=job.request.label, daemon=True)
        job.open(run)
        self._thread.start()

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> list[Future[None]]:
        """Queue the pair behind the earlier ones."""
        if not self.job.alive:
            return []
        measured: Future[None] = Future()
        self._queue.put((frame, ref, measured))
        return [measured]

    def _work(self) -> None:
        while (pair := self._queue.get()) is not None:
            frame, ref, measured = pair
            try:
                if self.job.alive and not self._stopped:
                    with self.job.guarded():
                        self.job.metric.measure(frame, ref)
            finally:  # also for a metric that failed, or the pipeline would wait for ever
                measured.set_result(None)

    def _end(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def finish(self, frames: int) -> list[MetricResult]:
        """Close the metric and check that it scored every frame."""
        self._end()
        job = self.job
        if job.alive:
            with job.guarded():
                _take(job, job.metric.close(), frames)
            job.tell()
        if not job.alive:
            self.abort()
        return [job.result]

    def abort(self) -> None:
        """Let the metric free its processes and files."""
        self._stopped = True
        self._end()
        with self.job.guarded():
            ask(self.job.metric, "abort")


class FileDriver:
    """One file metric: it runs on the paths, when all frames have been read."""

    def __init__(self, job: Job, video: Any, reference: Any) -> None:
        self.job, self._paths = job, (video, reference)

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> list[Future[None]]:
        """Ignore the frame; the metric reads the file."""
        return []

    def finish(self, frames: int) -> list[MetricResult]:
        """Run it, and check that it scored every frame."""
        with self.job.guarded():
            _take(self.job, self.job.metric.measure(*self._paths), frames)
        self.job.tell()
        return [self.job.result]

    def abort(self) -> None:
        """Do nothing, because the metric has not started."""


def _take(job: Job, scores: StreamScores, frames: int) -> None:
    """Put the scores of a stream or file metric into its result.

    Raises:
        ValueError: there are more or fewer scores than frames.
    """
    if len(scores.frames) != frames:
        raise ValueError(f"gave {len(scores.frames)} scores for {frames} frames")
    rows: list[Mapping[str, float | None]] = list(scores.frames)
    job.store(rows)
    job.result.aggregate = dict(scores.aggregate)
