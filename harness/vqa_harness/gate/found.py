"""Which of the videos in a folder are references, and what was made from each: told by names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

ENDINGS = frozenset(
    [
        *(".264", ".265", ".266", ".3gp", ".asf", ".avi", ".flv", ".h264", ".h265", ".hevc"),
        *(".ivf", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf"),
        *(".nut", ".obu", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
    ]
)
"""Endings of the names of videos, in small letters."""

WORDS = frozenset(
    [
        *("lossless", "master", "masters", "orig", "original", "originals", "pristine"),
        *("ref", "refs", "reference", "references", "source", "sources", "src"),
    ]
)
"""Words in the name of a file, or of a folder, that make it a reference."""

DEPTH = 3
"""Folders below the first that are looked into."""

MOST = 1000
"""Videos that are taken at most."""


def find_videos(folder: Path) -> Iterator[Path]:
    """Every video in a folder and up to `DEPTH` folders below it, sorted; hidden ones are left out.

    Files whose names no configuration can hold are left out as well.
    """
    count = 0
    for place, folders, names in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if not f.startswith(".")) if depth < DEPTH else []
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or path.suffix.lower() not in ENDINGS or not path.is_file():
                continue
            if count == MOST or not _is_unicode(str(path)):
                continue
            count += 1
            yield path


def pairs_by_name(
    videos: Sequence[Path], folder: Path
) -> tuple[dict[Path | None, list[Path]], list[Path]]:
    """Find what was made from what, by names alone.

    A reference has one of `WORDS` in its name or a folder's, or is uncompressed (``.y4m``), or has
    a name that another one continues: ``crowd.mkv`` for ``crowd_crf30.mp4``. Where there is only
    one with such a word, all others are compared with it. Where all have one, it says nothing.

    Args:
        videos: the videos.
        folder: the names of folders below this one count.

    Returns:
        Reference, or None for none, to the videos made from it; and references that are left over.
    """
    named = [video for video in videos if _is_named(video, folder)]
    if len(named) == len(videos):
        named = []
    pairs: dict[Path | None, list[Path]] = {}
    used: set[Path] = set()
    for video in videos:
        if video in named:
            continue
        reference = _reference_of(video, named) or _beginning_of(video, videos)
        if reference is None and len(named) == 1:
            reference = named[0]
        if reference is not None:
            used.add(reference)
        pairs.setdefault(reference, []).append(video)
    for group in pairs.values():  # what others were made from is not judged
        group[:] = [video for video in group if video not in used]
    pairs = {reference: group for reference, group in pairs.items() if group}
    return pairs, [video for video in named if video not in used]


def _reference_of(video: Path, named: Sequence[Path]) -> Path | None:
    """The reference whose name is the longest part of a video's; the nearest of several."""
    words = _words(video)
    fitting = [r for r in named if (own := _words(r)) and _holds(words, own)]
    return max(fitting, key=lambda r: (len(_words(r)), _shared(r, video)), default=None)


def _beginning_of(video: Path, videos: Sequence[Path]) -> Path | None:
    """The video whose name another one continues; the shortest of a chain, in the same folder."""
    words = _words(video)
    shorter = [
        other
        for other in videos
        if other.parent == video.parent
        and (own := _words(other))
        and len(own) < len(words)
        and words[: len(own)] == own
    ]
    return min(shorter, key=lambda other: len(_words(other)), default=None)


def _is_named(path: Path, folder: Path) -> bool:
    below = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
    words = {word for part in (*below.parts[:-1], below.stem) for word in _split(part)}
    return path.suffix.lower() == ".y4m" or bool(words & WORDS)


def _holds(words: Sequence[str], own: Sequence[str]) -> bool:
    """Whether ``own`` stands in ``words``, one after the other."""
    return any(words[i : i + len(own)] == own for i in range(len(words) - len(own) + 1))


def _words(path: Path) -> list[str]:
    return [word for word in _split(path.stem) if word not in WORDS]


def _split(text: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", text.lower()) if word]


def _shared(one: Path, other: Path) -> int:
    """How many folders two paths begin with alike."""
    both = zip(one.parts[:-1], other.parts[:-1], strict=False)
    return next(
        (i for i, (a, b) in enumerate(both) if a != b), min(len(one.parts), len(other.parts))
    )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
