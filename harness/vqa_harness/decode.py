"""Everything that touches PyAV: opening, decoding, scaling, encoding and filtering.

No other module of the project imports ``av``; PyAV 18 and 19 are supported. What is done about
errors and times is decided in `vqa_harness.reader`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, BinaryIO, Literal, cast

import av
import av.filter
import numpy as np
from av.codec.context import Flags
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vqa_harness import colour as colours
from vqa_harness.frames import Chroma, ColourInfo, Plane
from vqa_harness.media_facts import Facts, Look, Scan
from vqa_harness.orientation import UPRIGHT, Orientation, from_degrees, from_matrix
from vqa_harness.pixels import (
    Layout,
    PixelFormat,
    check_planes,
    gray_to_rgb,
    layout,
    planar_name,
    plane_view,
    read_only,
)

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
MATRICES = {"bt601": Colorspace.ITU601, "bt709": Colorspace.ITU709, "bt2020": Colorspace.BT2020}
SCALERS = {
    "bicubic": Interpolation.BICUBIC,
    "bilinear": Interpolation.BILINEAR,
    "lanczos": Interpolation.LANCZOS,
    "area": Interpolation.AREA,
}
TS_PACKET = 188  # bytes
Deinterlace = Literal["off", "auto", "always"]
METADATA: Any = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
LIKE_LIBJPEG = (  # within 3 levels of libjpeg, where the default path is off by up to 70
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
)
_local = threading.local()


def _reformat(frame: VideoFrame, **wanted: Any) -> VideoFrame:
    """Scale or convert with this thread's own context, on this thread only."""
    if not hasattr(_local, "reformatter"):
        _local.reformatter = VideoReformatter()
    return cast(VideoFrame, _local.reformatter.reformat(frame, threads=1, **wanted))


@lru_cache(maxsize=256)
def layout_of(name: str) -> Layout:
    """The `Layout` of one of FFmpeg's pixel formats, by name."""
    fmt = av.VideoFormat(name, 64, 64)
    components = tuple((c.plane, c.bits, c.is_alpha) for c in fmt.components)
    rgb = fmt.is_rgb or fmt.has_palette or fmt.is_bayer or name.startswith("xyz")
    unusual = fmt.is_big_endian or fmt.is_bit_stream or fmt.has_palette or fmt.is_bayer
    size = (fmt.chroma_width(64), fmt.chroma_height(64))
    return layout(PixelFormat(name, components, size, rgb, unusual))


def _views(frame: VideoFrame, depth: int, order: Sequence[int]) -> tuple[Plane, ...]:
    found = frame.planes  # PyAV makes them anew each time
    planes = [found[index] for index in order]
    return tuple([plane_view(p, p.line_size, p.width, p.height, depth) for p in planes])


def _to_rgb(frame: VideoFrame, colour: ColourInfo, *, still: bool = False) -> NDArray[np.uint8]:
    wanted: dict[str, Any] = {"format": "rgb24"}
    if still:
        wanted["interpolation"] = LIKE_LIBJPEG
    if colour.matrix != "rgb":
        wanted["src_colorspace"] = MATRICES[colour.matrix]
        wanted["src_color_range"] = ColorRange.JPEG if colour.full_range else ColorRange.MPEG
        wanted["dst_color_range"] = ColorRange.JPEG
    out = _reformat(frame, **wanted)
    rows = plane_view(out.planes[0], out.planes[0].line_size, 3 * out.width, out.height, 8)
    return cast("NDArray[np.uint8]", np.ascontiguousarray(rows).reshape(out.height, out.width, 3))


@lru_cache(maxsize=256)
def _look(
    pix_fmt: str,
    size: tuple[int, int],
    codes: tuple[int, int, int, int],
    turn: Orientation,
    still: bool,
) -> Look:
    """What pictures of this format, size and AVColorSpace, -Range, -Transfer, -Primaries share."""
    shape = layout_of(pix_fmt)
    rgb, full = shape.chroma == "rgb", pix_fmt.startswith("yuvj")
    colour = colours.describe(*codes, lines=size[1], rgb=rgb, still=still, full_format=full)
    odd = colours.unsupported_matrix(codes[0])
    if turn.transpose and shape.chroma in ("411", "410"):
        convert = planar_name("444", shape.depth)
        shape = Layout("444", shape.depth, convert, (0, 1, 2), shape.alpha)
    chroma = turn.chroma(shape.chroma)
    return Look(pix_fmt, shape, turn, *turn.size(*size), chroma, colour, odd, still)


