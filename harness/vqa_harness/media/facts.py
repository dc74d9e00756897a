"""What a container says about its video, before and while it is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from vqa_harness.frames import Chroma, ColourInfo
from vqa_harness.media.orientation import Orientation
from vqa_harness.media.pixels import Layout


@dataclass(frozen=True, slots=True)
class Facts:
    """What container and codec say before anything is decoded; ``None`` where they say nothing.

    Attributes:
        container: FFmpeg's name of the container.
        codec: FFmpeg's name of the codec.
        time_base: seconds of one unit of a timestamp.
        rate: frames per second, not checked for sense.
        start: seconds, timestamp of the stream's start.
        stream_duration: seconds of the video stream.
        counted_frames: how many frames the header counts.
        container_duration: seconds of the whole file; FFmpeg may have estimated it.
        sar: sample aspect ratio.
        interlaced: whether the stream says so.
        field_order: which field it says is shown first; see `StreamInfo`.
        still: whether this is an image.
        video_streams: how many streams are video, cover art included.
        streams: how many streams there are.
        cut_packet: whether the file's size is not a multiple of a transport packet's.
        decode_order: whether timestamps are in the order of decoding (AVI with B-frames).
        metadata: tags of the container and of the stream.
    """

    container: str
    codec: str
    time_base: Fraction
    rate: Fraction | None
    start: Fraction | None
    stream_duration: Fraction | None
    counted_frames: int | None
    container_duration: Fraction | None
    sar: Fraction
    interlaced: bool
    field_order: str
    still: bool
    video_streams: int
    streams: int
    cut_packet: bool
    decode_order: bool
    metadata: Mapping[str, str]


@dataclass(slots=True)
class Scan:
    """Packets of a stream, counted without decoding.

    Attributes:
        packets: how many packets there are.
        discarded: of these, packets an edit list cuts away.
        hidden: of these, packets holding a frame that is never shown.
        without_pts: of these, packets without a timestamp.
        promised: whether an index told this, and the packets themselves were not looked at.
    """

    packets: int = 0
    discarded: int = 0
    hidden: int = 0
    without_pts: int = 0
    promised: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a decoded picture usually shares with those before and after it.

    Attributes:
        pix_fmt: FFmpeg's name of the decoded pixel format.
        layout: how its planes are read.
        turn: how it is turned upright.
        width: width of the upright picture, in pixels.
        height: height of the upright picture.
        chroma: subsampling of the upright picture, ``gray`` or ``rgb``.
        colour: how code values mean light.
        odd_colours: whether it names a matrix that is not supported.
        still: whether it is an image rather than a frame of a video.
    """

    pix_fmt: str
    layout: Layout
    turn: Orientation
    width: int
    height: int
    chroma: Chroma
    colour: ColourInfo
    odd_colours: bool
    still: bool

    @property
    def depth(self) -> int:
        """Bits per sample."""
        return self.layout.depth

    @property
    def alpha(self) -> bool:
        """Whether an alpha channel is left out."""
        return self.layout.alpha
