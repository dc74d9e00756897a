"""From what a user names to what is read: a file, raw video, numbered images, a whole folder."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from vqa_harness.errors import InputError, UsageError
from vqa_harness.media.input_format import InputFormat, PairFormat
from vqa_harness.media.numbered import ImageSequence, is_pattern
from vqa_harness.media.opening import AMBIGUOUS_ENDINGS, RAW_ENDINGS, display_name, looks_raw
from vqa_harness.media.raw import RawVideo
from vqa_harness.media.source import VideoSource

IMAGES = frozenset(
    {".bmp", ".dpx", ".exr", ".jp2", ".jpeg", ".jpg", ".jxl", ".pgm", ".png", ".pnm", ".ppm"}
    | {".tga", ".tif", ".tiff", ".webp"}
)
"""Endings of still images."""
VIDEOS = IMAGES.union(
    (".3g2", ".3gp", ".apng", ".asf", ".avi", ".avif", ".flv", ".gif", ".h264", ".h265", ".heic"),
    (".hevc", ".ivf", ".m2ts", ".m2v", ".m4v", ".mj2", ".mjpeg", ".mkv", ".mov", ".mp4", ".mpeg"),
    (".mpg", ".mts", ".mxf", ".nut", ".obu", ".ogv", ".rm", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
)
"""Endings of the files that are taken from a folder; any file is read that is named itself."""
_NUMBERED = re.compile(r"(.*?)(\d+)(\.\w+)", re.ASCII)


def as_source(path: Path, stated: InputFormat | None = None) -> Path | VideoSource:
    """What to read for a path.

    Args:
        path: a file, or a pattern of numbered images such as ``frame_%04d.png``.
        stated: what the user states of it.
    """
    stated = stated or InputFormat()
    if is_pattern(path):
        return ImageSequence(path, stated.rate)
    if stated.size is not None and path.is_file() and looks_raw(path, stated=True):
        return RawVideo(path, stated.size, stated.pix_fmt, stated.rate)
    return path


def check_stated(stated: PairFormat, distorted: Iterable[Path], reference: Path | None) -> None:
    """Refuse what is stated of no input, because it would be forgotten in silence.

    Raises:
        UsageError: a size or pixel format where no input is raw video, or a rate where none is
            raw video or numbered images.
    """
    sides = [(path, stated.distorted) for path in distorted]
    if reference is not None:
        sides.append((reference, stated.reference))
    sources = [as_source(path, form) for path, form in sides]
    raw = any(isinstance(source, RawVideo) for source in sources)
    images = any(isinstance(source, ImageSequence) for source in sources)
    forms = (stated.distorted, stated.reference)
    if not raw and any(form.size or form.pix_fmt for form in forms):
        endings = ", ".join(RAW_ENDINGS + AMBIGUOUS_ENDINGS)
        lacks = not any(form.size for form in forms)
        raise UsageError(
            "--pix-fmt: raw video needs its --size as well"
            if lacks
            else f"--size, --pix-fmt: no input is raw video; that ends in one of {endings}"
        )
    if not (raw or images) and any(form.rate for form in forms):
        raise UsageError("--rate: no input is raw video or numbered images; others state theirs")


def expand(paths: Iterable[Path], told: Callable[[str], None]) -> list[Path]:
    """The inputs that a user named, with the videos of a folder in its place.

    Args:
        paths: files, patterns and folders.
        told: takes a line about files of a folder that are left out.

    Raises:
        InputError: a folder cannot be read, has no video in it, or holds numbered images, which
            may be a video or images of their own.
    """
    inputs: list[Path] = []
    for path in paths:
        inputs += _in_folder(path, told) if path.is_dir() else [path]
    return inputs


def _in_folder(folder: Path, told: Callable[[str], None]) -> list[Path]:
    name = display_name(folder)
    try:
        files = sorted(Path(entry) for entry in os.scandir(folder) if entry.is_file())
    except OSError as error:
        raise InputError(
            f"{name}: the folder cannot be read ({error.strerror}); check it"
        ) from None
    taken = [f for f in files if f.suffix.lower() in VIDEOS or looks_raw(f, stated=True)]
    if not taken:
        raise InputError(f"{name}: the folder holds no video; name one with videos in it")
    for prefix, numbers, ending in _series(taken):
        pattern = f"{prefix}%0{len(numbers[0])}d{ending}"
        raise InputError(
            f"{name}: the folder holds {len(numbers)} numbered images: name "
            f"{name}/{pattern} if they are a video, or {name}/*{ending} if each is scored alone"
        )
    left = [f.name for f in files if f not in taken]
    if left:
        count = "1 file" if len(left) == 1 else f"{len(left)} files"
        listed = ", ".join(map(display_name, left[:3])) + (", ..." if len(left) > 3 else "")
        told(f"{name}: {count} left out, not videos by their names ({listed})")
    return taken


def _series(files: Iterable[Path]) -> Iterator[tuple[str, list[str], str]]:
    """Images that differ in a number only: what stands before it, the numbers, the ending."""
    series: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for path in files:
        match = _NUMBERED.fullmatch(path.name)
        if match is not None and path.suffix.lower() in IMAGES:
            series[match[1], match[3], len(match[2])].append(match[2])
    for (prefix, ending, _), numbers in series.items():
        if len(numbers) > 1:
            yield prefix, numbers, ending
