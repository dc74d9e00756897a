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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from vqa_harness.files import file_sha256
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.filters import Deinterlace, Deinterlacing
from vqa_harness.media.grain import Grain
from vqa_harness.media.in_step import Decoding, LetGo, frozen, put
from vqa_harness.media.reader import VideoReader

GRACE = 0.5
"""Seconds in which other runs may join a decoding that began later than the first.

Runs that begin the video again, as after a search for its offset, do so at about the same time.
"""


class SharedVideo:
    """A video file that several runs read in step.

    Args:
        path: the file.
        runs: how many runs read it; each takes one of the `views`.
        grain: whether decoders add film grain.
    """

    def __init__(self, path: Path, runs: int, grain: Grain = "on") -> None:
        self._path, self._grain = path, grain
        self._opening = threading.Lock()
        self._decodings: list[Decoding] = []
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
                reader = self.reader(threads, deinterlace)
                grace = GRACE if self._decodings else math.inf
                latest = Decoding(reader, deinterlace, time.monotonic() + grace)
                if shared is None:
                    self._decodings.append(latest)
                shared = latest
            self._look_around()
            return SharedReader(shared, partial(self.reader, threads, deinterlace))

    def reader(self, threads: int, deinterlace: Deinterlace) -> VideoReader:
        """A reader that nobody shares."""
        return VideoReader(self._path, threads=threads, deinterlace=deinterlace, grain=self._grain)

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

    Args:
        decoding: what is read.
        anew: opens the video for this reader alone.

    Attributes:
        info: facts of the stream.
        report: what decoding found up to the last frame given out.
    """

    def __init__(self, decoding: Decoding, anew: Callable[[], VideoReader]) -> None:
        self._decoding, self._anew = decoding, anew
        self._own: VideoReader | None = None
        self.info: StreamInfo = decoding.info
        self.report = frozen(decoding.first_report)
        decoding.join(self)
        self._frames = self._read()

    @property
    def deinterlaced(self) -> Deinterlacing | None:
        """How frames are being deinterlaced; None if they are not."""
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
            except LetGo:
                yield from self._alone(given)
                return
            if found is None:
                put(self._decoding.last_report, self.report)
                return
            frame, report = found
            put(report, self.report)
            given += 1
            yield frame.showing(frame.source)

    def close(self) -> None:
        """Let go of the decoding; frames already given stay valid. May be called twice."""
        self._decoding.leave(self)
        if self._own is not None:
            self._own.close()

    def _alone(self, given: int) -> Iterator[Frame]:
        """Decode for this reader only, from the frame after those ``given``."""
        self._own = self._anew()
        for frame in self._own:
            if frame.index < given:
                frame.release()
                continue
            put(self._own.report, self.report)
            yield frame
        put(self._own.report, self.report)
