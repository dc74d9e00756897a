"""Feeds clip metrics from a stream whose length nobody knows, such as frames made on the fly."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from vqa_harness.frames import Frame
from vqa_harness.pipeline.clip_driver import ClipDriver
from vqa_harness.pipeline.windows import Window, plan, spread, window_length
from vqa_harness.result import MetricResult


class OpenEndedDriver(ClipDriver):
    """One clip metric: the windows are those that `plan` would give if it knew the length.

    The last window of a plan ends with the video, so any of the last frames may be needed once the
    end is known. Therefore every frame is reduced, and a window's length of them is kept.
    """

    def _first_plan(self, expected: int | None) -> list[Window]:
        if self._sampling.window is None:
            return super()._first_plan(None)  # raises the error that names the remedy
        self._length, self._hop = window_length(self._sampling, self._rate)
        self._seen, self._completed = 0, 0
        return []

    @property
    def plans_ahead(self) -> bool:
        """The last window depends on where the stream ends."""
        return False

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> list[Future[Any]]:
        """Reduce the frame, and score the windows it completes."""
        if not self.job.alive:
            return []
        self._seen = number + 1
        future = self._prepared[number] = self._pool.submit(self._prepare, number, frame, ref)
        while self._seen >= self._completed * self._hop + self._length:
            start = self._completed * self._hop
            stop = start + self._length
            self._completed += 1
            self._complete(Window(start, stop, spread(start, stop, self._sampling.size)))
        self._forget()
        return [future]

    def _forget(self) -> None:
        """Keep frames of windows that wait for others, and those the last window could need."""
        needed = {i for window in self._ready for i in window.indices}
        last = self._seen - self._length
        for number in [n for n in self._prepared if n < last and n not in needed]:
            del self._prepared[number]

    def finish(self, frames: int) -> list[MetricResult]:
        """Score the window that ends with the video, and close the metric."""
        if self.job.alive:
            self._ready += plan(frames, self._sampling, self._rate)[self._completed :]
        return super().finish(frames)
