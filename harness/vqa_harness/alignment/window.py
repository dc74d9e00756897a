"""Frames of one stream, decoded ahead in a thread of their own, a bounded number at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue

from vqa_harness import memory
from vqa_harness.alignment.signatures import Region, Signature, signature
from vqa_harness.frames import Frame
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.source import Reader, VideoSource, open_source

AHEAD = 4
"""Frames that are decoded before they are asked for, where memory has room for so many.

Enough that decoding and scoring do not wait for each other at every frame; each costs a picture of
memory, which is 25 MB for 4K at 10 bits. Of the largest pictures none is.
"""

LINGERS = 300
"""Frames over which damage may be handed on: coders seldom put key frames further apart."""


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame with what alignment needs of it.

    Attributes:
        frame: the frame; None where only signatures are wanted.
        signature: its signature; None where only frames are wanted.
        time: presentation time in seconds; None if unknown.
        corrupt: whether the decoder flagged damage.
        marred: whether it did so of this frame or of one shortly before, from which this one may
            be predicted.
    """

    frame: Frame | None
    signature: Signature | None
    time: Fraction | None
    corrupt: bool
    marred: bool = False


class FrameWindow:
    """A stream read once, from which a stretch of frames is held.

    A thread decodes and makes signatures; all public methods belong to the thread that made the
    window. Two queues join them, and there is no lock. ``_room`` holds one permit for each frame
    that may be decoded: the thread takes one before it decodes a frame, which it hands over in
    ``_decoded``, and `_read` puts one back for each frame it asks for. So no more than `AHEAD`
    frames wait there or are in the thread's hand. It does not touch the frames held in ``_held``.

    Args:
        source: the file, or another source.
        region: part of the picture that signatures look at.
        frames: whether frames are kept.
        signatures: whether signatures are made.
        deinterlace: as `VideoReader` takes it.

    Attributes:
        info: facts of the stream.
        report: what decoding found.
        deinterlaced: how frames are being deinterlaced; None if they are not.
        count: frames read.
        ended: whether there are no more.

    Raises:
        InputError: as `VideoReader`; also from any method, where decoding fails later.
    """

    def __init__(
        self,
        source: Path | VideoSource,
        region: Region | None = None,
        *,
        frames: bool = True,
        signatures: bool = True,
        deinterlace: Deinterlace = "off",
    ) -> None:
        reader = open_source(source, threads=1, deinterlace=deinterlace)
        self._reader: Reader | None = reader
        self.info, self.report = reader.info, reader.report
        self.deinterlaced = reader.deinterlaced
        self._region, self._frames, self._signatures = region, frames, signatures
        self._held: deque[DecodedFrame] = deque()
        self._first = 0
        self._times: list[Fraction] = []
        self.count = 0
        self.ended = False
        self._decoded: SimpleQueue[DecodedFrame | BaseException | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        # a quarter of the memory for pictures, for both videos together
        size = 2 * self.info.picture_bytes
        for _ in range(memory.pictures(size, 0.25, AHEAD, least=0) if frames else AHEAD):
            self._room.put(None)
        self._stop = False
        self._marred = 0
        self._thread = threading.Thread(
            target=self._decode, args=(reader,), name="decode", daemon=True
        )
        self._thread.start()

    def ensure(self, index: int, *, forget: bool = False) -> bool:
        """Read as far as frame ``index``, and tell whether there is such a frame.

        With ``forget`` only the last two of the frames read on the way are held.
        """
        while self.count <= index and not self.ended:
            if forget:
                self.drop_before(self.count - 1)
            self._read()
        return 0 <= index < self.count

    def get(self, index: int) -> DecodedFrame:
        """A frame that is held, or comes later and is then read.

        Raises:
            IndexError: it was dropped, or there is none.
        """
        if not self.ensure(index) or index < self._first:
            raise IndexError(f"frame {index} is not held")
        return self._held[index - self._first]

    def drop_before(self, index: int) -> None:
        """Forget frames before ``index``."""
        while self._held and self._first < index:
            self._held.popleft()
            self._first += 1

    def times_until(self, time: Fraction) -> Sequence[Fraction]:
        """Times of all frames from the first to one after ``time``, or to the last."""
        while not self.ended and (not self._times or self._times[-1] <= time):
            self._read()
        return self._times

    @property
    def times(self) -> Sequence[Fraction]:
        """Seconds of the frames read so far; that of the frame before where one is unknown."""
        return self._times

    def first(self, count: int) -> list[DecodedFrame]:
        """Up to ``count`` frames from the first one on, which must still be held."""
        self.ensure(count - 1)
        return [self.get(index) for index in range(min(count, self.count))]

    def passing(self, most: int) -> Iterator[DecodedFrame]:
        """Up to ``most`` frames from the first one on, none of which stays held; then close.

        Raises:
            InputError: decoding fails.
        """
        try:
            for index in range(most):
                if not self.ensure(index):
                    return
                one = self.get(index)
                self.drop_before(index + 1)
                yield one
        finally:
            self.close()

    def drain(self, limit: int) -> None:
        """Read on, without keeping anything, for at most ``limit`` frames."""
        stop = self.count + limit
        while not self.ended and self.count < stop:
            self._read()
            self.drop_before(self.count)

    def close(self) -> None:
        """Stop the thread and close the file; may be called twice."""
        if self._reader is None:
            return
        # the flag first: the permit then wakes a thread that waits for room, and it sees the flag
        self._stop = True
        self._room.put(None)
        self._thread.join()
        self._held.clear()
        self._decoded = SimpleQueue()
        self._reader.close()
        self._reader = None  # the decoder keeps its pictures as long as it is there

    def _read(self) -> None:
        self._room.put(None)
        decoded = self._decoded.get()
        if decoded is None:
            self.ended = True
            return
        if isinstance(decoded, BaseException):
            self.ended = True
            raise decoded
        self._held.append(decoded)
        self.count += 1
        last = self._times[-1] if self._times else Fraction(0)
        self._times.append(last if decoded.time is None else decoded.time)

    def _decode(self, reader: Reader) -> None:
        """The work of the thread: hand over every frame, then None, or the error that ended it."""
        try:
            frames = iter(reader)
            while self._may_go_on():
                decoded = self._next(frames)
                self._decoded.put(decoded)
                if decoded is None:
                    return
                del decoded  # not held while the next one is decoded
        except BaseException as error:  # raised again where frames are asked for
            self._decoded.put(error)

    def _next(self, frames: Iterator[Frame]) -> DecodedFrame | None:
        frame = next(frames, None)
        if frame is None:
            return None
        made = signature(frame, self._region) if self._signatures else None
        self._marred = LINGERS if frame.corrupt else self._marred - 1
        frame.trim()
        shown = frame if self._frames else None
        return DecodedFrame(shown, made, frame.time, frame.corrupt, self._marred > 0)

    def _may_go_on(self) -> bool:
        """Wait for room; False when the window was closed meanwhile."""
        self._room.get()
        return not self._stop
