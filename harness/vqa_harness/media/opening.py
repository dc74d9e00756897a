"""Checking what the user names before FFmpeg opens it, and saying why a file cannot be opened."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from vqa_harness.errors import InputError
from vqa_harness.media.container import message
from vqa_harness.media.facts import Scan
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.packets import scan_packets
from vqa_harness.media.video_file import VideoFile

Source = str | os.PathLike[str] | BinaryIO


def display_name(path: Source) -> str:
    """The base name of a path, control characters replaced; ``memory`` for a file object."""
    if not isinstance(path, (str, os.PathLike)):
        return "memory"
    name = Path(os.fspath(path)).name or str(path)
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


def why_not(error: BaseException) -> str:
    """Why a file could not be opened, and what to do, as the end of a line."""
    if getattr(error, "errno", None) == errno.EINVAL:
        return (
            "not a video container (sound files and playlists are not read); name the video itself"
        )
    return f"cannot be opened as a video ({message(error)}); is it complete, and a video?"


def checked_source(path: Source) -> str | BinaryIO:
    """What to hand to FFmpeg: a file object as it is, a path as a ``file:`` address.

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
        text = os.fspath(path)
        what = "URLs are not opened, download it first" if "://" in text else "check the path"
        raise InputError(f"{name}: no such file; {what}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be opened ({message(error)}); check the path") from None
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{name}: is a directory; name the file in it")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{name}: is not a regular file; write the video to a file first")
    if not status.st_size:
        raise InputError(f"{name}: is empty; make it again")
    return f"file:{Path(path).absolute()}"


def open_video(
    source: str | BinaryIO, threads: int, deinterlace: Deinterlace
) -> tuple[VideoFile, Scan]:
    """Open a video and count its packets; a file object is read from its start for each."""
    if not isinstance(source, str):
        source.seek(0)
        scan = scan_packets(source)
        source.seek(0)
        return VideoFile(source, threads, deinterlace), scan
    file = VideoFile(source, threads, deinterlace)
    try:
        return file, file.promised() or scan_packets(source)
    except BaseException:
        file.close()
        raise