class Picture:
    """A decoded picture as a `PixelSource`, upright; its planes alias the decoder's buffers.

    Args:
        frame: what the decoder gave.
        turn: how to turn it upright.
        still: whether it is an image rather than a frame of a video.
    """

    __slots__ = ("_frame", "_planes", "corrupt", "look", "pts")

    def __init__(self, frame: VideoFrame, turn: Orientation, *, still: bool = False) -> None:
        codes = (
            int(frame.colorspace),
            int(frame.color_range),
            int(frame.color_trc),
            int(frame.color_primaries),
        )
        size = frame.width, frame.height
        self.look = _look(frame.format.name, size, codes, turn, still)
        self.pts = frame.pts
        self.corrupt = frame.is_corrupt
        self._frame = frame
        self._planes: tuple[Plane, ...] | None = None

    def planes(self) -> tuple[Plane, ...]:
        """Read-only planes; views wherever the decoder's format is planar and little-endian."""
        if self._planes is None:
            frame = self._frame
            layout, turn = self.look.layout, self.look.turn
            if layout.convert:
                frame = _reformat(frame, format=layout.convert)
            planes = _views(frame, layout.depth, layout.order)
            if not turn.identity:
                planes = tuple(cast(Plane, turn.apply(plane)) for plane in planes)
            self._planes = planes
        return self._planes

    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, full range, with the picture's own matrix and range.

        Video goes through swscale's default path, as FFmpeg's and PyAV's RGB does; stills through
        its accurate one, which upsamples chroma as libjpeg does.
        """
        look = self.look
        if look.chroma == "gray":
            return gray_to_rgb(self.planes()[0], look.depth, full_range=look.colour.full_range)
        stored = _to_rgb(self._frame, look.colour, still=look.still)
        upright = np.ascontiguousarray(look.turn.apply(stored))
        return cast("NDArray[np.uint8]", read_only(upright))


class PlaneSource:
    """A `PixelSource` of arrays.

    Args:
        planes: (H, W) each, uint8, or uint16 above 8 bits; Y (, U, V) or R, G, B.
        chroma: their subsampling, ``gray`` or ``rgb``.
        depth: bits per sample.
        colour: matrix and range for `rgb`.
    """

    def __init__(
        self, planes: Sequence[Plane], chroma: Chroma, depth: int, colour: ColourInfo
    ) -> None:
        check_planes(planes, chroma, depth)
        self._planes = tuple(read_only(plane) for plane in planes)
        self._chroma, self._depth, self._colour = chroma, depth, colour

    def planes(self) -> tuple[Plane, ...]:
        """The arrays, read-only."""
        return self._planes

    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, as a decoded picture of these planes would give."""
        if self._chroma == "gray":
            return gray_to_rgb(self._planes[0], self._depth, full_range=self._colour.full_range)
        frame = _frame_of(self._planes, self._chroma, self._depth)
        return cast("NDArray[np.uint8]", read_only(_to_rgb(frame, self._colour)))


def _orientation(frame: VideoFrame) -> Orientation | None:
    """How to turn the frame upright; None if its display matrix is no multiple of 90 degrees."""
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV stops at kinds of side data it has no name for
        return from_degrees(frame.rotation)
    return UPRIGHT if matrix is None else from_matrix(bytes(cast(Any, matrix)))


@dataclass(slots=True)
class Step:
    """What one packet, or the flush at the end, gave."""

    packet: bool = True
    discard: bool = False
    corrupt: bool = False
    hidden: bool = False
    demux_failed: bool = False
    error: str | None = None
    pictures: list[Picture] = field(default_factory=list)


