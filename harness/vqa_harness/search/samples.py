"""The part of a video that is searched on: stretches of its scenes, put together in one file.

A stretch begins where its scene does, so that the file has cuts where the video has some. Scenes
are taken at even distances in time, so long ones are represented more often. A video without cuts
is taken as if it had one every `LONGEST` seconds.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from vqa_harness.errors import InputError, UsageError
from vqa_harness.files import replacing
from vqa_harness.ladder.timing import TICKS, increasing, timestamp
from vqa_harness.system import place_is_full

if TYPE_CHECKING:
    from vqa_harness.frames import Frame, Plane

SHORT = 120.0
"""Seconds up to which a video is searched in whole, unless the user says otherwise."""
USUAL = 60.0
"""Seconds that are searched on of a longer video..."""
SHARE = 0.05
"""... or this share of it, if that is more."""
SHORTEST, LONGEST = 2, 10
"""Seconds of a stretch at least, and of a scene from which it is taken for several."""
VERSION = 1
"""Raised when the same choice gives another file."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames of a video, by their index.

    Attributes:
        start: the first.
        stop: one past the last.
    """

    start: int
    stop: int

    def __len__(self) -> int:
        """How many frames."""
        return self.stop - self.start


def read_share(text: str) -> float | None:
    """Read how much of a video is searched on: ``all``, ``20%`` or ``0.2``; None for ``auto``.

    Raises:
        UsageError: it is something else, or not above 0 and at most all.
    """
    word = text.strip().lower()
    if word in ("auto", "all"):
        return None if word == "auto" else 1.0
    try:
        share = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise UsageError(f"--samples {text}: write all, auto, or a share such as 20% or 0.2")
    return share


def usual_share(seconds: float | None) -> float:
    """The share of a video that is searched on if nobody says; all of one of unknown length."""
    if seconds is None or seconds <= SHORT:
        return 1.0
    return max(USUAL / seconds, SHARE)


def choose(frames: int, cuts: Sequence[int], rate: Fraction, share: float) -> list[Stretch]:
    """The stretches that stand for a video.

    Args:
        frames: how many frames the video has.
        cuts: the first frame of each scene but the first.
        rate: frames per second.
        share: how much of the video to take, above 0 to 1; it is a little more where stretches
            would be shorter than `SHORTEST`.

    Returns:
        Stretches in order that do not overlap; the whole video where hardly less is asked for.
    """
    parts = _parts(frames, cuts, rate)
    wanted = max(1, round(share * frames))
    shortest = max(1, round(SHORTEST * rate))
    count = min(len(parts), max(1, wanted // shortest))
    chosen = _spread(parts, count, frames)
    while sum(map(len, chosen)) < wanted and count < len(parts):
        count += 1
        chosen = _spread(parts, count, frames)
    whole = sum(map(len, chosen))
    stretches = []
    for part in chosen:
        length = max(round(wanted * len(part) / whole), min(shortest, len(part)))
        stretches.append(Stretch(part.start, min(part.stop, part.start + length)))
    if sum(map(len, stretches)) > 0.9 * frames:
        return [Stretch(0, frames)]
    return stretches


def _spread(parts: list[Stretch], count: int, frames: int) -> list[Stretch]:
    """Of the parts of a video those at so many even distances in time; all, if so many are asked.

    One is taken once, however many of the places it covers.
    """
    if count == len(parts):
        return parts
    starts = [part.start for part in parts]
    places = ((2 * k + 1) * frames // (2 * count) for k in range(count))
    numbers = dict.fromkeys(bisect_right(starts, place) - 1 for place in places)
    return [parts[number] for number in numbers]


def _parts(frames: int, cuts: Sequence[int], rate: Fraction) -> list[Stretch]:
    """The scenes, long ones cut into equal parts of at most `LONGEST` seconds."""
    longest = max(1, round(LONGEST * rate))
    inner = sorted({cut for cut in cuts if 0 < cut < frames})
    parts = []
    for start, stop in zip([0, *inner], [*inner, frames], strict=True):
        count = -(-(stop - start) // longest)
        marks = [start + (stop - start) * k // count for k in range(count + 1)]
        parts += [Stretch(a, b) for a, b in pairwise(marks)]
    return parts


def file_of(folder: Path, name: str, digest: str, stretches: Sequence[Stretch]) -> Path:
    """The path of the file of some stretches of a video of this hash."""
    what = [VERSION, digest, [(one.start, one.stop) for one in stretches]]
    key = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:10]
    return folder / f"{name}-samples-{key}.mkv"


def write_samples(source: Path, stretches: Sequence[Stretch], target: Path) -> None:
    """Put stretches of a video into one lossless file (FFV1), which appears complete or not at all.

    Raises:
        InputError: the video cannot be read, or its pixel format cannot be kept without loss.
        UsageError: the file cannot be written.
    """
    from vqa_harness.media.container import FFmpegError, message
    from vqa_harness.media.encode import encode_frames
    from vqa_harness.media.reader import VideoReader

    try:
        with replacing(target) as part, VideoReader(source) as reader:
            info = reader.info
            rate = info.rate or Fraction(25)
            stamps: list[int] = []
            encode_frames(
                str(part),
                _frames(iter(reader), stretches, rate, stamps),
                codec="ffv1",
                container="matroska",
                rate=rate,
                chroma=info.chroma,
                depth=info.depth,
                pts=increasing(stamps),
                time_base=1 / (rate * TICKS),
                colour=info.colour,
                sar=info.sar,
            )
    except (FFmpegError, OSError, ValueError) as error:
        if place_is_full(error):
            raise UsageError(
                f"cannot write {target}: {message(error)}; make room, or ask for less: --samples"
            ) from None
        raise InputError(
            f"{source.name}: its samples cannot be written ({message(error)}); use --samples all"
        ) from None


def _frames(
    frames: Iterator[Frame], stretches: Sequence[Stretch], rate: Fraction, stamps: list[int]
) -> Iterator[tuple[Plane, ...]]:
    """Yield the planes of the frames of stretches, shown one stretch after the other."""
    left = iter(stretches)
    stretch = next(left)
    begin, offset, last = 0, 0, -TICKS
    for index, frame in enumerate(frames):
        if index == stretch.stop:
            following = next(left, None)
            if following is None:
                break
            stretch = following
        if index == stretch.start:
            begin, offset = timestamp(frame, rate), last + TICKS
        if index >= stretch.start:
            last = offset + timestamp(frame, rate) - begin
            stamps.append(last)
            yield frame.planes
        frame.release()
