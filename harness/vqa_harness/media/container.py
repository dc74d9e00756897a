"""An open container: its packets, its main video stream, and the pictures decoded from it.

What is done about errors and times is decided in `vqa_harness.media.reader`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, BinaryIO, Literal, cast

import av
import av.filter
from av.codec.context import Flags
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vqa_harness.media.facts import Facts, Scan
from vqa_harness.media.filters import Deinterlacer
from vqa_harness.media.orientation import UPRIGHT, Orientation
from vqa_harness.media.picture import Picture, orientation_of

FFmpegError = av.error.FFmpegError
VERSIONS: dict[str, str] = {
    "av": av.__version__,
    **{name: ".".join(map(str, version)) for name, version in av.library_versions.items()},
}
MAX_PIXELS = 2**27  # 16384 x 8192; a header can promise any size
CONTAINERS = (  # what is opened: no playlist or pattern that opens further files
    "3dostr,aa,apng,asf,av1,avi,avs2,avs3,bmp_pipe,cavsvideo,cine,dirac,dnxhd,dpx_pipe,dv,evc,exr_pipe,"
    "flic,flv,gem_pipe,gif,gif_pipe,h261,h263,h264,hevc,iamf,image2,ingenient,ipmovie,ivf,j2k_pipe,jpeg_pipe,"
    "jpegls_pipe,jpegxl_anim,jpegxl_pipe,live_flv,lvf,m4v,matroska,webm,mjpeg,mjpeg_2000,mov,mp4,m4a,3gp,"
    "3g2,mj2,mpeg,mpegts,mpegvideo,mxf,nsv,nut,nuv,obu,ogg,pam_pipe,pbm_pipe,pcx_pipe,pgm_pipe,pgmyuv_pipe,"
    "png_pipe,ppm_pipe,psd_pipe,qoi_pipe,rm,roq,smk,sgi_pipe,sunrast_pipe,swf,tiff_pipe,tga_pipe,vc1,"
    "vc1test,vivo,vvc,webp_pipe,wtv,xbm_pipe,xpm_pipe,xv,yuv4mpegpipe"
)
OPEN_OPTIONS = {
    "protocol_whitelist": "file,pipe",
    "format_whitelist": CONTAINERS,
    "pattern_type": "none",  # img%03d.png is one file
}
TS_PACKET = 188  # bytes
Deinterlace = Literal["off", "auto", "always"]
METADATA: Any = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


@dataclass(slots=True)
class DecodeStep:
    """What one packet, or the flush at the end, gave."""

    packet: bool = True
    discard: bool = False
    corrupt: bool = False
    hidden: bool = False
    demux_failed: bool = False
    error: str | None = None
    pictures: list[Picture] = field(default_factory=list)


class VideoFile:
    """An open container and its main video stream.

    Args:
        source: a path behind ``file:``, so that no other protocol is meant, or a file object.
        threads: decoder threads; 0 lets FFmpeg choose.
        deinterlace: whether to make progressive frames: ``auto`` if the stream is interlaced.

    Attributes:
        facts: see `Facts`.
        interlaced: whether the container or the first frame says so; known with the first frame.
        odd_matrix: whether a display matrix was met that is no multiple of 90 degrees.

    Raises:
        FFmpegError: the container cannot be opened.
        LookupError: it has no video stream, or no decoder for it.
    """

    def __init__(
        self, source: str | BinaryIO, threads: int = 0, deinterlace: Deinterlace = "off"
    ) -> None:
        self._container = open_container(source)
        self._turns: dict[int, Orientation] = {}
        self._deinterlace = deinterlace
        self._deinterlacer: Deinterlacer | None = None
        self._begun = False
        self.odd_matrix = False
        self.interlaced = False
        try:
            self._stream = main_video(self._container)
            context = self._stream.codec_context
            context.thread_type = "AUTO"
            context.thread_count = threads
            context.flags |= Flags.unaligned
            context.options = {"max_pixels": str(MAX_PIXELS)}
            if context.name == "hevc":
                context.options |= {"err_detect": "explode"}
            self.facts = _facts(self._container, self._stream)
        except BaseException:
            self._container.close()
            raise

    def steps(self) -> Iterator[DecodeStep]:
        """Decode to the end, one `DecodeStep` a packet; an error costs its packet, not the rest."""
        packets = self._container.demux(self._stream)
        damaged: av.Packet[VideoStream] | None = None
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                yield DecodeStep(packet=False, demux_failed=True, error=message(error))
                packet = None
            if packet is None or not packet.size:
                break
            if damaged is not None:
                yield self._decode(damaged)
            damaged = packet if packet.is_corrupt else None
            if damaged is None:
                yield self._decode(packet)
        if damaged is not None:  # cut off by the end: feeding it would cost the frames in flight
            yield DecodeStep(corrupt=True)
        yield self._decode(None)

    def promised(self) -> Scan | None:
        """The packets that the file says it holds; None where they have to be counted."""
        return _promised(self._container, self._stream)

    def close(self) -> None:
        """Close the container; pictures already given stay valid."""
        self._container.close()

    def _turn(self, frame: VideoFrame) -> Orientation:
        """How to turn the frame upright.

        PyAV's side data makes a frame part of a reference cycle, which keeps its buffer until the
        garbage collector runs; so it is looked at once for each angle the frames report.
        """
        angle = frame.rotation
        if angle not in self._turns:
            turn = orientation_of(frame)
            self.odd_matrix |= turn is None
            self._turns[angle] = turn or UPRIGHT
        return self._turns[angle]

    @property
    def deinterlaced(self) -> bool:
        """Whether frames are being deinterlaced; known with the first frame."""
        return self._deinterlacer is not None

    def _progressive(self, frames: list[VideoFrame], ended: bool) -> list[VideoFrame]:
        """The frames, deinterlaced if they are to be; then the last comes after ``ended``."""
        if frames and not self._begun:
            self._begun = True
            self.interlaced = self.facts.interlaced or frames[0].interlaced_frame
            if self._deinterlace == "always" or (self._deinterlace == "auto" and self.interlaced):
                order = int(getattr(self._stream.codec_context, "field_order", 0) or 0)
                self._deinterlacer = Deinterlacer(order)
        if self._deinterlacer is None:
            return frames
        ready = [made for frame in frames for made in self._deinterlacer.push(frame)]
        return ready + self._deinterlacer.drain() if ended else ready

    def _decode(self, packet: av.Packet[VideoStream] | None) -> DecodeStep:
        step = DecodeStep(packet=packet is not None)
        if packet is not None:
            step.discard, step.corrupt = packet.is_discard, packet.is_corrupt
            step.hidden = _hidden(packet, self.facts.codec)
        try:
            frames = self._progressive(self._stream.codec_context.decode(packet), packet is None)
            still = self.facts.still
            step.pictures = [Picture(frame, self._turn(frame), still=still) for frame in frames]
        except (FFmpegError, ValueError) as error:  # PyAV's own for a codec that will not open
            step.error = message(error)
        return step


def scan_packets(source: str | BinaryIO) -> Scan:
    """Count the packets of the main video stream, by its index or by reading the file.

    Raises:
        FFmpegError: the container cannot be opened.
        LookupError: it has no video stream, or no decoder for it.
    """
    with open_container(source) as container:
        stream = main_video(container)
        return _promised(container, stream) or _count_packets(container, stream)


def _promised(container: InputContainer, stream: VideoStream) -> Scan | None:
    """What the index or the header says; None where packets have to be counted."""
    entries = stream.index_entries
    cut_by_edits = container.format.name.startswith("mov") and 0 < len(entries) < stream.frames
    if stream.frames and (stream.frames == len(entries) or cut_by_edits):
        discarded = sum(entry.is_discard for entry in entries)
        return Scan(len(entries), discarded, promised=True)
    if container.format.name == "yuv4mpegpipe" and stream.duration:
        return Scan(stream.duration, promised=True)
    return None


def _count_packets(container: InputContainer, stream: VideoStream) -> Scan:
    scan = Scan()
    codec = stream.codec_context.name
    try:
        for packet in container.demux(stream):
            if packet.size:
                scan.packets += 1
                scan.discarded += packet.is_discard
                scan.hidden += _hidden(packet, codec) and not packet.is_discard
                scan.without_pts += packet.pts is None
    except FFmpegError:  # decoding meets the same error and reports it
        return scan
    return scan


def packet_sizes(source: str | BinaryIO) -> Iterator[tuple[Fraction | None, int]]:
    """Yield (presentation time in seconds or None, bytes) of each packet of the main video stream.

    Nothing is decoded; packets are in the order of the file, up to the first that cannot be read.

    Raises:
        FFmpegError: the container cannot be opened.
        LookupError: it has no video stream, or no decoder for it.
    """
    with open_container(source) as container:
        stream = main_video(container)
        base = exact_rate(stream.time_base) or Fraction(1)
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:  # decoding meets the same error and reports it
                return
            if packet is None:
                return
            if packet.size:
                yield None if packet.pts is None else packet.pts * base, packet.size


def message(error: BaseException) -> str:
    """FFmpeg's words for an error, without its number and the path."""
    return str(getattr(error, "strerror", None) or error)


