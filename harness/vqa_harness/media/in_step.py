"""One pass over a video for several readers, and the frames that not all of them have taken yet."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Hashable
from copy import copy
from dataclasses import fields

from vqa_harness import memory
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.reader import VideoReader

ROOM = 256 << 20
"""Bytes of decoded pictures that are held between the first reader and the last."""
FEWEST, MOST = 8, 48
"""Frames that are held, at least and at most; fewer where memory has no room for them."""
PATIENCE = 10.0
"""Seconds after which a reader that holds up the others is let go."""


class LetGo(Exception):
    """The reader held up the others and is no longer served."""


class Decoding:
    """One pass over the file, and the frames that not every reader has taken yet.

    Whichever reader is first decodes the next frame, on its own thread; ``_busy`` says that one
    does. All else is done under ``_changed``, which is never held while a frame is decoded.
    """

    def __init__(self, reader: VideoReader, deinterlace: Deinterlace, kept_until: float) -> None:
        self._reader, self._deinterlace = reader, deinterlace
        self._iterator = iter(reader)
        self.info, self.deinterlaced = reader.info, reader.deinterlaced
        self.first_report = self.last_report = frozen(reader.report)
        self._bound = _frames_held(reader.info)
        self._frames: deque[tuple[Frame, ReadReport]] = deque()
        self._first = 0
        """Number of the first frame that is held."""
        self._next: dict[Hashable, int] = {}
        """Number of the frame that each reader takes next."""
        self._kept_until = kept_until
        """Until when the first frame is kept, for runs that have not opened the video yet."""
        self._changed = threading.Condition()
        self._busy = self._ended = False
        self._error: BaseException | None = None

    def joinable(self, deinterlace: Deinterlace) -> bool:
        """Whether a new reader can begin here."""
        with self._changed:
            return self._first == 0 and bool(self._next) and deinterlace == self._deinterlace

    def join(self, reader: Hashable) -> None:
        """Serve this reader from the first frame on."""
        with self._changed:
            self._next[reader] = 0

    def leave(self, reader: Hashable) -> None:
        """Serve this reader no longer; the file is closed after the last one."""
        with self._changed:
            self._next.pop(reader, None)
            self._changed.notify_all()
            if not self._next and not self._busy:
                self._reader.close()
                self._frames.clear()

    def keep_first_until(self, moment: float) -> None:
        """Keep the first frame until then for runs that may still join, and no longer."""
        with self._changed:
            self._kept_until = moment
            self._changed.notify_all()

    def take(self, reader: Hashable) -> tuple[Frame, ReadReport] | None:
        """The next frame of a reader, with the report as it was then; None at the end.

        Raises:
            LetGo: the reader is not served any more.
            InputError: decoding failed.
        """
        while True:
            with self._changed:
                if reader not in self._next:
                    raise LetGo
                number = self._next[reader]
                if number < self._first + len(self._frames):
                    self._next[reader] = number + 1
                    self._changed.notify_all()
                    return self._frames[number - self._first]
                if self._error is not None:
                    raise self._error
                if self._ended:
                    return None
                if self._busy:
                    self._changed.wait()
                    continue
                if not self._make_room():
                    self._wait_for_room()
                    continue
                self._busy = True
            self._decode()

    def _decode(self) -> None:
        frame, error = None, None
        try:
            frame = next(self._iterator, None)
        except BaseException as raised:
            error = raised
        report = frozen(self._reader.report)
        with self._changed:
            self._busy = False
            self._error = error
            if frame is None:
                self._ended, self.last_report = True, report
            else:
                self._frames.append((frame, report))
            self._changed.notify_all()

    def _slowest(self) -> int:
        """The number of the first frame that somebody may still want."""
        if self._first == 0 and time.monotonic() < self._kept_until:
            return 0
        return min(self._next.values(), default=self._first)

    def _make_room(self) -> bool:
        slowest = self._slowest()
        while len(self._frames) >= self._bound and self._first < slowest:
            self._frames.popleft()
            self._first += 1
        return len(self._frames) < self._bound

    def _wait_for_room(self) -> None:
        """Wait until the slowest reader goes on; let it go where it does not."""
        slowest, now = self._slowest(), time.monotonic()
        for_runs = self._first == 0 and now < self._kept_until
        until = min(now + PATIENCE, self._kept_until if for_runs else math.inf)
        while self._slowest() == slowest and not self._make_room():
            left = until - time.monotonic()
            if left > 0:
                self._changed.wait(left)
                continue
            if for_runs:  # nobody comes any more
                self._kept_until = 0.0
            else:
                self._let_go(slowest)
            return

    def _let_go(self, number: int) -> None:
        """Serve the readers no longer that still want this frame."""
        for reader in [one for one, wanted in self._next.items() if wanted == number]:
            del self._next[reader]
        self._changed.notify_all()


def _frames_held(info: StreamInfo) -> int:
    most = max(FEWEST, min(MOST, ROOM // info.picture_bytes))
    return memory.pictures(info.picture_bytes, 0.25, most, least=2)


def frozen(report: ReadReport) -> ReadReport:
    """A report that does not change any more."""
    fresh = ReadReport(report.name)
    put(report, fresh)
    return fresh


def put(report: ReadReport, target: ReadReport) -> None:
    """Let a report say what another one does now."""
    for field in fields(ReadReport):
        setattr(target, field.name, copy(getattr(report, field.name)))
