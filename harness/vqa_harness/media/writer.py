"""Writing video files: encode frames, or copy packets as they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any, BinaryIO, cast

import av.filter
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vqa_harness.frames import Chroma, ColourInfo
from vqa_harness.media import colour as colours
from vqa_harness.media.container import exact_rate, main_video, open_container
from vqa_harness.media.picture import MATRICES, frame_of, layout_of, reformat
from vqa_harness.system import scheduling_kept


class VideoWriter:
    """Encodes frames into a file or a file object.

    Args:
        target: path or writable, seekable file object.
        container: FFmpeg's name of the container; None to go by the path's ending.
        container_options: options of the container, such as ``{"movflags": "faststart"}``.
        codec: FFmpeg's name of the encoder.
        size: (width, height).
        pix_fmt: pixel format that is encoded.
        rate: frames per second.
        time_base: seconds of one unit of the timestamps; None for 1/rate.
        options: the encoder's private options.
        colour: tags of the stream, which leave out what is guessed, and what RGB is converted to.
        rotation: counter-clockwise degrees by which a player must turn the picture.
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
        self._encode(frame_of(planes, chroma, depth), pts)

    def write_rgb(self, rgb: NDArray[np.uint8], pts: int) -> None:
        """Encode one (H, W, 3) uint8 frame."""
        self._encode(VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"), pts)

    def close(self) -> None:
        """Drain the encoder and finish the file."""
        try:
            packets = self._packets(None)
            if len(packets) == len(self._first) <= 2:
                # of one or two frames libx265 leaves the timestamps unset
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
            frame = reformat(
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
        self._container.mux(self._packets(frame))

    def _packets(self, frame: VideoFrame | None) -> list[Packet[VideoStream]]:
        with scheduling_kept():  # SVT-AV1 makes the thread a real-time one, if it may
            return self._stream.encode(frame)


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
            with open_container(source) as opened:
                video = main_video(opened)
                if stream is None:
                    stream = output.add_stream_from_template(video)
                base = exact_rate(video.time_base) or Fraction(1)
                length = video.duration or 0
                for index, packet in enumerate(opened.demux(video)):
                    if packet.dts is None or packet.pts is None or index in drop:
                        continue
                    offset = turn * length + round(shift / base)
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    output.mux(packet)
