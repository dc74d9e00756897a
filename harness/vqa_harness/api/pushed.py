"""Hands pairs of frames from the thread that makes them to a run on a thread of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from vqa_harness.alignment.events import find_events
from vqa_harness.alignment.formats import plan_formats
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.report import AlignReport
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.read_report import ReadReport

Pair = tuple[Frame, Frame | None]
"""A distorted frame, and the frame it is compared with or None."""

AHEAD = 4
"""Most pairs that wait for the run."""


class Abandoned(Exception):
    """Ends the run, because its scores are not needed any more."""


class Channel:
    """A bounded queue between the one who makes frames and the run that scores them."""

    def __init__(self) -> None:
        self._pairs: deque[Pair] = deque()
        # Reentrant, because the garbage collector may call `abandon` on a thread that holds it.
        # One condition serves both sides: each waits for a change that the other announces.
        self._changed = threading.Condition(threading.RLock())
        self._ended = self._abandoned = self._deaf = False

    def put(self, pair: Pair) -> bool:
        """Wait for room and queue a pair.

        Returns:
            False if the run has ended, so that the pair was not queued.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._deaf or len(self._pairs) < AHEAD)
            if not self._deaf:
                self._pairs.append(pair)
                self._changed.notify_all()
            return not self._deaf

    def end(self) -> None:
        """Say that no more pairs will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Have the run stop at its next pair."""
        with self._changed:
            self._abandoned = True
            self._pairs.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """Say that the run is over, which ends the wait in `put`."""
        with self._changed:
            self._deaf = True
            self._pairs.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Pair]:
        """Yield the pairs as they come.

        Raises:
            Abandoned: see `abandon`.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pairs or self._ended or self._abandoned)
                if self._abandoned:
                    raise Abandoned
                if not self._pairs:
                    return
                pair = self._pairs.popleft()
                self._changed.notify_all()
            yield pair


class PushedPairs:
    """A `vqa_harness.pipeline.sources.Pairs` over a `Channel`, whose pairs are taken as they come.

    Args:
        channel: where the pairs come from.
        distorted: facts of the frames that are scored.
        reference: facts of the frames they are compared with; None for none.

    Raises:
        AlignError: the two cannot be made comparable.
    """

    def __init__(
        self, channel: Channel, distorted: StreamInfo, reference: StreamInfo | None
    ) -> None:
        self._channel = channel
        self._infos = distorted, reference
        self._options = AlignOptions(mode="index", crop="off")
        self._plan = (
            None if reference is None else plan_formats(distorted, reference, self._options)
        )
        self.distorted, self.reference = distorted, reference
        if self._plan is not None and reference is not None:
            self.distorted = self._plan.stream(distorted)
            self.reference = self._plan.stream(reference)
        self.expected = distorted.expected_frames
        self._reports = [_report(info) for info in self._infos if info is not None]

    def __iter__(self) -> Iterator[Pair]:
        """Yield (distorted, reference) pairs of frames that were made comparable."""
        for frame, partner in self._channel:
            for report in self._reports:
                report.packets += 1
                report.frames += 1
            if self._plan is None or partner is None:
                yield frame, None
            else:
                yield self._plan.apply(frame, "distorted"), self._plan.apply(partner, "reference")
        for report in self._reports:
            report.complete = True
            if self.distorted.rate is not None:
                report.duration = report.frames / self.distorted.rate

    def reading(self) -> dict[str, Any]:
        """What a log records of the frames that came, by role."""
        roles = ("distorted", "reference")
        return {r: report.to_json() for r, report in zip(roles, self._reports, strict=False)}

    def alignment(self) -> dict[str, Any]:
        """What a log records of the pairing: by number, without looking at the pictures."""
        distorted, reference = self._infos
        if self._plan is None or reference is None:
            return {}
        count = self._reports[0].frames
        report = AlignReport(self._options, offset_frames=0, pairs=count)
        report.distorted_frames = report.reference_frames = count
        report.rates = distorted.rate, reference.rate
        report.shares = (1.0, 1.0) if count else (None, None)
        report.events = find_events(range(count), count, 1.0)
        report.passes = ["pairs as given"]
        report.format = self._plan.to_json(distorted, reference)
        report.notes = list(self._plan.notes)
        return report.to_json()

    def warnings(self) -> list[str]:
        """What the frames do not say, and what was done to make them comparable."""
        texts = [text for report in self._reports for text in report.warnings()]
        return texts + [str(note) for note in (self._plan.notes if self._plan else ())]

    def close(self) -> None:
        """Take no more pairs."""
        self._channel.close()


def _report(info: StreamInfo) -> ReadReport:
    report = ReadReport(info.name, expected_frames=info.expected_frames)
    if info.rate is None:
        report.problem("it does not tell its frame rate")
    return report