def _hidden(packet: av.Packet[VideoStream], codec: str) -> bool:
    """Whether the packet holds a VP8 frame that is never shown (RFC 6386, 9.1)."""
    return codec == "vp8" and not (memoryview(packet)[0] >> 4) & 1


def open_container(source: str | BinaryIO) -> InputContainer:
    """The container, opened without network protocols or formats that open further files."""
    opened = av.open(source, "r", options=dict(OPEN_OPTIONS), **METADATA)
    return cast(InputContainer, opened)


def main_video(container: InputContainer) -> VideoStream:
    """The default video stream that is not cover art, or the first.

    Raises:
        LookupError: there is none, or no decoder for it; the message says which.
    """
    aside = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [s for s in container.streams.video if not s.disposition & aside]
    if not streams:
        kinds = sorted({s.type for s in container.streams})
        found = (
            "only cover art" if container.streams.video else f"only {', '.join(kinds) or 'nothing'}"
        )
        raise LookupError(f"no video stream, {found}")
    best = max(streams, key=lambda s: (bool(s.disposition & Disposition.default), -s.index))
    if best.codec_context is None:
        raise LookupError("no decoder for its video stream in this build of FFmpeg")
    return best


def exact_rate(value: Any) -> Fraction | None:
    """A rational of PyAV 18 (Fraction or None) or 19 (AVRational, false if unknown)."""
    return Fraction(int(value.numerator), int(value.denominator)) if value else None


