"""Raw video: frames in a file one after another, whose size and format somebody has to state."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from vqa_harness.files import file_sha256
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.input_format import InputFormat
from vqa_harness.media.reader import VideoReader


class RawVideo:
    """A file of raw frames as a video, for `vqa_harness.score` and the like.

    Args:
        path: the file.
        size: ``WIDTHxHEIGHT``, or both numbers.
        pix_fmt: FFmpeg's name of the pixel format; None for ``yuv420p``, with a warning.
        rate: frames per second, such as 25 or ``30000/1001``; None for 25, with a warning.

    Raises:
        UsageError: one of them is impossible.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: str | tuple[int, int],
        pix_fmt: str | None = None,
        rate: str | float | Fraction | None = None,
    ) -> None:
        self.path = Path(path)
        self.stated = InputFormat.of(size, pix_fmt, rate)

    def __repr__(self) -> str:
        return f"RawVideo({self.path.name}: {self.stated})"

    def __str__(self) -> str:
        return self.path.name

    def open(self, *, threads: int = 0, deinterlace: Deinterlace = "off") -> VideoReader:
        """A reader that begins at the first frame; see `vqa_harness.VideoReader`."""
        return VideoReader(self.path, threads=threads, deinterlace=deinterlace, raw=self.stated)

    def sha256(self) -> str:
        """The SHA-256 of the file's bytes, in hexadecimal."""
        return file_sha256(self.path)
