"""Numbered images as a video: ``frame_%04d.png``, one frame a file.

Each file is opened by itself, as a still image is, so that a missing number or a damaged file costs
its frame and no other. FFmpeg's own reading of such patterns ends at the first gap.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from vqa_harness.errors import InputError, one_line
from vqa_harness.files import file_sha256
from vqa_harness.frames import Frame
from vqa_harness.media.filters import Deinterlace, Deinterlacing
from vqa_harness.media.input_format import DEFAULT_RATE, InputFormat
from vqa_harness.media.opening import display_name
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.reader import VideoReader

_PLACE = re.compile(r"%(0([1-9]))?d")


def is_pattern(path: Path) -> bool:
    """Whether a name stands for numbered files: it has one ``%d`` or ``%04d``, and is no file."""
    return len(_PLACE.findall(path.name)) == 1 and not path.exists()


def numbered_files(pattern: Path) -> dict[int, Path]:
    """The files that a pattern stands for, by number, ascending; ``%`` means what it does in C.

    Raises:
        InputError: the folder cannot be read.
    """
    before, after = _PLACE.split(pattern.name)[0], _PLACE.split(pattern.name)[-1]
    match = _PLACE.search(pattern.name)
    width = int(match[2] or 1) if match else 1
    digits = rf"(\d{{{width}}}|[1-9]\d{{{width},}})"
    name_of = re.compile(re.escape(before) + digits + re.escape(after), re.ASCII)
    try:
        names = os.listdir(pattern.parent)  # noqa: PTH208 - names alone are needed
    except OSError as error:
        raise InputError(
            f"{display_name(pattern)}: its folder cannot be read ({error.strerror}); check the path"
        ) from None
    found = {int(m[1]): pattern.parent / m[0] for m in map(name_of.fullmatch, names) if m}
    return dict(sorted(found.items()))


class ImageSequence:
    """Numbered images as a video, for `vqa_harness.score` and the like.

    Args:
        pattern: the files, with ``%d`` or ``%04d`` in the name where the number stands.
        rate: frames per second, such as 25 or ``30000/1001``; None for 25, with a warning.

    Raises:
        UsageError: an impossible rate.
    """

    def __init__(
        self, pattern: str | os.PathLike[str], rate: str | float | Fraction | None = None
    ) -> None:
        self.pattern = Path(pattern)
        self.rate = InputFormat.of(rate=rate).rate

    def __repr__(self) -> str:
        return f"ImageSequence({self.pattern.name})"

    def __str__(self) -> str:
        return self.pattern.name

    def open(self, *, threads: int = 0, deinterlace: Deinterlace = "off") -> SequenceReader:
        """A reader that begins at the first image; see `vqa_harness.VideoReader`.

        Raises:
            InputError: there is no such file, or none can be decoded.
        """
        return SequenceReader(self.pattern, self.rate, threads, deinterlace)

    def sha256(self) -> str:
        """A SHA-256 over numbers and contents of the files, in hexadecimal.

        Raises:
            InputError: a file cannot be read.
        """
        digest = hashlib.sha256()
        for number, path in _some_files(self.pattern).items():
            digest.update(f"{number} {file_sha256(path)}\n".encode())
        return digest.hexdigest()


class SequenceReader:
    """Yields the images once, in the order of their numbers; see `VideoReader`.

    Args:
        pattern: the files.
        rate: frames per second; None if nobody stated it.
        threads: decoder threads; 0 lets FFmpeg choose.
        deinterlace: as `VideoReader` takes it.

    Attributes:
        info: facts of the first image that can be decoded, as a video has them.
        report: counts and problems; final once every image was read.
        deinterlaced: how frames are being deinterlaced; None if they are not.

    Raises:
        InputError: there is no such file, or none can be decoded.
    """

    def __init__(
        self, pattern: Path, rate: Fraction | None, threads: int, deinterlace: Deinterlace
    ) -> None:
        files = _some_files(pattern)
        name = display_name(pattern)
        self._rate = rate or DEFAULT_RATE
        self._threads, self._deinterlace = threads, deinterlace
        self._size: tuple[int, int] | None = None
        self.report = report = ReadReport(name, expected_frames=len(files))
        self.deinterlaced: Deinterlacing | None = None
        pictures = self._pictures(files)
        first = next(pictures, None)
        if first is None:
            raise InputError(
                f"{name}: none of its {len(files)} images can be decoded ({report.first_error})"
            )
        reader, frame = first
        self.deinterlaced = reader.deinterlaced
        self.info = replace(
            reader.info,
            name=name,
            rate=self._rate,
            expected_frames=len(files),
            duration=len(files) / self._rate,
            still=False,
        )
        report.note(f"{len(files)} numbered images, {min(files)} to {max(files)}")
        if rate is None:
            report.problem(f"nobody stated it, so it is read at {self._rate} frames per second")
        missing = _missing(list(files))
        if missing:
            report.problem(f"no image has the number {missing}: their frames are missing")
        self._frames = self._read(frame, pictures)

    def __iter__(self) -> Iterator[Frame]:
        """The frames not yet read; a second iteration goes on where the first stopped."""
        return self._frames

    def close(self) -> None:
        """Do nothing: each file is closed when it was read."""

    def _read(self, first: Frame, rest: Iterator[tuple[VideoReader, Frame]]) -> Iterator[Frame]:
        yield first
        del first
        for _, frame in rest:
            yield frame
        report = self.report
        report.complete = True
        report.duration = report.packets / self._rate

    def _pictures(self, files: dict[int, Path]) -> Iterator[tuple[VideoReader, Frame]]:
        report, start = self.report, min(files)
        for number, path in files.items():
            report.packets += 1
            try:
                with VideoReader(
                    path, threads=self._threads, deinterlace=self._deinterlace
                ) as reader:
                    frame = next(iter(reader))
                    more = next(iter(reader), None) is not None
            except InputError as error:
                report.decode_errors += 1
                report.first_error = report.first_error or one_line(error)
                continue
            if more:
                report.problem(f"{path.name} holds several frames, of which the first was read")
            for text in reader.report.metadata_problems:
                report.problem(text)
            for text in reader.report.notes:
                report.note(text)
            yield reader, self._counted(frame, (number - start) / self._rate)

    def _counted(self, frame: Frame, time: Fraction) -> Frame:
        report, index = self.report, self.report.frames
        report.frames += 1
        size = (frame.width, frame.height)
        if self._size is not None and size != self._size:
            report.count_size(index, size)
        self._size = size
        if frame.corrupt:
            report.count_corrupt(index)
        return frame.showing(frame.source, index=index, time=time)


def _some_files(pattern: Path) -> dict[int, Path]:
    files = numbered_files(pattern)
    if not files:
        raise InputError(
            f"{display_name(pattern)}: no file has such a name; check the folder and the digits"
        )
    return files


def _missing(numbers: Sequence[int]) -> str:
    """The numbers between the first and the last that are not there, the first of them as text."""
    gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in gaps[:5]]
    return ", ".join(shown) + (", ..." if len(gaps) > 5 else "")
