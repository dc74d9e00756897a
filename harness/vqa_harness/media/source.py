"""What can be read as a video, again and again: a file, a file object, or frames in memory.

Alignment reads a video up to three times, at times twice at once, so a source is not a reader: it
gives a new one whenever it is asked.
"""

from __future__ import annotations

import copy
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from vqa_harness import memory
from vqa_harness.errors import InputError, UsageError
from vqa_harness.files import file_sha256
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.filters import Deinterlace, Deinterlacing
from vqa_harness.media.grain import Grain
from vqa_harness.media.numbered import ImageSequence, is_pattern
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.reader import VideoReader

_FEWEST = 3
"""Pictures of a video that are there at once at least: in the decoder, read, scored."""


class Reader(Protocol):
    """Frames in display order, once; see `VideoReader`."""

    info: StreamInfo
    report: ReadReport

    @property
    def deinterlaced(self) -> Deinterlacing | None:
        """How frames are being deinterlaced; None if they are not."""

    def __iter__(self) -> Iterator[Frame]:
        """The frames not yet read."""

    def close(self) -> None:
        """Let go of what is read from; frames already given stay valid."""


class VideoSource(Protocol):
    """A video that is not a path: a file object, or frames in memory."""

    def open(self, *, threads: int = 0, deinterlace: Deinterlace = "off") -> Reader:
        """A new reader, which begins at the first frame; arguments as of `VideoReader`."""

    def sha256(self) -> str | None:
        """The SHA-256 of the file's bytes, in hexadecimal; None where there is no file."""


def open_source(
    source: Path | VideoSource, *, threads: int = 0, deinterlace: Deinterlace = "off"
) -> Reader:
    """A new reader of a file, of numbered images or of another source; see `VideoReader`.

    Raises:
        InputError: as `VideoReader`.
    """
    if isinstance(source, Path):
        if not is_pattern(source):
            return _with_room(VideoReader(source, threads=threads, deinterlace=deinterlace))
        source = ImageSequence(source)
    return _with_room(source.open(threads=threads, deinterlace=deinterlace))


def _with_room(reader: Reader) -> Reader:
    """The reader, if a bound of memory has room for its pictures.

    Raises:
        InputError: it has not.
    """
    try:
        memory.check_room(reader.info.name, reader.info.picture_bytes, _FEWEST)
    except InputError:
        reader.close()
        raise
    return reader


def hash_source(source: Path | VideoSource) -> str | None:
    """The SHA-256 of the file's bytes, in hexadecimal; None where there is no file.

    Raises:
        InputError: the file cannot be read.
    """
    return hash_path(source) if isinstance(source, Path) else source.sha256()


def hash_path(path: Path) -> str:
    """The SHA-256 of a file's bytes or of numbered images, in hexadecimal.

    Raises:
        InputError: a file cannot be read.
    """
    return ImageSequence(path).sha256() if is_pattern(path) else file_sha256(path)


class FileObject:
    """A binary file object as a `VideoSource`; it is always read from its start.

    Args:
        file: a file object with ``read``, ``seek`` and ``tell``. It is not closed, and its position
            afterwards is undefined.

    Raises:
        UsageError: the file object gives text, or cannot seek.
    """

    def __init__(self, file: Any) -> None:
        self._grain: Grain = "on"
        if isinstance(file, io.TextIOBase):
            raise UsageError("the file object gives text; open the video in binary mode ('rb')")
        if not _seeks(file):
            raise UsageError(
                "the file object cannot seek; give a path, or put its bytes into io.BytesIO"
            )
        self._file = file
        self._lock = threading.Lock()

    def open(self, *, threads: int = 0, deinterlace: Deinterlace = "off") -> VideoReader:
        """See `VideoSource.open`."""
        view = cast(BinaryIO, _View(self._file, self._lock))
        return VideoReader(view, threads=threads, deinterlace=deinterlace, grain=self._grain)

    def without_grain(self) -> FileObject:
        """The same file, read without film grain."""
        other = copy.copy(self)
        other._grain = "off"
        return other

    def sha256(self) -> str:
        """See `VideoSource.sha256`."""
        import hashlib

        digest, view = hashlib.sha256(), _View(self._file, self._lock)
        while block := view.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()


class _View:
    """A position of its own in a file that others read at the same time.

    The lock makes moving to the position and reading one step: both videos of a comparison may be
    the same file object, and each is read in a thread.
    """

    def __init__(self, file: BinaryIO, lock: threading.Lock) -> None:
        self._file, self._lock, self._at = file, lock, 0

    def read(self, size: int = -1) -> bytes:
        with self._lock:
            self._file.seek(self._at)
            data = self._file.read(size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence == os.SEEK_END:
            with self._lock:
                offset = self._file.seek(offset, os.SEEK_END)
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at


def _seeks(file: BinaryIO) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return hasattr(file, "seek") and hasattr(file, "tell")