class Deinterlacer:
    """FFmpeg's bwdif: a progressive frame for each frame, at the time of its first field.

    Args:
        field_order: the stream's, as FFmpeg numbers it; where it tells, frames are not asked.
    """

    def __init__(self, field_order: int) -> None:
        parity = {2: "tff", 3: "bff"}.get(field_order, "auto")
        self._arguments = f"mode=send_frame:parity={parity}:deint=all"
        self._graph: av.filter.Graph | None = None
        self._shape: tuple[int, int, str] | None = None
        self._pts: deque[int | None] = deque()

    def push(self, frame: VideoFrame) -> list[VideoFrame]:
        """Take a frame; the frames that are ready, usually the one before.

        Raises:
            ValueError: bwdif does not take frames of this pixel format.
        """
        shape = (frame.width, frame.height, frame.format.name)
        ready = [] if shape == self._shape else self.drain()
        if self._graph is None:
            self._graph, self._shape = self._configured(frame), shape
        self._pts.append(frame.pts)
        frame.pts, frame.time_base = len(self._pts), Fraction(1, 1000)
        self._graph.vpush(frame)
        return ready + self._pull()

    def drain(self) -> list[VideoFrame]:
        """The frame still inside, at the end or before another size."""
        if self._graph is None:
            return []
        self._graph.vpush(None)
        ready = self._pull()
        self._graph = self._shape = None
        return ready

    def _configured(self, frame: VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        facts = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}"
        source = graph.add("buffer", f"{facts}:time_base=1/1000")
        graph.link_nodes(source, graph.add("bwdif", self._arguments), graph.add("buffersink"))
        graph.configure()
        return graph

    def _pull(self) -> list[VideoFrame]:
        assert self._graph is not None
        assert self._shape is not None
        ready: list[VideoFrame] = []
        while True:
            try:
                frame = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return ready
            if frame.format.name != self._shape[2]:
                raise ValueError(f"{self._shape[2]} pictures cannot be deinterlaced")
            frame.pts = self._pts.popleft()
            ready.append(frame)


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
        self._container = _open(source)
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

    def steps(self) -> Iterator[Step]:
        """Decode to the end, one `Step` a packet; an error costs its packet, not the rest."""
        packets = self._container.demux(self._stream)
        damaged: av.Packet[VideoStream] | None = None
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                yield Step(packet=False, demux_failed=True, error=message(error))
                packet = None
            if packet is None or not packet.size:
                break
            if damaged is not None:
                yield self._decode(damaged)
            damaged = packet if packet.is_corrupt else None
            if damaged is None:
                yield self._decode(packet)
        if damaged is not None:  # cut off by the end: feeding it would cost the frames in flight
            yield Step(corrupt=True)
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
            turn = _orientation(frame)
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

    def _decode(self, packet: av.Packet[VideoStream] | None) -> Step:
        step = Step(packet=packet is not None)
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
    with _open(source) as container:
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
    with _open(source) as container:
        stream = main_video(container)
        base = _fraction(stream.time_base) or Fraction(1)
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


def _open(source: str | BinaryIO) -> InputContainer:
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


def _fraction(value: Any) -> Fraction | None:
    """A rational of PyAV 18 (Fraction or None) or 19 (AVRational, false if unknown)."""
    return Fraction(int(value.numerator), int(value.denominator)) if value else None


def _rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Frames per second; a GIF's guess is its 10 ms tick, so there the average is taken."""
    average = _fraction(stream.average_rate)
    guess = None if container.format.name == "gif" else _fraction(stream.guessed_rate)
    return guess or average


def _facts(container: InputContainer, stream: VideoStream) -> Facts:
    context = stream.codec_context
    base = _fraction(stream.time_base) or Fraction(1, 1000)
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
        sar=_fraction(stream.sample_aspect_ratio) or Fraction(1),
        interlaced=int(getattr(context, "field_order", 0) or 0) > 1,
        still=still,
        video_streams=len(container.streams.video),
        streams=len(container.streams),
        decode_order=container.format.name == "avi" and bool(context.has_b_frames),
        cut_packet=(container.size or 0) % TS_PACKET > 0,
        metadata={**container.metadata, **stream.metadata},
    )


