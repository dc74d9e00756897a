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
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Protocol

from vqa_harness.frames import Frame
from vqa_harness.pipeline.job import Job
from vqa_harness.pipeline.judged import (
    aggregate_of,
)
from vqa_harness.protocols import RunInfo, ask
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
                    seen = job.sees(frame)
                    rows[number] = (
                        job.read(job.metric.measure(frame, ref)) if seen else job.nothing()
                    )

    def finish(self, frames: int) -> list[MetricResult]:
        """Close the metrics and order the scores by frame."""
        for job, rows in zip(self.jobs, self._rows, strict=True):
            if job.alive:
                with job.guarded():
                    job.result.aggregate = aggregate_of(job.metric.close())
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
                        self.job.sees(frame)  # told at the end; the metric gets every frame
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
                job.take(job.metric.close(), frames)
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
            self.job.take(self.job.metric.measure(*self._paths), frames)
        self.job.tell()
        return [self.job.result]

    def abort(self) -> None:
        """Do nothing, because the metric has not started."""


class FusionDriver:
    """One fusion metric: it makes scores of those of others, when these are done."""

    def __init__(self, job: Job, needed: Sequence[Job]) -> None:
        self.job, self._needed = job, needed

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> list[Future[None]]:
        """Ignore the frame; the metrics that are needed look at it."""
        return []

    def finish(self, frames: int) -> list[MetricResult]:
        """Hand it all scores, and check that it scored every frame."""
        job = self.job
        failed = [other for other in self._needed if not other.alive]
        if failed:
            job.fail(f"needs {failed[0].request.label}, which failed: {failed[0].result.error}")
        if job.alive:
            with job.guarded():
                scores = {
                    name: list(column)
                    for other in self._needed
                    for name, column in other.result.columns.items()
                }
                job.take(job.metric.measure(scores, frames), frames)
            job.tell()
        return [job.result]

    def abort(self) -> None:
        """Do nothing, because the metric has not started."""
