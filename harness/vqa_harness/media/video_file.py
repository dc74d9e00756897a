"""A video file that is open: the pictures decoded from it, one step for each packet.

What is done about errors and times is decided in `vqa_harness.media.reader`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from typing import BinaryIO

import av
from av.codec.context import Flags
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vqa_harness.media.container import (
    FFmpegError,
    exact_rate,
    main_video,
    message,
    open_container,
)
from vqa_harness.media.display_matrix import orientation_of
from vqa_harness.media.facts import Facts, Scan
from vqa_harness.media.fields import FieldPairs
from vqa_harness.media.filters import Deinterlace, Deinterlacer, Deinterlacing
from vqa_harness.media.grain import OPTIONS as GRAINLESS
from vqa_harness.media.grain import Grain, with_grain
from vqa_harness.media.input_format import DEFAULT_RATE, MAX_PIXELS, InputFormat
from vqa_harness.media.orientation import UPRIGHT, Orientation
from vqa_harness.media.packets import is_hidden, promised, stored_packets
from vqa_harness.media.picture import Picture
from vqa_harness.media.repeats import Repeats
from vqa_harness.media.selection import DECODE, SKIP
from vqa_harness.media.twin import CODECS, Twin

FIELD_ORDERS = {1: "progressive", 2: "tff", 3: "bff", 4: "bff", 5: "tff"}
"""Which field is shown first, by FFmpeg's number; 4 and 5 are coded in the other order."""
TS_PACKET = 188
"""Bytes in a packet of an MPEG transport stream."""


@dataclass(slots=True)
class DecodeStep:
    """What came out of one packet, or of the flush at the end.

    Attributes:
        packet: whether there was a packet; False for the flush and where reading failed.
        skipped: whether the packet was left out, because nobody looks at what it holds.
        discard: whether an edit list cuts the packet away.
        corrupt: whether the container flags the packet as damaged.
        hidden: whether the packet holds a frame that is never shown.
        varies: whether decoding the packet again may give other pictures.
        demux_failed: whether the file could not be read on from here.
        error: FFmpeg's message where reading or decoding failed; None otherwise.
        pictures: the pictures that are ready, which may belong to earlier packets.
    """

    packet: bool = True
    skipped: bool = False
    discard: bool = False
    corrupt: bool = False
    hidden: bool = False
    varies: bool = False
    demux_failed: bool = False
    error: str | None = None
    pictures: list[Picture] = field(default_factory=list)


