"""Any frame of a video, in any order, without decoding it from its beginning each time.

Frames are known by their timestamps (see `vqa_harness.media.selection`), and decoding begins at the
picture before from which it can. What the container finds when it is sought in is not believed but
looked up in the table of packets. Where packets do not tell the frames, the video is read from its
beginning up to the frame that is wanted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from vqa_harness.errors import InputError
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.container import FFmpegError
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.opening import checked_source
from vqa_harness.media.picture import Picture
from vqa_harness.media.reader import VideoReader, as_frame
from vqa_harness.media.recoloured import Recoloured, RecolouredReader
from vqa_harness.media.selection import DECODE, SKIP, PacketTable
from vqa_harness.media.skipping import NotAsPromised
from vqa_harness.media.source import Reader, VideoSource, open_source
from vqa_harness.media.video_file import VideoFile

KEPT_BYTES = 192 << 20
"""About how many bytes of decoded pictures of one video are kept."""
NEAR = 12
"""Frames ahead that are read on to, even if decoding could begin nearer to the wanted one."""


class FrameFinder:
    """Gives the frames of a video by their numbers, pixel for pixel as a reader of all gives them.

    May be used by several threads; one at a time decodes. What is given stays valid.

    Args:
        source: the video.
        deinterlace: as `VideoReader` takes it; a video that is deinterlaced is read from its
            beginning.
        threads: decoder threads; 0 lets FFmpeg choose.

    Attributes:
        info: facts of the stream.

    Raises:
        InputError: as `VideoReader`.
    """

    def __init__(
        self, source: Path | VideoSource, *, deinterlace: Deinterlace = "off", threads: int = 0
    ) -> None:
        self._source, self._deinterlace, self._threads = source, deinterlace, threads
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Frame] = OrderedDict()
        self._jumping: _Jumping | None = None
        self._reader: Reader | None = open_source(source, threads=threads, deinterlace=deinterlace)
        self._frames: Iterator[Frame] = iter(self._reader)
        self._next = 0
        self.info: StreamInfo = self._reader.info
        self._room = max(4, KEPT_BYTES // max(1, self.info.picture_bytes))
        try:
            self._jumping = self._find_table()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        """How many frames the packets tell of; 0 where they do not."""
        return 0 if self._jumping is None else len(self._jumping.table.pts)

    def get(self, number: int) -> Frame:
        """The frame of a number.

        Raises:
            InputError: there is none.
        """
        with self._lock:
            frame = self._kept.get(number)
            if frame is None:
                frame = self._decoded(number)
            self._kept.move_to_end(number)
            return frame

    def close(self) -> None:
        """Close the video; may be called twice."""
        with self._lock:
            self._kept.clear()
            if self._jumping is not None:
                self._jumping.close()
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def _find_table(self) -> _Jumping | None:
        reader, path = self._reader, self._source
        restated: RecolouredReader | None = None
        if isinstance(path, Recoloured) and isinstance(reader, RecolouredReader):
            restated = reader
            path, reader = path.source, reader.reader
        if not isinstance(path, Path) or not isinstance(reader, VideoReader):
            return None
        table = reader.packets()
        return None if table is None else _Jumping(path, reader, table, self._threads, restated)

    def _decoded(self, number: int) -> Frame:
        if self._jumping is not None and 0 <= number < len(self._jumping.table.pts):
            try:
                for frame in self._jumping.frames(number):
                    self._keep(frame)
                    if frame.index == number:
                        return frame
            except NotAsPromised:
                pass
            self._jumping.close()
            self._jumping = None  # from here on everything is read
        return self._read_up_to(number)

    def _read_up_to(self, number: int) -> Frame:
        if number < self._next or self._reader is None:
            if self._reader is not None:
                self._reader.close()
            self._reader = open_source(
                self._source, threads=self._threads, deinterlace=self._deinterlace
            )
            self._frames, self._next = iter(self._reader), 0
        for frame in self._frames:
            self._next = frame.index + 1
            self._keep(frame)
            if frame.index == number:
                return frame
        raise InputError(f"{self.info.name}: has no frame {number}; it ends at {self._next - 1}")

    def _keep(self, frame: Frame) -> None:
        self._kept[frame.index] = frame
        self._kept.move_to_end(frame.index)
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)


class _Jumping:
    """A second reading of a file that begins wherever decoding can.

    Args:
        path: the file.
        reader: what reads it from its beginning, of which times are taken.
        table: its packets.
        threads: decoder threads.
        restated: what reads its colour otherwise; None where nothing does.
    """

    def __init__(
        self,
        path: Path,
        reader: VideoReader,
        table: PacketTable,
        threads: int,
        restated: RecolouredReader | None,
    ) -> None:
        self._path, self._threads, self._restated = path, threads, restated
        self.table = table
        self._times = reader.times_of(table)
        self._numbers = {pts: number for number, pts in enumerate(table.pts)}
        self._file: VideoFile | None = None
        self._pictures: Iterator[Picture] = iter(())
        self._at = -1
        """The last frame that came out; -1 where the next can be any."""

    def frames(self, number: int) -> Iterator[Frame]:
        """The frames that come out on the way to the wanted one, which is the last of them.

        Raises:
            NotAsPromised: what comes out is not what the packets told.
        """
        start, _ = self.table.beginning(number)
        begins = self._numbers.get(self.table.stamp(start), number)
        ahead = 0 <= self._at < number
        if not (ahead and (begins <= self._at or number - self._at <= NEAR)):
            self._jump(number)
        for picture in self._pictures:
            found = None if picture.pts is None else self._numbers.get(picture.pts)
            if found is None or found <= self._at or picture.corrupt:
                break
            self._at = found
            yield self._frame(picture, found)
            if found >= number:
                break
        if self._at != number:
            raise NotAsPromised

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._pictures, self._at = iter(()), -1

    def _jump(self, number: int) -> None:
        """Go on where decoding can begin for a frame.

        Containers find a place before or behind the one they are asked for, so that the timestamp
        of the packet found is looked up, and an earlier one asked for until it lies before.
        """
        start, stop = self.table.beginning(number)
        self._at = -1
        if self._file is None:
            self._file = VideoFile(checked_source(self._path), self._threads)
        asked, place = start, self._seek(self._file, start)
        while (place is None or place > start) and asked > 0:
            asked = max(0, asked - 2 * (start - asked) - 1)
            place = self._seek(self._file, asked)
        if place is None or place > start:  # some containers never find the first packet again
            self._file.close()
            self._file, place = VideoFile(checked_source(self._path), self._threads), 0
        shown = self.table.stamp(start)
        early = [self.table.stamp(i) < shown for i in range(start, stop)]
        plan = bytes([SKIP] * (start - place) + [SKIP if one else DECODE for one in early])
        self._file.skip(plan)
        self._pictures = self._decode(self._file)

    def _seek(self, file: VideoFile, place: int) -> int | None:
        """Seek the packet of a place, and tell that of the packet found; None where unknown."""
        try:
            stamp = file.seek(self.table.stamp(place))
        except FFmpegError:
            return None
        return None if stamp is None else self.table.place(stamp)

    def _decode(self, file: VideoFile) -> Iterator[Picture]:
        for step in file.steps():
            if step.error is not None:
                raise NotAsPromised
            yield from step.pictures

    def _frame(self, picture: Picture, number: int) -> Frame:
        frame = as_frame(picture, number, self._times[number])
        return frame if self._restated is None else self._restated.restate(frame)
