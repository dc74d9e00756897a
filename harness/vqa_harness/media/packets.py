"""Packets of a video stream, counted and measured without decoding them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from vqa_harness.media.container import FFmpegError, exact_rate, main_video, open_container
from vqa_harness.media.facts import Scan
from vqa_harness.media.input_format import InputFormat


def scan_packets(source: str | BinaryIO) -> Scan:
    """Count the packets of the main video stream, by its index or by reading the file.

    Raises:
        FFmpegError: the container cannot be opened.
        LookupError: it has no video stream, or no decoder for it.
    """
    with open_container(source) as container:
        stream = main_video(container)
        return promised(container, stream) or _count_packets(container, stream)


def promised(container: InputContainer, stream: VideoStream) -> Scan | None:
    """The packets that the index or the header promises; None where they have to be counted."""
    entries = stream.index_entries
    # an edit list that cuts needs the track's time scale; where that is damaged, so is the index
    edited = container.format.name.startswith("mov") and stream.duration is not None
    cut_by_edits = edited and 0 < len(entries) < stream.frames
    if stream.frames and (stream.frames == len(entries) or cut_by_edits):
        discarded = sum(entry.is_discard for entry in entries)
        return Scan(len(entries), discarded, promised=True)
    if container.format.name == "yuv4mpegpipe" and stream.duration:
        return Scan(stream.duration, promised=True)
    return None


def frame_bytes(source: str | BinaryIO, raw: InputFormat) -> int:
    """How many bytes of raw video a frame takes, or the whole file if it is shorter than one.

    Raises:
        FFmpegError: FFmpeg cannot read this format.
    """
    if not isinstance(source, str):
        source.seek(0)
    with open_container(source, raw) as container:
        return next(container.demux(main_video(container))).size


def _count_packets(container: InputContainer, stream: VideoStream) -> Scan:
    scan = Scan()
    codec = stream.codec_context.name
    try:
        for packet in stored_packets(container.demux(stream)):
            scan.packets += 1
            scan.discarded += packet.is_discard
            scan.hidden += is_hidden(packet, codec) and not packet.is_discard
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
        try:
            for packet in stored_packets(container.demux(stream)):
                yield None if packet.pts is None else packet.pts * base, packet.size
        except FFmpegError:  # decoding meets the same error and reports it
            return


def stored_packets(
    packets: Iterator[av.Packet[VideoStream]],
) -> Iterator[av.Packet[VideoStream]]:
    """The packets of a stream, empty ones included, without the one that PyAV adds at the end.

    PyAV ends with an empty packet for the decoder, which looks like those that files hold.

    Raises:
        FFmpegError: the file cannot be read on; all packets before were given.
    """
    held: av.Packet[VideoStream] | None = None
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            if held is not None:
                yield held
            raise
        if held is not None and (packet is not None or held.size or held.dts is not None):
            yield held
        if packet is None:
            return
        held = packet


def is_hidden(packet: av.Packet[VideoStream], codec: str) -> bool:
    """Whether the packet holds a VP8 frame that is never shown (RFC 6386, 9.1)."""
    return codec == "vp8" and packet.size > 0 and not (memoryview(packet)[0] >> 4) & 1