class VideoFile:
    """An open container and its main video stream.

    Args:
        source: a path behind ``file:``, so that no other protocol is meant, or a file object.
        threads: decoder threads; 0 lets FFmpeg choose.
        deinterlace: whether to make progressive frames: ``auto`` if the stream is interlaced.
        raw: size and format, if the file holds raw frames.
        frame_bytes: how many bytes each of these takes.
        grain: whether the decoder adds the film grain that the stream describes.

    Attributes:
        bytes: how large the file is.
        frame_bytes: as given.
        facts: what container and codec say before anything is decoded; time base and rate are those
            of the frames that come out.
        fields: what is known of fields that are pictures; None where there are none.
        repeats: the pictures that empty packets show again.
        interlaced: whether the container or the first frame says so; known with the first frame.
        grainless: how many frames lack the film grain that the stream describes for them; None
            where the decoder adds it.
        odd_matrix: whether a display matrix was met that is no multiple of 90 degrees.

    Raises:
        FFmpegError: the container cannot be opened.
        LookupError: it has no video stream, or no decoder for it.
    """

    def __init__(
        self,
        source: str | BinaryIO,
        threads: int = 0,
        deinterlace: Deinterlace = "off",
        raw: InputFormat | None = None,
        frame_bytes: int = 0,
        grain: Grain = "on",
    ) -> None:
        self._container = open_container(source, raw)
        self.frame_bytes = frame_bytes
        self.bytes = self._container.size or 0
        self._turns: dict[int, Orientation] = {}
        self._deinterlace = deinterlace
        self._deinterlacer: Deinterlacer | None = None
        self._making = deinterlace if isinstance(deinterlace, Deinterlacing) else Deinterlacing()
        self.repeats = Repeats()
        self.fields: FieldPairs | None = None
        self._begun = False
        self._plan = b""
        self._sought: Iterator[av.Packet[VideoStream]] | None = None
        self.odd_matrix = False
        self.grainless = None if grain == "on" else 0
        self.interlaced = False
        try:
            self._stream = main_video(self._container)
            context = self._stream.codec_context
            # PyAV's default is threads by slice, which costs about 30 % of the speed on H.264
            context.thread_type = "AUTO"
            # MPEG-2 knows threads by slice only, and with them what it makes of damage varies
            one = context.name in ("mpeg1video", "mpeg2video")
            context.thread_count = 1 if one else threads
            # without this flag FFmpeg leaves cropping at the left edge undone, for aligned rows
            context.flags |= Flags.unaligned
            context.options = {"max_pixels": str(MAX_PIXELS)}
            if context.name == "hevc":
                # FFmpeg decodes damaged HEVC without a word otherwise; on H.264 the option loses
                # frames, and as an option of the container it does nothing
                context.options |= {"err_detect": "explode"}
            if grain == "off":
                context.options |= GRAINLESS
            if context.codec.canonical_name == "mpeg2video":
                self.fields = FieldPairs()
            self._twin = Twin(self._stream) if context.codec.canonical_name in CODECS else None
            self.facts = _facts(self._container, self._stream, raw)
            if self._making.fields:
                rate = self.facts.rate and 2 * self.facts.rate
                self.facts = replace(self.facts, time_base=self.facts.time_base / 2, rate=rate)
        except BaseException:
            self._container.close()
            raise

    def steps(self) -> Iterator[DecodeStep]:
        """Decode to the end, one `DecodeStep` a packet; an error costs its packet, not the rest."""
        # packet by packet: PyAV's own loop over frames stops at the first error
        place = 0
        packets = self._sought or stored_packets(self._container.demux(self._stream))
        damaged: av.Packet[VideoStream] | None = None
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                yield DecodeStep(packet=False, demux_failed=True, error=message(error))
                packet = None
            if packet is None or packet.size < self.frame_bytes:
                break
            if not packet.size:
                yield self._repeat(packet)
                place += 1
                continue
            if place < len(self._plan) and self._plan[place] != DECODE:
                yield self._out_of_turn(packet, self._plan[place])
                place += 1
                continue
            place += 1
            if damaged is not None:
                yield self._decode(damaged)
            damaged = packet if packet.is_corrupt else None
            if damaged is None:
                yield self._decode(packet)
        if damaged is not None:  # cut off by the end: feeding it would cost the frames in flight
            yield DecodeStep(corrupt=True)
        yield self._decode(None)

    def skip(self, plan: bytes) -> None:
        """Decode only some of the packets that `steps` has not come to yet.

        Args:
            plan: what to do with each packet, those before included; see
                `vqa_harness.media.selection.PacketTable.plan`.
        """
        self._plan = plan

    def seek(self, stamp: int) -> int | None:
        """Go on reading where the container finds a timestamp; then call `steps` anew.

        Args:
            stamp: in units of the stream's time base.

        Returns:
            The timestamp of the packet that is read next, of which `skip` counts from here on;
            None where there is none.

        Raises:
            FFmpegError: the container cannot be sought in.
        """
        self._container.seek(stamp, stream=self._stream)
        self._stream.codec_context.flush_buffers()
        self._twin = None  # it compares what it has decoded itself from the beginning
        self._plan = b""
        packets = stored_packets(self._container.demux(self._stream))
        first = next(packets, None)
        self._sought = packets if first is None else chain([first], packets)
        return None if first is None else first.pts

    def _repeat(self, packet: av.Packet[VideoStream]) -> DecodeStep:
        """Show the picture before an empty packet once more, when its turn comes."""
        if not packet.is_discard:
            self.repeats.add(packet.pts)
        return DecodeStep(discard=packet.is_discard, corrupt=packet.is_corrupt)

    def _out_of_turn(self, packet: av.Packet[VideoStream], action: int) -> DecodeStep:
        """Leave a packet out, or begin anew with it: first all that is in the decoder comes out."""
        if action == SKIP:
            hidden = is_hidden(packet, self.facts.codec)
            return DecodeStep(skipped=True, discard=packet.is_discard, hidden=hidden)
        rest = self._decode(None)
        self._stream.codec_context.flush_buffers()
        step = self._decode(packet)
        step.pictures = rest.pictures + step.pictures
        step.error = rest.error or step.error
        return step

    def promised(self) -> Scan | None:
        """The packets that the file says it holds; None where they have to be counted."""
        return promised(self._container, self._stream)

    def close(self) -> None:
        """Close the container; pictures already given stay valid."""
        self._container.close()
        self.repeats.close()

    def _turn(self, frame: VideoFrame) -> Orientation:
        """How to turn the frame upright.

        PyAV never turns a frame by itself. Looking for the matrix takes a filter graph, so it is
        done only once for each angle that the frames report.
        """
        angle = frame.rotation
        if angle not in self._turns:
            turn = orientation_of(frame)
            self.odd_matrix |= turn is None
            self._turns[angle] = turn or UPRIGHT
        return self._turns[angle]

    @property
    def deinterlaced(self) -> Deinterlacing | None:
        """How frames are being deinterlaced, None if not; known with the first frame."""
        return None if self._deinterlacer is None else self._making

    @property
    def field_rate(self) -> bool:
        """Whether a frame is made of each field."""
        return self._making.fields

    def _progressive(self, frames: list[VideoFrame], ended: bool) -> list[VideoFrame]:
        """The frames, deinterlaced if they are to be; the last one comes when the stream ended."""
        if frames and not self._begun:
            self._begun = True
            self.interlaced = self.facts.interlaced or frames[0].interlaced_frame
            wanted = self.interlaced if self._deinterlace == "auto" else self._deinterlace != "off"
            if wanted:
                order = int(getattr(self._stream.codec_context, "field_order", 0) or 0)
                self._deinterlacer = Deinterlacer(order, self._making)
        if self._deinterlacer is None:
            return frames
        ready = [made for frame in frames for made in self._deinterlacer.push(frame)]
        return ready + self._deinterlacer.drain() if ended else ready

    def _decode(self, packet: av.Packet[VideoStream] | None) -> DecodeStep:
        step = DecodeStep(packet=packet is not None)
        if self.fields is not None:
            self.fields.see(bytes(packet)) if packet is not None else self.fields.end()
        if packet is not None:
            step.discard, step.corrupt = packet.is_discard, packet.is_corrupt
            step.hidden = is_hidden(packet, self.facts.codec)
        try:
            decoded = self._stream.codec_context.decode(packet)
            if self.grainless is not None:
                self.grainless += with_grain(decoded)
            varies = self._twin is not None and self._twin.doubts(packet, decoded)
            frames = self._progressive(decoded, packet is None)
            still = self.facts.still
            pictures = [Picture(frame, self._turn(frame), still=still) for frame in frames]
            for picture in pictures:
                picture.corrupt |= varies
            step.varies = varies
            step.pictures = self.repeats.among(pictures, ended=packet is None)
        except (FFmpegError, ValueError) as error:  # PyAV raises ValueError if a codec cannot open
            step.error = message(error)
            step.pictures = self.repeats.among([], ended=packet is None)
        return step