def _frame_of(planes: Sequence[NDArray[Any]], chroma: Chroma, depth: int) -> VideoFrame:
    """A new frame holding a copy of the planes."""
    check_planes(planes, chroma, depth)
    height, width = planes[0].shape
    frame = VideoFrame(width, height, planar_name(chroma, depth))
    order = layout_of(frame.format.name).order
    for array, index in zip(planes, order, strict=True):
        plane = frame.planes[index]
        rows = np.frombuffer(memoryview(plane), array.dtype)
        target = rows.reshape(-1, plane.line_size // array.dtype.itemsize)
        target[: array.shape[0], : array.shape[1]] = array
    return frame


def resize_planes(
    planes: Sequence[Plane],
    chroma: Chroma,
    depth: int,
    size: tuple[int, int],
    method: str = "bicubic",
) -> tuple[Plane, ...]:
    """Scale planes with swscale, range and matrix untouched; equals ``scale=w:h:flags=method``.

    Args:
        planes: Y (, U, V) or R, G, B.
        chroma: their subsampling.
        depth: bits per sample.
        size: (width, height) wanted.
        method: ``bicubic``, ``bilinear``, ``lanczos`` or ``area``.

    Returns:
        Read-only planes of the same subsampling, depth and dtype.
    """
    frame = _frame_of(planes, chroma, depth)
    width, height = size
    scaled = _reformat(frame, width=width, height=height, interpolation=SCALERS[method])
    return _views(scaled, depth, layout_of(scaled.format.name).order)


class VideoWriter:
    """Encodes frames into a file or a file object.

    Args:
        target: path or writable, seekable file object.
        container: FFmpeg's name of the container; None to go by the path's ending.
        container_options: of the container, such as ``{"movflags": "faststart"}``.
        codec: FFmpeg's name of the encoder.
        size: (width, height).
        pix_fmt: what is encoded.
        rate: frames per second.
        time_base: unit of the pts; None for 1/rate.
        options: the encoder's private options.
        colour: tags of the stream, none where guessed, and what RGB is converted to.
        rotation: counter-clockwise degrees players shall turn it by.
        sar: sample aspect ratio.
    """

    def __init__(
        self,
        target: str | BinaryIO,
        *,
        container: str | None,
        container_options: Mapping[str, str] | None = None,
        codec: str,
        size: tuple[int, int],
        pix_fmt: str,
        rate: Fraction,
        time_base: Fraction | None = None,
        options: Mapping[str, str] | None = None,
        colour: ColourInfo,
        rotation: int = 0,
        sar: Fraction | None = None,
    ) -> None:
        self._container = av.open(
            target, "w", format=container, options=dict(container_options or {})
        )
        self._colour = colour
        self._base = time_base or 1 / rate
        self._first: list[int] = []
        stream = self._container.add_stream(codec, rate=rate, options=dict(options or {}))
        self._stream = cast(VideoStream, stream)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = pix_fmt
        self._stream.codec_context.time_base = self._base
        self._stream.time_base = self._base
        if sar is not None:
            self._stream.codec_context.sample_aspect_ratio = sar
        if rotation:
            self._stream.set_display_rotation(rotation)
        self._tag(self._stream.codec_context)

    def write(self, planes: Sequence[NDArray[Any]], chroma: Chroma, depth: int, pts: int) -> None:
        """Encode one frame of planes."""
        self._encode(_frame_of(planes, chroma, depth), pts)

    def write_rgb(self, rgb: NDArray[np.uint8], pts: int) -> None:
        """Encode one (H, W, 3) uint8 frame."""
        self._encode(VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"), pts)

    def close(self) -> None:
        """Drain the encoder and finish the file."""
        try:
            packets = self._stream.encode(None)
            if len(packets) == len(self._first) <= 2:  # libx265 leaves these timestamps unset
                for packet, pts in zip(packets, self._first, strict=True):
                    packet.pts = packet.dts = pts
            self._container.mux(packets)
        finally:
            self._container.close()

    def abort(self) -> None:
        """Close without draining, after an error."""
        self._container.close()

    def _tag(self, target: Any) -> None:
        """Write the colour to a codec context or a frame."""
        matrix, full, transfer, primaries = colours.codes(self._colour)
        target.colorspace, target.color_range = matrix, full
        target.color_trc, target.color_primaries = transfer, primaries

    def _meaning(self, side: str, pix_fmt: str) -> dict[str, Any]:
        """Matrix and range of one side of a conversion; RGB is always full range."""
        if layout_of(pix_fmt).chroma == "rgb" or self._colour.matrix not in MATRICES:
            return {f"{side}_color_range": ColorRange.JPEG}
        full = self._colour.full_range
        return {
            f"{side}_colorspace": MATRICES[self._colour.matrix],
            f"{side}_color_range": ColorRange.JPEG if full else ColorRange.MPEG,
        }

    def _encode(self, frame: VideoFrame, pts: int) -> None:
        pix_fmt = cast(str, self._stream.pix_fmt)
        if frame.format.name != pix_fmt:
            frame = _reformat(
                frame,
                format=pix_fmt,
                interpolation=Interpolation.BICUBIC,
                **self._meaning("src", frame.format.name),
                **self._meaning("dst", pix_fmt),
            )
        self._tag(frame)
        frame.pts, frame.time_base = pts, self._base
        if len(self._first) < 3:
            self._first.append(pts)
        self._container.mux(self._stream.encode(frame))


def copy_packets(
    source: str | BinaryIO,
    target: str | BinaryIO,
    *,
    container: str | None = None,
    repeat: int = 1,
    drop: Collection[int] = (),
    shift: Fraction = Fraction(0),
) -> None:
    """Copy a video stream without encoding it again.

    Args:
        source: path or file object.
        target: path or file object.
        container: FFmpeg's name of the new container; None to go by the path's ending.
        repeat: how many times the stream is written, one after the other.
        drop: indices, in the order of the file, of packets to leave out.
        shift: seconds added to every timestamp; frames shifted below 0 are cut by an edit list.
    """
    with av.open(target, "w", format=container) as output:
        stream = None
        for turn in range(repeat):
            with _open(source) as given:
                video = main_video(given)
                if stream is None:
                    stream = output.add_stream_from_template(video)
                base = _fraction(video.time_base) or Fraction(1)
                length = video.duration or 0
                for index, packet in enumerate(given.demux(video)):
                    if packet.dts is None or packet.pts is None or index in drop:
                        continue
                    offset = turn * length + round(shift / base)
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    output.mux(packet)


class FilterGraph:
    """A chain of FFmpeg's filters fed with planes, giving the metadata of each frame.

    All inputs are given the same running timestamps, so filters with two inputs pair them in order.
    Stateful filters (siti, xpsnr) want one graph per clip and every frame in order.

    Args:
        inputs: how many streams the first filter takes.
        filters: ``name`` or ``name=arguments`` of each filter of the chain.
        size: (width, height) of every frame.
        chroma: subsampling of every frame.
        depth: bits per sample of every frame.
        rate: frames per second, for filters such as xpsnr that go by it; None if unknown.

    Raises:
        ValueError: this build of FFmpeg has no such filter.
    """

    def __init__(
        self,
        inputs: int,
        filters: Sequence[str],
        size: tuple[int, int],
        chroma: Chroma,
        depth: int,
        *,
        rate: Fraction | None = None,
    ) -> None:
        self._graph = av.filter.Graph()
        self._shape = (size[1], size[0])
        self._chroma, self._depth = chroma, depth
        self._pushed = 0
        facts = f"video_size={size[0]}x{size[1]}:pix_fmt={planar_name(chroma, depth)}"
        facts += f":time_base=1/1000:frame_rate={rate or 0}"
        self._sources = [self._graph.add("buffer", facts) for _ in range(inputs)]
        chain = [self._add(text) for text in filters]
        self._sink = self._graph.add("buffersink")
        for index, source in enumerate(self._sources):
            source.link_to(chain[0], 0, index)
        self._graph.link_nodes(*chain, self._sink)
        self._graph.configure()

    def push(self, *frames: Sequence[Plane]) -> list[dict[str, str]]:
        """Feed one frame (its planes) to each input; metadata of the frames that are ready.

        Raises:
            ValueError: number, size or kind of the frames is not what the graph was made for.
        """
        if len(frames) != len(self._sources):
            raise ValueError(f"{len(self._sources)} frames wanted, got {len(frames)}")
        for source, planes in zip(self._sources, frames, strict=True):
            if planes[0].shape != self._shape:
                raise ValueError(f"graph made for {self._shape}, got {planes[0].shape}")
            frame = _frame_of(planes, self._chroma, self._depth)
            frame.pts, frame.time_base = self._pushed, Fraction(1, 1000)
            source.push(frame)
        self._pushed += 1
        return self._pull()

    def drain(self) -> list[dict[str, str]]:
        """End every input; metadata of the frames still inside."""
        for source in self._sources:
            source.push(None)
        return self._pull()

    def _add(self, text: str) -> av.filter.context.FilterContext:
        name, _, arguments = text.partition("=")
        if name not in av.filter.filters_available:
            raise ValueError(f"this build of FFmpeg has no filter {name!r}")
        return self._graph.add(name, arguments or None)

    def _pull(self) -> list[dict[str, str]]:
        out = []
        while True:
            try:
                out.append(dict(self._sink.pull().metadata))
            except (av.error.BlockingIOError, av.error.EOFError):
                return out
