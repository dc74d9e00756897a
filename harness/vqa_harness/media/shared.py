"""One video that several runs read at the same time, decoded once while they stay in step.

Frames are handed to every run as the decoder gave them, each run with a `Frame` of its own, so that
what one run keeps or releases is no matter of the others. Between the first run and the last only
a bounded number of frames is held: the first waits. A run that does not go on for long is let go,
and decodes for itself from where it stands, so that nobody waits for ever. What a run sees does not
depend on any of this; only what it costs does.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from copy import copy
from dataclasses import fields, replace
from pathlib import Path

from vqa_harness.files import file_sha256
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.reader import VideoReader

ROOM = 256 << 20
"""Bytes of decoded pictures that are held between the first reader and the last."""
FEWEST, MOST = 8, 48
"""Frames that are held, at least and at most."""
PATIENCE = 10.0
"""Seconds after which a reader that holds up the others is let go."""
GRACE = 0.5
"""Seconds in which other runs may join a decoding that began later than the first.

Runs that begin the video again, as after a search for its offset, do so at about the same time.
"""


class SharedVideo:
    """A video file that several runs read in step.

    Args:
        path: the file.
        runs: how many runs read it; each asks for its own `view`.
    """

    def __init__(self, path: Path, runs: int) -> None:
        self._path = path
        self._opening = threading.Lock()
        self._decodings: list[_Decoding] = []
        """That which a run reads first, second and so on.

        A run keeps its first reader open while it looks for the offset with a second one. If both
        read one decoding, the first would hold up the second.
        """
        self._views = [SharedView(self) for _ in range(runs)]
        self._sha256: str | None = None

    def views(self) -> list[SharedView]:
        """What each run takes as its source; a run that ends calls `SharedView.leave`."""
        return list(self._views)

    def open(self, view: SharedView, threads: int, deinterlace: Deinterlace) -> SharedReader:
        """A reader that joins what the others read at this point, if the first frame is there yet.

        Raises:
            InputError: as `VideoReader`.
        """
        with self._opening:
            turn, view.opened = view.opened, view.opened + 1
            shared = self._decodings[turn] if turn < len(self._decodings) else None
            if shared is None or not shared.joinable(deinterlace):
                reader = VideoReader(self._path, threads=threads, deinterlace=deinterlace)
                grace = GRACE if self._decodings else math.inf
                latest = _Decoding(reader, deinterlace, time.monotonic() + grace)
                if shared is None:
                    self._decodings.append(latest)
                shared = latest
            self._look_around()
            return SharedReader(shared, self._path, threads, deinterlace)

    def leave(self, view: SharedView) -> None:
        """No run waits for this view any more."""
        with self._opening:
            self._views = [one for one in self._views if one is not view]
            self._look_around()

    def _look_around(self) -> None:
        """Tell each decoding that every run has opened it, where that is so."""
        for turn, decoding in enumerate(self._decodings):
            if all(view.opened > turn for view in self._views):
                decoding.keep_first_until(0.0)

    def sha256(self) -> str:
        """The SHA-256 of the file's bytes, in hexadecimal, computed once for all.

        Raises:
            InputError: the file cannot be read.
        """
        with self._opening:
            if self._sha256 is None:
                self._sha256 = file_sha256(self._path)
            return self._sha256


class SharedView:
    """A `vqa_harness.media.source.VideoSource`: the shared video as one run has it.

    Attributes:
        opened: how often the run has opened it.
    """

    def __init__(self, video: SharedVideo) -> None:
        self._video = video
        self.opened = 0

    def open(self, *, threads: int = 0, deinterlace: Deinterlace = "off") -> SharedReader:
        """See `vqa_harness.media.source.VideoSource.open`."""
        return self._video.open(self, threads, deinterlace)

    def sha256(self) -> str:
        """See `vqa_harness.media.source.VideoSource.sha256`."""
        return self._video.sha256()

    def leave(self) -> None:
        """Say that the run has ended; may be called twice."""
        self._video.leave(self)


class SharedReader:
    """A `vqa_harness.media.source.Reader` of a decoding that others read too.

    Attributes:
        info: facts of the stream.
        report: what decoding found up to the last frame given out.
    """

    def __init__(
        self, decoding: _Decoding, path: Path, threads: int, deinterlace: Deinterlace
    ) -> None:
        self._decoding, self._path = decoding, path
        self._threads, self._deinterlace = threads, deinterlace
        self._own: VideoReader | None = None
        self.info: StreamInfo = decoding.info
        self.report = _copied(decoding.first_report)
        decoding.join(self)
        self._frames = self._read()

    @property
    def deinterlaced(self) -> bool:
        """Whether frames are being deinterlaced."""
        return self._decoding.deinterlaced

    def __iter__(self) -> Iterator[Frame]:
        """The frames not yet read; a second iteration goes on where the first stopped.

        Raises:
            InputError: decoding fails.
        """
        return self._frames

    def _read(self) -> Iterator[Frame]:
        given = 0
        while True:
            try:
                found = self._decoding.take(self)
            except _LetGo:
                yield from self._alone(given)
                return
            if found is None:
                _put(self._decoding.last_report, self.report)
                return
            frame, report = found
            _put(report, self.report)
            given += 1
            yield replace(frame, _cache={}, _lock=threading.RLock())

    def close(self) -> None:
        """Let go of the decoding; frames already given stay valid. May be called twice."""
        self._decoding.leave(self)
        if self._own is not None:
            self._own.close()

    def _alone(self, given: int) -> Iterator[Frame]:
        """Decode for this reader only, from the frame after those ``given``."""
        self._own = VideoReader(self._path, threads=self._threads, deinterlace=self._deinterlace)
        for frame in self._own:
            if frame.index < given:
                frame.release()
                continue
            _put(self._own.report, self.report)
            yield frame
        _put(self._own.report, self.report)


class _LetGo(Exception):
    """The reader held up the others and is no longer served."""


class _Decoding:
    """One pass over the file, and the frames that not every reader has taken yet.

    Whichever reader is first decodes the next frame, on its own thread; ``_busy`` says that one
    does. All else is done under ``_changed``, which is never held while a frame is decoded.
    """

    def __init__(self, reader: VideoReader, deinterlace: Deinterlace, kept_until: float) -> None:
        self._reader, self._deinterlace = reader, deinterlace
        self._iterator = iter(reader)
        self.info, self.deinterlaced = reader.info, reader.deinterlaced
        self.first_report = self.last_report = _copied(reader.report)
        self._bound = _frames_held(reader.info)
        self._frames: deque[tuple[Frame, ReadReport]] = deque()
        self._first = 0
        """Number of the first frame that is held."""
        self._next: dict[SharedReader, int] = {}
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

    def join(self, reader: SharedReader) -> None:
        """Serve this reader from the first frame on."""
        with self._changed:
            self._next[reader] = 0

    def leave(self, reader: SharedReader) -> None:
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

    def take(self, reader: SharedReader) -> tuple[Frame, ReadReport] | None:
        """The next frame of a reader, with the report as it was then; None at the end.

        Raises:
            _LetGo: the reader is not served any more.
            InputError: decoding failed.
        """
        while True:
            with self._changed:
                if reader not in self._next:
                    raise _LetGo
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
        report = _copied(self._reader.report)
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
    return max(FEWEST, min(MOST, ROOM // info.picture_bytes))


def _copied(report: ReadReport) -> ReadReport:
    """A report that does not change any more."""
    fresh = ReadReport(report.name)
    _put(report, fresh)
    return fresh


def _put(report: ReadReport, target: ReadReport) -> None:
    for field in fields(ReadReport):
        setattr(target, field.name, copy(getattr(report, field.name)))