def _rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Frames per second; a GIF's guess is its 10 ms tick, so there the average is taken."""
    average = exact_rate(stream.average_rate)
    guess = None if container.format.name == "gif" else exact_rate(stream.guessed_rate)
    return guess or average


def _facts(container: InputContainer, stream: VideoStream) -> Facts:
    context = stream.codec_context
    base = exact_rate(stream.time_base) or Fraction(1, 1000)
    seconds = container.duration
    brand = container.metadata.get("major_brand", "").strip()
    still = container.format.name.endswith(("_pipe", "image2")) or (
        brand in ("avif", "heic", "heix", "mif1") and len(stream.index_entries) <= 1
    )
    return Facts(
        container=container.format.name,
        codec=context.codec.canonical_name,
        time_base=base,
        rate=_rate(container, stream),
        start=None if stream.start_time is None else stream.start_time * base,
        stream_duration=None if stream.duration is None else stream.duration * base,
        container_duration=None if seconds is None else Fraction(seconds, 1_000_000),
        sar=exact_rate(stream.sample_aspect_ratio) or Fraction(1),
        interlaced=int(getattr(context, "field_order", 0) or 0) > 1,
        still=still,
        video_streams=len(container.streams.video),
        streams=len(container.streams),
        decode_order=container.format.name == "avi" and bool(context.has_b_frames),
        cut_packet=(container.size or 0) % TS_PACKET > 0,
        metadata={**container.metadata, **stream.metadata},
    )
