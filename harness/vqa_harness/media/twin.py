"""Finding damage that a decoder keeps to itself, by decoding twice.

Decoders of screen recordings draw only the blocks that a packet changes. Where a block is damaged,
FFmpeg's go on with whatever lies in memory, and neither return an error nor flag the frame: two
readings of one file then differ. Such files are small, so a second decoder is cheap.
"""

from __future__ import annotations

import zlib
from typing import cast

import av
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vqa_harness.media.container import FFmpegError

CODECS = frozenset(
    {"flashsv", "flashsv2", "zmbv", "tscc", "tscc2", "cscd", "vmnc", "rscc", "g2m", "mszh", "zlib"}
    | {"screenpresso", "fmvc", "mss1", "mss2", "mwsc", "wcmv", "msa1", "dxtory"}
)
"""FFmpeg's names of the codecs that are decoded twice."""


class Twin:
    """A second decoder of a stream.

    Args:
        stream: the stream, whose codec is one of `CODECS`.
    """

    def __init__(self, stream: VideoStream) -> None:
        own = stream.codec_context
        self._context = cast(VideoCodecContext, CodecContext.create(own.codec.name, "r"))
        self._context.extradata = own.extradata
        self._context.width, self._context.height = own.width, own.height
        self._context.thread_count = 1
        self._flash = own.codec.canonical_name == "flashsv"

    def doubts(self, packet: av.Packet[VideoStream] | None, frames: list[VideoFrame]) -> bool:
        """Whether the packet is damaged, or decoding it again gives other pictures.

        Args:
            packet: the packet; None at the end.
            frames: what the first decoder made of it.
        """
        if packet is not None and self._flash and _is_damaged_flash(bytes(packet)):
            self._decode(packet, frames)
            return True
        return self._decode(packet, frames)

    def _decode(self, packet: av.Packet[VideoStream] | None, frames: list[VideoFrame]) -> bool:
        try:
            again = self._context.decode(packet)
        except (FFmpegError, ValueError):
            return bool(frames)
        return [_samples(frame) for frame in again] != [_samples(frame) for frame in frames]


def _is_damaged_flash(data: bytes) -> bool:
    """Whether a block of Flash screen video cannot be inflated to its size.

    Two bytes each give the size of a block and of the picture, then every block follows, row by row
    from the bottom left: its length in two bytes, and zlib data (SWF file format, "ScreenVideo").
    """
    if len(data) < 4:
        return True
    columns = _lengths(data[0], data[1])
    rows = _lengths(data[2], data[3])
    at = 4
    for height in rows:
        for width in columns:
            size = int.from_bytes(data[at : at + 2], "big")
            block = data[at + 2 : at + 2 + size]
            at += 2 + size
            if len(block) < size or at > len(data):
                return True
            try:
                if size and len(zlib.decompressobj().decompress(block)) < 3 * width * height:
                    return True
            except zlib.error:
                return True
    return False


def _lengths(first: int, second: int) -> list[int]:
    """The sides of blocks along one axis, the last one cut by the picture's end."""
    side, whole = 16 * ((first >> 4) + 1), (first & 15) << 8 | second
    return [min(side, whole - start) for start in range(0, whole, side)]


def _samples(frame: object) -> list[bytes]:
    """The bytes of the planes that are seen, without what fills up rows."""
    assert isinstance(frame, VideoFrame)
    bits = frame.format.padded_bits_per_pixel
    out = []
    for number, plane in enumerate(frame.planes):
        row = plane.width * bits // 8 if len(frame.planes) == 1 else plane.width
        rows = memoryview(plane).cast("B")
        size = plane.line_size
        seen = [bytes(rows[y * size : y * size + row]) for y in range(plane.height)]
        out.append(b"".join(seen) if number < 3 else b"")
    return out
