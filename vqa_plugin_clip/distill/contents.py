"""Pristine content: what there is, what is never trained on, and how stills are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vqa_harness.errors import InputError, UsageError, one_line
from vqa_plugin_clip.distill.footage import FOOTAGE_SUFFIXES, is_footage

STILL_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
_LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg"})
_PIXELS_MAX = 100_000_000
"""Largest picture that is decoded."""
_SHORT_SIDE_MAX = 1600
"""Shorter side, in pixels, from which on a picture is always shrunk."""
HELD_OUT_PERMILLE = 225
"""How many of 1000 contents are kept for evaluation."""
_VALIDATION_SALT = "validation"
"""Makes the order for validation another one than that for evaluation."""


def list_contents(source: Path) -> list[Path]:
    """List the stills and videos below a folder, or those that a text file names, sorted by name.

    Raises:
        UsageError: There is no such folder or file, or it holds no stills or videos.
    """
    if source.is_dir():
        paths: Iterable[Path] = source.rglob("*")
    elif source.is_file():
        lines = source.read_text("utf-8").splitlines()
        paths = (source.parent / line.strip() for line in lines if line.strip())
    else:
        raise UsageError(f"--content {source}: no such folder or list of files")
    suffixes = STILL_SUFFIXES | FOOTAGE_SUFFIXES
    contents = sorted(path for path in paths if path.suffix.lower() in suffixes)
    if not contents:
        raise UsageError(
            f"--content {source}: holds neither stills (png, jpg, webp, bmp, tif) nor videos"
            " (mp4, mov, mkv, webm, mxf, ts, avi, y4m)"
        )
    return contents


def is_held_out(content: Path) -> bool:
    """Whether a content is kept for evaluation; decided by its file name alone, so for good."""
    digest = hashlib.sha256(content.stem.encode()).digest()
    return int.from_bytes(digest[:8], "big") % 1000 < HELD_OUT_PERMILLE


def validation_part(contents: Sequence[Path], share: float) -> list[Path]:
    """Choose the training contents that are kept to validate with, by their file names alone.

    JPEG files are left out, as `is_lossy` says why.

    Args:
        contents: The training contents.
        share: Share of them, 0 for none; at least one where there are two or more.
    """
    clean = [path for path in contents if not is_lossy(path)]
    if not share or len(contents) < 2:
        return []
    wanted = max(1, round(share * len(contents)))
    return sorted(sorted(clean, key=_validation_key)[: min(wanted, len(contents) - 1)])


def _validation_key(content: Path) -> bytes:
    return hashlib.sha256(f"{_VALIDATION_SALT} {content.stem}".encode()).digest()


def with_motion(contents: Sequence[Path], share: float) -> list[Path]:
    """Repeat the videos among contents until they are about this share of the list.

    Args:
        contents: Stills and videos.
        share: Share of the videos, 0 to below 1; where it is exceeded already nothing changes.
    """
    videos = [path for path in contents if is_footage(path)]
    stills = len(contents) - len(videos)
    if not videos or not stills:
        return list(contents)
    times = max(1, round(share * stills / (1 - share) / len(videos)))
    return [*contents, *videos * (times - 1)]


def is_lossy(content: Path) -> bool:
    """Whether a still is a JPEG file: it can be trained on if shrunk, but not measured by."""
    return content.suffix.lower() in _LOSSY_SUFFIXES


def read_still(path: Path, rng: np.random.Generator, short_side_min: int) -> Image.Image:
    """Read an RGB picture, shrunk at random so that one content is seen at many scales.

    Pictures from lossy files are shrunk by two or more, which hides what their coding has done.

    Args:
        path: The file.
        rng: Draws the scale.
        short_side_min: The shorter side of the result is at least this, in pixels.

    Raises:
        InputError: The file cannot be read, or the picture is too small or too large.
    """
    picture, largest = open_still(path, short_side_min)
    short = min(picture.size)
    target_side = short_side_min * (largest / short_side_min) ** rng.uniform()
    factor = target_side / short
    if factor > 0.98:
        return picture
    size = round(picture.width * factor), round(picture.height * factor)
    return picture.resize(size, Image.Resampling.LANCZOS)


def unreadable(path: Path, error: Exception) -> str:
    """Say why a picture cannot be read; the folder that Pillow names is left out."""
    why = one_line(error).replace(str(path), path.name)
    return f"cannot be read as a picture ({why})"


def open_still(path: Path, short_side_min: int) -> tuple[Image.Image, int]:
    """Decode a still.

    Args:
        path: The file.
        short_side_min: The shorter side, in pixels, that must be left after shrinking.

    Returns:
        The RGB picture, and the largest shorter side that it may be used at.

    Raises:
        InputError: The file cannot be read, or the picture is too small or too large.
    """
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > _PIXELS_MAX:
                raise InputError(f"{path.name}: more than {_PIXELS_MAX} pixels, shrink it first")
            opened.draft("RGB", (2 * _SHORT_SIDE_MAX, 2 * _SHORT_SIDE_MAX))
            picture = opened.convert("RGB")
    except (
        OSError,
        SyntaxError,  # what Pillow raises for some broken PNG files
        ValueError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
    ) as error:
        raise InputError(f"{path.name}: {unreadable(path, error)}") from None
    largest = min(picture.size) // 2 if is_lossy(path) else min(picture.size)
    if largest < short_side_min:
        halved = ", and a JPEG file is halved" if is_lossy(path) else ""
        raise InputError(
            f"{path.name}: {picture.width}x{picture.height} is too small a picture{halved};"
            f" the shorter side has to be {short_side_min} pixels"
        )
    return picture, min(largest, _SHORT_SIDE_MAX)
