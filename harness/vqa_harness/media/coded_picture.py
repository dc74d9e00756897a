"""What the bytes of a packet tell about its picture before it is decoded.

Two things are asked: whether decoding can begin at the picture, and whether any other picture may
be predicted from it. Where the bytes do not tell, the answers are those that cost time, not pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from vqa_harness.media.av1_header import Av1Reader

Bytes = memoryview
"""The payload of a packet, one dimension of unsigned bytes."""

SELF_CONTAINED = frozenset(
    {"vp8", "vp9", "mpeg1video", "mpeg2video", "mjpeg", "prores", "dnxhd", "ffv1"}
    | {"rawvideo", "huffyuv", "ffvhuff", "utvideo", "png", "jpeg2000"}
)
"""Codecs whose key frames, as the container flags them, begin anew.

Nothing that follows such a frame in the order of display needs what came before it. H.264 is not
among them, where a container also flags recovery points, nor is a codec that nobody looked at.
"""


class CodedPicture(NamedTuple):
    """What a packet tells.

    Attributes:
        restart: decoding can begin here: no picture that is shown later needs an earlier one.
        alone: no picture of the same temporal layer is predicted from this one.
        layer: the temporal layer, 0 where there is only one.
    """

    restart: bool
    alone: bool
    layer: int = 0


Reader = Callable[[Bytes, bool], CodedPicture]
"""Takes a packet's payload and the container's flag for key frames."""


def reader_of(codec: str, extradata: bytes | None) -> Reader:
    """What reads packets of a codec.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: the codec's configuration as the container has it.
    """
    if codec == "h264":
        return NalReader(_length_size(extradata, 4), _h264)
    if codec == "hevc":
        return NalReader(_length_size(extradata, 21), _hevc)
    if codec == "av1":
        return _Av1(extradata)
    if codec in ("mpeg1video", "mpeg2video"):
        return _mpeg
    return _flagged if codec in SELF_CONTAINED else _unknown


def _flagged(_: Bytes, key: bool) -> CodedPicture:
    return CodedPicture(key, False)


def _unknown(_payload: Bytes, _key: bool) -> CodedPicture:
    return CodedPicture(False, False)


def _mpeg(payload: Bytes, key: bool) -> CodedPicture:
    """MPEG-1 and -2 (ISO/IEC 13818-2, 6.3.9): nothing is predicted from a B picture."""
    data = bytes(payload[:256])
    at = data.find(b"\0\0\1\0")
    kind = data[at + 5] >> 3 & 7 if 0 <= at < len(data) - 5 else 0
    return CodedPicture(key and kind == 1, kind == 3 and at == 0)


class _Av1:
    """AV1: key frames begin anew, and headers tell which frames are kept."""

    def __init__(self, extradata: bytes | None) -> None:
        self._reader = Av1Reader(extradata)

    def __call__(self, payload: Bytes, key: bool) -> CodedPicture:
        """What the packet tells."""
        return CodedPicture(key, self._reader.stands_alone(bytes(payload)) and not key)


class NalReader:
    """Reads H.264 and HEVC up to the first slice.

    Args:
        length_size: bytes of the length before each unit; 0 for start codes (Annex B).
        picture: tells what a unit says; None where it is no slice. A unit of parameters in front of
            the slice makes the picture one to keep, because later ones may need the parameters.
    """

    def __init__(
        self, length_size: int, picture: Callable[[int, int], CodedPicture | bool | None]
    ) -> None:
        self._size, self._picture = length_size, picture

    def __call__(self, payload: Bytes, _key: bool) -> CodedPicture:
        """What the packet tells."""
        parameters = False
        for first, second in _by_length(payload, self._size) if self._size else _by_code(payload):
            told = self._picture(first, second)
            if isinstance(told, CodedPicture):
                return told._replace(alone=False) if parameters else told
            parameters |= told is True
        return CodedPicture(False, False)


def _h264(first: int, _: int) -> CodedPicture | bool | None:
    """H.264 (ITU-T H.264, 7.4.1): an IDR picture, or nal_ref_idc 0 of a picture nobody refers to.

    Other key frames are recovery points: pictures behind them may still refer to earlier ones.
    """
    kind = first & 31
    if kind in (1, 5):
        return CodedPicture(kind == 5, not first & 0x60)
    if kind in (2, 3, 4, 20, 21):  # partitions, and layers of other views or qualities
        return CodedPicture(False, False)
    return kind in (7, 8, 13, 15)


def _hevc(first: int, second: int) -> CodedPicture | bool | None:
    """HEVC (ITU-T H.265, 7.4.2.2): an IRAP picture, or one that its own sub-layer does not use."""
    kind, layer = first >> 1 & 63, (second & 7) - 1
    if (first & 1) << 5 | second >> 3:  # of another view or quality
        return None
    if kind < 32:
        return CodedPicture(16 <= kind <= 21, kind < 16 and kind % 2 == 0, layer)
    return kind in (32, 33, 34)


def _length_size(extradata: bytes | None, place: int) -> int:
    """Bytes of the lengths between units, as avcC and hvcC tell; 0 for start codes."""
    if extradata is None or len(extradata) <= place or extradata[0] != 1:
        return 0
    return (extradata[place] & 3) + 1


def _by_length(payload: Bytes, size: int) -> Iterator[tuple[int, int]]:
    """The first two bytes of each unit."""
    at, end = 0, len(payload)
    while at + size + 2 <= end:
        length = int.from_bytes(payload[at : at + size], "big")
        yield payload[at + size], payload[at + size + 1]
        at += size + length


def _by_code(payload: Bytes) -> Iterator[tuple[int, int]]:
    """The first two bytes of each unit, found by start codes."""
    data = bytes(payload)
    at = data.find(b"\0\0\1")
    while 0 <= at < len(data) - 4:
        yield data[at + 3], data[at + 4]
        at = data.find(b"\0\0\1", at + 3)
