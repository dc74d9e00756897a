"""The bitrate of a video stream, from its packets.

Headers promise averages of the whole file, sound included, or what the encoder was asked for. Here
the bytes of the video packets are counted, without container and without sound.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vqa_harness.errors import InputError


@dataclass(frozen=True, slots=True)
class StreamBitrate:
    """The bitrate of a stream, and what it was computed from.

    Attributes:
        packets: how many packets the stream has.
        size: bytes of all packets.
        seconds: time from the first frame shown to the end of the last.
        mean: bits per second.
        peak: bits of the fullest second, seconds counted from the first frame; the mean where the
            stream is shorter than two seconds or has no times.
    """

    packets: int
    size: int
    seconds: float
    mean: float
    peak: float


def measure_bitrate(path: Path, rate: Fraction | None = None) -> StreamBitrate:
    """Count the packets of a file's main video stream; nothing is decoded.

    Args:
        path: path of the video.
        rate: frames per second, for the length of the last frame, and of streams without times.

    Raises:
        InputError: the file cannot be opened, has no packets, or nothing tells how long it is.
    """
    from vqa_harness.media.container import FFmpegError, message
    from vqa_harness.media.packets import packet_sizes

    try:
        packets = list(packet_sizes(f"file:{os.fspath(path.absolute())}"))
    except (FFmpegError, LookupError, OSError) as error:
        raise InputError(f"{path.name}: its packets cannot be read ({message(error)})") from error
    return from_packets(path.name, packets, rate)


def from_packets(
    name: str, packets: Iterable[tuple[Fraction | None, int]], rate: Fraction | None = None
) -> StreamBitrate:
    """The bitrate of a stream whose packets are known.

    Args:
        name: name of the video, for messages.
        packets: (time in seconds or None, bytes) of each packet.
        rate: as for `measure_bitrate`.

    Raises:
        InputError: as `measure_bitrate`.
    """
    listed = list(packets)
    if not listed:
        raise InputError(f"{name}: its video stream has no packets, so it has no bitrate")
    size = sum(count for _, count in listed)
    times = [time for time, _ in listed if time is not None]
    seconds = _length(times, len(listed), rate)
    if not seconds:
        raise InputError(
            f"{name}: neither times nor a frame rate tell how long it is, so it has no bitrate"
        )
    mean = 8 * size / float(seconds)
    peak = _peak(listed, seconds) if len(times) == len(listed) else mean
    return StreamBitrate(len(listed), size, float(seconds), mean, peak)


def _length(times: list[Fraction], packets: int, rate: Fraction | None) -> Fraction:
    if len(times) < packets:
        return packets / rate if rate else Fraction(0)
    span = max(times) - min(times)
    last = 1 / rate if rate else span / max(len(times) - 1, 1)
    return span + last


def _peak(packets: list[tuple[Fraction | None, int]], seconds: Fraction) -> float:
    """Bits of the fullest whole second."""
    if seconds < 2:
        return 8 * sum(count for _, count in packets) / float(seconds)
    start = min(time for time, _ in packets if time is not None)
    filled: Counter[int] = Counter()
    for time, count in packets:
        if time is not None and (second := int(time - start)) < int(seconds):
            filled[second] += count
    return 8.0 * max(filled.values())
