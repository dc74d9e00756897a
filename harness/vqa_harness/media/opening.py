"""Checking what the user names before FFmpeg opens it, and saying why a file cannot be opened."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from vqa_harness import system
from vqa_harness.errors import InputError
from vqa_harness.files import why_missing
from vqa_harness.media.container import message
from vqa_harness.media.facts import Scan
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.grain import Grain
from vqa_harness.media.input_format import InputFormat
from vqa_harness.media.packets import frame_bytes, scan_packets
from vqa_harness.media.video_file import VideoFile

Source = str | os.PathLike[str] | BinaryIO


RAW_ENDINGS = (".yuv", ".i420", ".yv12", ".nv12", ".nv21", ".uyvy", ".yuyv", ".p010")
"""Endings of names that raw video has, and nothing else."""
AMBIGUOUS_ENDINGS = (".raw", ".rgb", ".bgr", ".gray", ".bin")
"""Endings of names that raw video has if its size is stated, and other files have as well."""
HOW_TO_READ_RAW = (
    "raw video does not say how it is to be read; state it with --size WIDTHxHEIGHT --pix-fmt "
    "yuv420p --rate 25 (run, align, gate; RawVideo in Python), or wrap it: ffmpeg -f rawvideo "
    "-video_size WIDTHxHEIGHT -pixel_format yuv420p -framerate 25 -i {name} out.y4m"
)
_Y4M = b"YUV4MPEG2"


def looks_raw(path: Path, *, stated: bool = False) -> bool:
    """Whether a file is raw video by its name, and no YUV4MPEG2 by its content.

    Args:
        path: a regular file.
        stated: whether a size is stated, so that endings count that other files have as well.
    """
    endings = RAW_ENDINGS + AMBIGUOUS_ENDINGS if stated else RAW_ENDINGS
    if path.suffix.lower() not in endings:
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_Y4M)) != _Y4M
    except OSError:  # opening says what is wrong
        return False


def display_name(path: Source) -> str:
    """The base name of a path, control characters replaced; ``memory`` for a file object."""
    if not isinstance(path, (str, os.PathLike)):
        return "memory"
    name = Path(os.fspath(path)).name or str(path)
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


def why_not(error: BaseException) -> str:
    """Why a file could not be opened, and what to do, as the end of a line."""
    if short := system.what_is_short(error):
        return short
    if getattr(error, "errno", None) == errno.EINVAL:
        return (
            "not a video container (sound files and playlists are not read); name the video itself"
        )
    return f"cannot be opened as a video ({message(error)}); is it complete, and a video?"


def checked_source(path: Source, *, raw: bool = False) -> str | BinaryIO:
    """What to hand to FFmpeg: a file object as it is, a path as a ``file:`` address.

    Args:
        path: what the user named.
        raw: whether size and format of raw frames are known.

    Raises:
        InputError: the path is not that of a regular file with something in it.
    """
    if not isinstance(path, (str, os.PathLike)):
        return path
    name = display_name(path)
    if not os.fspath(path):
        raise InputError("no file was named; give a path")
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; {why_missing(path)}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be opened ({message(error)}); check the path") from None
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{name}: is a directory; name the file in it")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{name}: is not a regular file; write the video to a file first")
    if not status.st_size:
        raise InputError(f"{name}: is empty; make it again")
    if not raw and looks_raw(Path(path)):
        raise InputError(f"{name}: {HOW_TO_READ_RAW.format(name=name)}")
    return f"file:{Path(path).absolute()}"


def open_video(
    source: str | BinaryIO,
    threads: int,
    deinterlace: Deinterlace,
    raw: InputFormat | None = None,
    grain: Grain = "on",
) -> tuple[VideoFile, Scan]:
    """Open a video and count its packets; a file object is read from its start for each."""
    if raw is not None:
        return _open_raw(source, threads, deinterlace, raw)
    if not isinstance(source, str):
        source.seek(0)
        scan = scan_packets(source)
        source.seek(0)
        return VideoFile(source, threads, deinterlace, grain=grain), scan
    file = VideoFile(source, threads, deinterlace, grain=grain)
    try:
        return file, file.promised() or scan_packets(source)
    except BaseException:
        file.close()
        raise


def _open_raw(
    source: str | BinaryIO, threads: int, deinterlace: Deinterlace, raw: InputFormat
) -> tuple[VideoFile, Scan]:
    size = frame_bytes(source, raw)
    if not isinstance(source, str):
        source.seek(0)
    file = VideoFile(source, threads, deinterlace, raw, size)
    return file, Scan(max(1, file.bytes // size), promised=True)
