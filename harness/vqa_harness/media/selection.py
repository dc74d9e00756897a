"""Which packets have to be decoded so that some frames come out as if all had been decoded.

Frames are known by their timestamps, so that none has to be decoded to be counted. Two kinds of
packets are left out, and neither changes a pixel of those that are wanted: pictures from which no
other is predicted, and what stands between the last wanted picture of a stretch and the next place
where decoding can begin. Nothing is sought in the file: reading packets costs little, and needs no
index that may be wrong.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Set
from functools import cached_property
from itertools import pairwise
from typing import BinaryIO

from av.container import InputContainer
from av.video.stream import VideoStream

from vqa_harness.media.coded_picture import reader_of
from vqa_harness.media.container import FFmpegError, main_video, open_container
from vqa_harness.media.input_format import InputFormat
from vqa_harness.media.packets import is_hidden, stored_packets

RESTART, SHOWN, ALONE = 1, 2, 4
"""Flags of a packet: decoding can begin here; its picture is shown; none is predicted from it."""
SKIP, DECODE, BEGIN = 0, 1, 2
"""What to do with a packet: leave it out, decode it, or decode it as a new beginning."""


class PacketTable:
    """All packets of a video in the order of the file, and its frames in the order of display.

    Attributes:
        pts: timestamps of the frames, ascending.
    """

    def __init__(self, pts: array[int], flags: bytearray) -> None:
        self._stamps, self._flags = pts, flags
        shown = [stamp for stamp, flag in zip(pts, flags, strict=True) if flag & SHOWN]
        self.pts = array("q", sorted(shown))

    def __len__(self) -> int:
        """How many packets there are."""
        return len(self._flags)

    def unambiguous(self) -> bool:
        """Whether no two frames have one timestamp."""
        return all(one < two for one, two in pairwise(self.pts))

    def referenced(self) -> list[int]:
        """Numbers of the frames from which others may be predicted, ascending."""
        numbers = {stamp: number for number, stamp in enumerate(self.pts)}
        flags = zip(self._stamps, self._flags, strict=True)
        return sorted(numbers[stamp] for stamp, flag in flags if flag & SHOWN and not flag & ALONE)

    def plan(self, wanted: Set[int]) -> bytearray:
        """What to do with each packet so that some frames come out.

        Args:
            wanted: numbers of these frames, in the order of display.

        Returns:
            `SKIP`, `DECODE` or `BEGIN` of each packet.
        """
        stamps = {self.pts[number] for number in wanted}
        stretches = self._stretches()
        ends: list[int] = []
        through = False  # whether the stretch behind goes on from the end of this one
        for start, stop in reversed(stretches):
            places = [i for i in range(start, stop) if self._is_among(stamps, i)]
            ends.append(stop if through else places[-1] + 1 if places else start)
            # what is shown before the picture that begins the stretch may need the stretch before
            through = any(self._stamps[i] < self._stamps[start] for i in places)
        actions = bytearray(len(self))
        decoded = 0
        for (start, _), end in zip(stretches, reversed(ends), strict=True):
            if end == start:
                continue
            gap = not all(self._flags[i] & ALONE for i in range(decoded, start))
            for i in range(start, end):
                early = gap and self._stamps[i] < self._stamps[start]
                needed = not self._flags[i] & ALONE and not early
                actions[i] = DECODE if needed or self._is_among(stamps, i) else SKIP
            if gap:
                actions[start] = BEGIN
            decoded = end
        return actions

    def beginning(self, number: int) -> tuple[int, int]:
        """Where decoding can begin for a frame to come out as if all had been decoded.

        Args:
            number: of the frame, in the order of display.

        Returns:
            The packets' places in the file of this beginning, and of the next one behind it.
        """
        place = self._places[self.pts[number]]
        at = bisect_right(self._starts, place) - 1
        if at and self._stamps[place] < self._stamps[self._starts[at]]:
            at -= 1  # what is shown before the picture that begins the stretch may need more
        after = self._starts[at + 1] if at + 1 < len(self._starts) else len(self)
        return self._starts[at], after

    def place(self, pts: int) -> int | None:
        """The place in the file of the packet with a timestamp; None where there is none."""
        return self._places.get(pts)

    def stamp(self, place: int) -> int:
        """The timestamp of a packet."""
        return self._stamps[place]

    @cached_property
    def _places(self) -> dict[int, int]:
        return {stamp: place for place, stamp in enumerate(self._stamps)}

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self._stretches()]

    def frames_in(self, plan: bytes) -> int:
        """How many frames a plan has decoded."""
        pairs = zip(plan, self._flags, strict=True)
        return sum(action != SKIP and bool(flag & SHOWN) for action, flag in pairs)

    def _stretches(self) -> list[tuple[int, int]]:
        """First packet and one past the last of each part that can be decoded by itself."""
        inner = (i for i in range(1, len(self)) if self._flags[i] & RESTART)
        return list(pairwise((0, *inner, len(self))))

    def _is_among(self, stamps: Set[int], place: int) -> bool:
        return bool(self._flags[place] & SHOWN) and self._stamps[place] in stamps


def packet_table(source: str | BinaryIO, raw: InputFormat | None = None) -> PacketTable | None:
    """Read all packets of the main video stream, without decoding.

    Args:
        source: a path, or a file that can be sought; who reads it already can go on where it was.
        raw: size and format, if it holds raw frames.

    Returns:
        None where frames cannot be told by their packets: a timestamp is missing or there twice, a
        packet is damaged, empty or cannot be read, or the codec is set up anew on the way.
    """
    if not isinstance(source, str):
        place = source.tell()
        source.seek(0)
    try:
        with open_container(source, raw) as container:
            return _read(container, main_video(container))
    except (FFmpegError, LookupError, OSError):
        return None
    finally:
        if not isinstance(source, str):
            source.seek(place)


def _read(container: InputContainer, stream: VideoStream) -> PacketTable | None:
    context = stream.codec_context
    codec = context.codec.canonical_name
    tell = reader_of(codec, context.extradata)
    pts, flags, layers = array("q"), bytearray(), bytearray()
    last: int | None = None
    for packet in stored_packets(container.demux(stream)):
        if (
            not packet.size
            or packet.pts is None
            or packet.is_corrupt
            or packet.has_sidedata("new_extradata")
        ):
            return None
        if packet.dts is not None:
            if last is not None and packet.dts < last:  # joined files begin again with their times
                return None
            last = packet.dts
        told = tell(memoryview(packet), packet.is_keyframe)
        shown = not packet.is_discard and not is_hidden(packet, codec)
        pts.append(packet.pts)
        flags.append(RESTART * told.restart | SHOWN * shown | ALONE * told.alone)
        layers.append(told.layer)
    top = max(layers, default=0)
    for place, layer in enumerate(layers):
        if layer < top:  # pictures of a higher layer may still be predicted from it
            flags[place] &= ~ALONE
    table = PacketTable(pts, flags)
    return table if len(table) and table.unambiguous() else None
