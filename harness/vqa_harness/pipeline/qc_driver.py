"""Looks for events that need no reference while metrics score the same frames."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.source import VideoSource
from vqa_harness.qc.check import add_sound_of
from vqa_harness.qc.events import QcReport
from vqa_harness.qc.watch import VideoWatch
from vqa_harness.result import MetricResult


class QcDriver:
    """Shows every frame, in order and on a thread of its own, to what finds events.

    Args:
        info: facts of the stream.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._watch = VideoWatch(info)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="qc")

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> Sequence[Future[None]]:
        """Queue the frame behind the earlier ones."""
        return [self._thread.submit(partial(self._watch.see, frame))]

    def finish(self, frames: int) -> list[MetricResult]:
        """End the thread; what was found is asked for with `report`."""
        self._thread.shutdown()
        return []

    def abort(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    def report(self, source: Path | VideoSource) -> QcReport:
        """The events of all frames, and of the sound of the file they came from."""
        found = self._watch.report(self._info.name)
        add_sound_of(found, source, still=self._info.still)
        return found
