"""Reading a video or a still image: frames in display order, and a report of what was wrong."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Set
from fractions import Fraction
from types import TracebackType
from typing import Self

from vqa_harness.errors import InputError
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.container import FFmpegError
from vqa_harness.media.external_media import external_media
from vqa_harness.media.facts import Facts, Scan
from vqa_harness.media.filters import Deinterlace, Deinterlacing
from vqa_harness.media.grain import Grain
from vqa_harness.media.input_format import MAX_SIDE, InputFormat
from vqa_harness.media.opening import Source, checked_source, display_name, open_video, why_not
from vqa_harness.media.picture import Picture
from vqa_harness.media.read_report import LISTED, ReadReport, is_truncated
from vqa_harness.media.remarks import believed_rate, remark
from vqa_harness.media.selection import PacketTable, packet_table
from vqa_harness.media.skipping import FrameSelection, NotAsPromised
from vqa_harness.media.timestamps import Clock
from vqa_harness.media.video_file import DecodeStep

GAP = Fraction(3, 2)
"""Periods between two frames from which there is a gap in time."""


class VideoReader:
    """Opens a video or a still image and yields its frames once, in display order.

    Everything is read in one pass and nothing is kept: memory does not grow with length. An error
    costs only the packet it occurs in, and `report` tells what was lost. Frames are upright (the
    display matrix is applied), have their own size where the size changes, and stay valid after
    `close`.

    Args:
        path: a regular file; URLs and playlists are refused. A binary file object is also taken.
        threads: decoder threads; 0 lets FFmpeg choose.
        deinterlace: ``auto`` makes a progressive frame of each frame of an interlaced stream
            (FFmpeg's bwdif), ``always`` of any stream; a `Deinterlacing` also says how.
        raw: size and format, if the file holds raw frames; see `vqa_harness.RawVideo`.
        grain: ``off`` leaves out the film grain that decoders of AV1, H.264, HEVC and VVC add.

    Attributes:
        info: facts of the stream and of its first frame.
        report: counts and problems; final once every frame was read.

    Raises:
        InputError: there is no such file, it holds no video, or none of it can be decoded.
    """

    def __init__(
        self,
        path: Source,
        *,
        threads: int = 0,
        deinterlace: Deinterlace = "off",
        raw: InputFormat | None = None,
        grain: Grain = "on",
    ) -> None:
        self._name = display_name(path)
        self._path, self._raw = path, raw
        self._chosen: FrameSelection | None = None
        self.report = ReadReport(self._name)
        source = checked_source(path, raw=raw is not None)
        try:
            self._file, scan = open_video(source, threads, deinterlace, raw, grain)
        except LookupError as error:
            raise InputError(f"{self._name}: {error.args[0]}; give a video or an image") from error
        except (FFmpegError, OSError, ValueError, MemoryError) as error:
            raise InputError(f"{self._name}: {why_not(error)}") from error
        try:
            self._start(scan)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        """The frames not yet read; a second iteration goes on where the first stopped."""
        return self._frames

    def packets(self) -> PacketTable | None:
        """The packets of the video, read now; None where they do not tell its frames."""
        still = self.info.still or self._file.interlaced or self.deinterlaced is not None
        if still or self._expected is None or not self._clock.use_pts:
            return None
        source = checked_source(self._path, raw=self._raw is not None)
        table = packet_table(source, self._raw)
        return table if table is not None and len(table.pts) == self._expected else None

    def only(self, table: PacketTable, wanted: Set[int]) -> list[Fraction | None]:
        """Read only some frames, and decode only what it takes; call before iterating.

        Iterating raises `NotAsPromised` where the frames are not those that the packets promised.

        Args:
            table: what `packets` gave.
            wanted: numbers of the frames, in the order of display.

        Returns:
            The time of every frame of the video.
        """
        clock = self._new_clock()
        self._chosen = FrameSelection(table, clock, wanted)
        self._file.skip(self._chosen.plan)
        return self._chosen.times

    def times_of(self, table: PacketTable) -> list[Fraction | None]:
        """The time of every frame in seconds, as iterating gives them; None where unknown."""
        clock = self._new_clock()
        return [clock.next(pts) for pts in table.pts]

    @property
    def deinterlaced(self) -> Deinterlacing | None:
        """How frames are being deinterlaced; None if they are not."""
        return self._file.deinterlaced

    def close(self) -> None:
        """Close the file; frames already yielded stay valid. May be called twice."""
        self._frames.close()
        self._file.close()

    def _new_clock(self) -> Clock:
        return Clock(self._file.facts.time_base, believed_rate(self._file.facts))

    def _start(self, scan: Scan) -> None:
        facts = self._file.facts
        rate = believed_rate(facts)
        self._scan = scan
        self._clock = Clock(
            facts.time_base, rate, use_pts=not (scan.without_pts or facts.decode_order)
        )
        self._period = 1 / rate if rate else None
        self._gap = GAP / rate if rate else None
        self._expected = scan.packets - scan.discarded - scan.hidden or None
        if self._expected is not None and self._file.field_rate:
            self._expected *= 2
        self._size: tuple[int, int] | None = None
        self._last: Fraction | None = None
        pictures = self._pictures()
        first = next(pictures, None)
        if first is None:
            raise InputError(self._nothing_decoded())
        self.info = self._info(facts, rate, first)
        self.report.interlaced = self._file.interlaced
        self.report.expected_frames = self._expected
        remark(self.report, self._file, first.look, self._raw)
        self._frames = self._read(first, pictures)

    def _read(self, first: Picture, rest: Iterator[Picture]) -> Generator[Frame]:
        pictures = _together([first], rest)
        del first
        if self._chosen is None:
            # a generator's variable would hold a picture while the next one is decoded
            yield from map(self._frame, pictures)
            self._finish()
        else:
            yield from self._read_some(pictures, self._chosen)

    def _read_some(self, pictures: Iterator[Picture], chosen: FrameSelection) -> Generator[Frame]:
        """The chosen frames, and then a report as if the others had been decoded as well."""
        for picture in pictures:
            number = chosen.number(picture)
            if number is not None:
                yield self._as_frame(picture, number, chosen.times[number])
        chosen.check_complete()
        for index, time in enumerate(chosen.times):
            self._check_gap(index, time)
        report = self.report
        report.frames = len(chosen.times)
        report.leave_out(chosen.decoded)
        self._finish()

    def _pictures(self) -> Iterator[Picture]:
        for step in self._file.steps():
            self._count(step)
            if self._chosen is not None and step.error is not None:
                raise NotAsPromised
            yield from filter(self._is_of_size, step.pictures)
            del step

    def _is_of_size(self, picture: Picture) -> bool:
        fits = max(picture.look.width, picture.look.height) <= MAX_SIDE
        if not fits:
            self.report.note(f"frames of more than {MAX_SIDE} pixels a side were left out")
        return fits

    def _count(self, step: DecodeStep) -> None:
        report = self.report
        report.packets += step.packet
        report.discarded_packets += step.discard
        report.corrupt_packets += step.corrupt
        report.hidden_packets += step.hidden and not step.discard
        if step.error is not None:
            report.decode_errors += 1
            report.first_error = report.first_error or step.error
        if step.varies:
            report.problem(
                "its damaged packets may decode to other pictures in every reading, and the scores "
                "change with them"
            )
        if step.demux_failed:
            report.note(f"reading stopped at packet {report.packets}: {step.error}")

    def _frame(self, picture: Picture) -> Frame:
        report = self.report
        index = report.frames
        report.frames += 1
        time = self._clock.next(picture.pts)
        report.missing_pts = self._clock.missing
        report.non_monotone_pts = self._clock.backward
        report.restarts = self._clock.restarts
        self._check_gap(index, time)
        return self._as_frame(picture, index, time)

    def _as_frame(self, picture: Picture, index: int, time: Fraction | None) -> Frame:
        look = picture.look
        self._check_size(index, (look.width, look.height))
        if picture.corrupt:
            self.report.count_corrupt(index)
        return as_frame(picture, index, time)

    def _check_gap(self, index: int, time: Fraction | None) -> None:
        last, self._last = self._last, time
        if last is None or time is None or self._gap is None:
            return
        interval = time - last
        if interval > self._gap:
            report = self.report
            report.gaps += 1
            report.longest_gap = max(report.longest_gap or interval, interval)
            if len(report.gap_list) < LISTED:
                report.gap_list.append((index, float(interval)))

    def _check_size(self, index: int, size: tuple[int, int]) -> None:
        if self._size is not None and size != self._size:
            self.report.count_size(index, size)
        self._size = size

    def _finish(self) -> None:
        report, facts = self.report, self._file.facts
        report.complete = True
        report.frames_without_grain = self._file.grainless
        if self._file.fields is not None and self._file.fields.lone:
            report.problem(
                f"{self._file.fields.lone} of its fields have no other half: every other row of "
                "these frames is left over from others, and may change from reading to reading"
            )
        if self._file.repeats.count:
            report.note(f"{self._file.repeats.count} empty packets: the frame before was repeated")
        if self._last is not None and self._period is not None and not self.info.still:
            report.duration = self._last + self._period
        if not self._clock.use_pts:
            report.note("times are index / rate: timestamps are missing or wrong")
        report.truncated = is_truncated(facts, self._scan, report)
        if not self._scan.promised:
            report.counted_frames = facts.counted_frames
        elif (facts.counted_frames or 0) > self._scan.packets:
            of = f"{self._scan.packets} of {facts.counted_frames}"
            report.note(f"an edit list shows {of} stored frames")

    def _nothing_decoded(self) -> str:
        report, raw = self.report, self._raw
        if raw is not None and self._scan.packets * self._file.frame_bytes == self._file.bytes:
            return (
                f"{self._name}: its {self._file.bytes:,} bytes are less than a frame of {raw}, or "
                "FFmpeg cannot decode that; state the true --size and --pix-fmt"
            )
        if outside := external_media(self._path):
            return (
                f"{self._name}: its frames are in another file ({outside}), and a video that opens "
                "others is not read; name that file, or make this one self-contained"
            )
        if not report.packets:
            return f"{self._name}: its video stream holds no frame; is the file complete?"
        why = report.first_error or "no picture came out"
        return (
            f"{self._name}: none of its {report.packets} video packets could be decoded ({why}); "
            "it is damaged, encrypted or too large a picture"
        )

    def _info(self, facts: Facts, rate: Fraction | None, first: Picture) -> StreamInfo:
        look = first.look
        seconds = facts.stream_duration or facts.container_duration
        return StreamInfo(
            name=self._name,
            codec=facts.codec,
            width=look.width,
            height=look.height,
            pix_fmt=look.pix_fmt,
            depth=look.depth,
            chroma=look.chroma,
            rate=None if facts.still else rate,
            colour=look.colour,
            expected_frames=self._expected,
            duration=None if facts.still else seconds,
            rotation=look.turn.degrees,
            sar=1 / facts.sar if look.turn.transpose else facts.sar,
            interlaced=self._file.interlaced and self._file.deinterlaced is None,
            still=facts.still,
            mirrored=look.turn.mirrored,
            field_order=facts.field_order,
        )


def as_frame(picture: Picture, index: int, time: Fraction | None) -> Frame:
    """A picture as the frame of a number and a time in seconds."""
    look = picture.look
    return Frame(
        index=index,
        time=time,
        width=look.width,
        height=look.height,
        depth=look.depth,
        chroma=look.chroma,
        colour=look.colour,
        source=picture,
        corrupt=picture.corrupt,
    )


def _together(begin: list[Picture], rest: Iterator[Picture]) -> Iterator[Picture]:
    """One picture and then the rest; unlike `itertools.chain` it does not hold the first."""
    yield begin.pop()
    yield from rest


def probe(path: Source) -> StreamInfo:
    """Facts of a file's video stream; only the first frame is decoded.

    Raises:
        InputError: as `VideoReader`.
    """
    with VideoReader(path, threads=1) as reader:
        return reader.info
