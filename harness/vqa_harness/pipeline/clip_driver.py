"""Feeds clip metrics: keeps only planned frames, already reduced, and scores windows in batches."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import takewhile
from typing import Any

from vqa_harness.errors import MetricError
from vqa_harness.frames import Clip, Frame
from vqa_harness.media.selection import PacketTable
from vqa_harness.pipeline.job import Job
from vqa_harness.pipeline.judged import aggregate_of
from vqa_harness.pipeline.windows import (
    Window,
    clipped,
    nearby,
    per_frame,
    plan,
    spread,
    window_length,
)
from vqa_harness.protocols import RunInfo, Sampling
from vqa_harness.result import MetricResult, WindowScore


class ClipDriver:
    """One clip metric: frames are reduced on the pool, windows scored on a thread of its own.

    Only the thread that feeds changes ``_prepared``, ``_ready``, ``_pending`` and ``_scoring``, so
    they need no lock. The scoring thread waits for frames that are still being reduced, and the
    feeding thread for the scoring one; nothing on the pool waits, so that none waits in a circle.
    """

    def __init__(self, job: Job, run: RunInfo, pool: ThreadPoolExecutor) -> None:
        self.job, self._pool = job, pool
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=job.request.label)
        self._prepared: dict[int, Future[Any]] = {}
        """Reduced frames, or frames being reduced, by number."""
        self._blank: set[int] = set()
        """Numbers of reduced frames in which the metric sees nothing."""
        self._ready: list[Window] = []
        """Windows whose frames have all come, until there are enough for a batch."""
        self._scoring: list[Future[None]] = []
        """Batches on their way through the metric, oldest first."""
        self._rate = run.distorted.rate
        job.open(run)
        self._sampling = Sampling(1)
        self._batch = 1
        self._pending: list[Window] = []
        """Windows that still lack frames, by their start."""
        if job.alive:
            with job.guarded():
                self._sampling, self._batch = _wishes(job.metric)
                self._pending = self._first_plan(run.distorted.expected_frames)
        self._planned = (run.distorted.expected_frames or 0) if self._pending else 0
        """One past the last frame that the windows were planned for."""
        self._settled = False
        """Whether the windows are final, so that one is complete with the last frame it samples."""

    @property
    def plans_ahead(self) -> bool:
        """Whether all windows are known before the first frame."""
        return True

    def settle(self, table: PacketTable) -> set[int]:
        """Make the windows final: the video has the frames that its packets tell, no other.

        Returns:
            Numbers of the frames that the windows sample, the only ones to be fed from now on.
        """
        self._settled = True
        if self._sampling.nearby:
            cheap = table.referenced()
            self._pending = [nearby(window, cheap) for window in self._pending]
        return {i for window in self._pending for i in window.indices}

    def _first_plan(self, expected: int | None) -> list[Window]:
        if expected is None and self._sampling.window is None:
            raise MetricError(
                "one window over the whole video needs its number of frames, which this stream"
                " does not tell; set window to a number of seconds"
            )
        return plan(expected or 0, self._sampling, self._rate)

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> list[Future[Any]]:
        """Reduce the frame if a window wants it, and score the windows it completes."""
        if not self.job.alive:
            return []
        if number >= self._planned:
            self._extend(number)
        futures = []
        begun = takewhile(lambda window: window.start <= number, self._pending)
        if any(number in window.indices for window in begun):
            self._prepared[number] = self._pool.submit(self._prepare, number, frame, ref)
            futures.append(self._prepared[number])
        while self._pending and number >= self._last_needed(self._pending[0]):
            self._complete(self._pending.pop(0))
        return futures

    def _last_needed(self, window: Window) -> int:
        return window.indices[-1] if self._settled else window.stop - 1

    def _extend(self, number: int) -> None:
        """More frames came than the stream promised: windows go on behind the last one."""
        if self._sampling.window is None:
            return
        length, hop = window_length(self._sampling, self._rate)
        stop = number + length
        self._planned = number + max(length, hop)
        self._pending.append(Window(number, stop, spread(number, stop, self._sampling.size)))

    def _prepare(self, number: int, frame: Frame, ref: Frame | None) -> Any:
        prepared = None
        if self.job.alive:
            with self.job.guarded():
                if not self.job.sees(frame):
                    self._blank.add(number)
                prepared = self.job.metric.prepare(frame, ref)
        return prepared

    def _complete(self, window: Window) -> None:
        self._ready.append(window)
        if len(self._ready) >= self._batch:
            self._score_ready()

    def _score_ready(self) -> None:
        if not self._ready:
            return
        windows, self._ready = self._ready, []
        prepared = {i: self._prepared[i] for window in windows for i in window.indices}
        self._scoring.append(self._thread.submit(self._measure, windows, prepared))
        self._forget()
        # where scoring is slower than decoding, wait: each batch holds the frames it needs
        while len(self._scoring) > 2:
            self._scoring.pop(0).result()

    def _measure(self, windows: list[Window], prepared: dict[int, Future[Any]]) -> None:
        data = {i: future.result() for i, future in prepared.items()}
        if not self.job.alive:
            return
        with self.job.guarded():
            seen = [w for w in windows if not self._blank.issuperset(w.indices)]
            clips = [
                Clip(w.start, w.stop, w.indices, tuple(data[i] for i in w.indices)) for w in seen
            ]
            answers = self.job.metric.measure(clips) if clips else ()
            scores = dict(zip(seen, map(self.job.read, answers), strict=True))
            for window in windows:
                given = scores.get(window, self.job.nothing())
                self.job.result.windows.append(
                    WindowScore(window.start, window.stop, window.indices, given)
                )

    def _forget(self) -> None:
        """Drop reduced frames before the first window that is not on its way to the metric."""
        first = min((window.start for window in self._pending), default=None)
        for number in [n for n in self._prepared if first is None or n < first]:
            del self._prepared[number]

    def finish(self, frames: int) -> list[MetricResult]:
        """Score what is left, close the metric, spread window scores over frames."""
        for window in self._pending:
            short = clipped(window, frames, set(self._prepared))
            if short is not None:
                self.job.result.warnings.append(
                    f"window {window.start}-{window.stop} ends with the video at frame {frames}"
                )
                self._ready.append(short)
        self._pending = []
        self._score_ready()
        self._thread.shutdown()
        job = self.job
        if job.alive:
            with job.guarded():
                job.result.aggregate = aggregate_of(job.metric.close())
                spread_scores(job, frames)
            job.tell()
        return [job.result]

    def abort(self) -> None:
        """Drop what is queued."""
        self._thread.shutdown(cancel_futures=True)


def spread_scores(job: Job, frames: int) -> None:
    """Make a column of the scores of the windows, for every frame.

    Raises:
        MetricError: there is no score among them.
    """
    windows = job.result.windows
    names = dict.fromkeys(name for window in windows for name in window.scores)
    columns = {
        name: per_frame([(w.start, w.stop, w.scores.get(name)) for w in windows], frames)
        for name in names
    }
    job.store([{n: columns[n][i] for n in columns} for i in range(frames)])


def _wishes(metric: Any) -> tuple[Sampling, int]:
    """Which frames the metric wants, and how many clips at a time.

    Raises:
        MetricError: it does not say, or says what cannot be.
    """
    sampling, batch = getattr(metric, "sampling", None), getattr(metric, "batch_size", None)
    if not isinstance(sampling, Sampling):
        raise MetricError(f"its sampling is {sampling!r}, which is no Sampling")
    if not isinstance(batch, int) or batch < 1:
        raise MetricError(f"its batch_size is {batch!r}, which is no whole number from 1")
    return sampling, batch