def _rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Frames per second; a GIF's guess is its 10 ms tick, so there the average is taken."""
    average = exact_rate(stream.average_rate)
    guess = None if container.format.name == "gif" else exact_rate(stream.guessed_rate)
    return guess or average


def _facts(container: InputContainer, stream: VideoStream, raw: InputFormat | None = None) -> Facts:
    context = stream.codec_context
    base = exact_rate(stream.time_base) or Fraction(1, 1000)
    seconds = container.duration
    brand = container.metadata.get("major_brand", "").strip()
    still = container.format.name.endswith(("_pipe", "image2", "ico")) or (
        brand in ("avif", "heic", "heix", "mif1") and len(stream.index_entries) <= 1
    )
    return Facts(
        container=container.format.name,
        codec=context.codec.canonical_name,
        time_base=base,
        rate=_rate(container, stream) if raw is None else raw.rate or DEFAULT_RATE,
        start=None if stream.start_time is None else stream.start_time * base,
        stream_duration=None if stream.duration is None else stream.duration * base,
        counted_frames=stream.frames or None,
        container_duration=None if seconds is None else Fraction(seconds, 1_000_000),
        sar=exact_rate(stream.sample_aspect_ratio) or Fraction(1),
        interlaced=int(getattr(context, "field_order", 0) or 0) > 1,
        field_order=FIELD_ORDERS.get(int(getattr(context, "field_order", 0) or 0), "unknown"),
        still=still,
        video_streams=len(container.streams.video),
        streams=len(container.streams),
        decode_order=container.format.name == "avi" and bool(context.has_b_frames),
        cut_packet=(container.size or 0) % TS_PACKET > 0,
        metadata={**container.metadata, **stream.metadata},
    )
