"""A first look at every content: those that cannot be used are left out, and named."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vqa_harness import interruption
from vqa_harness.errors import InputError, one_line
from vqa_harness.files import write_text
from vqa_plugin_clip.distill.contents import open_still
from vqa_plugin_clip.distill.footage import check_footage, is_footage
from vqa_plugin_clip.distill.motion import FRAMES, SHORT_SIDE_MIN
from vqa_plugin_clip.distill.progress import Progress

FACTS_FILE = "contents.json"
"""Name of the file, in the folder of clips, that keeps what was found."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that cannot be used.

    Attributes:
        path: The file.
        reason: Why, without its name.
    """

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path.name}: {self.reason}"


def left_out(
    contents: Iterable[Path], cache: Path, threads: int, progress: Progress
) -> list[LeftOut]:
    """Decode every content once, and find those that no clip can be made of.

    Args:
        contents: Stills and videos.
        cache: Folder that keeps what was found; files that did not change are not decoded again.
        threads: How many files are decoded together.
        progress: Called as the work goes on.

    Returns:
        What cannot be used, in the order of ``contents``.
    """
    paths = list(dict.fromkeys(contents))
    known = _read(cache / FACTS_FILE)
    problems: list[str] = []
    with ThreadPoolExecutor(max(1, threads)) as pool:
        keys = [_key(path) for path in paths]
        try:
            for problem in pool.map(_problem, paths, map(known.get, keys)):
                problems.append(problem)
                progress("looking at contents", len(problems), len(paths), "")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            new = dict(zip(keys, problems, strict=False))
            write_text(cache / FACTS_FILE, json.dumps(known | new, indent=1) + "\n")
    return [
        LeftOut(path, problem) for path, problem in zip(paths, problems, strict=True) if problem
    ]


def summary(bad: Sequence[LeftOut], most: int = 5) -> list[str]:
    """Describe what was left out, a line for each of the first few and one for the others."""
    lines = [f"left out: {one}" for one in bad[:most]]
    if len(bad) > most:
        lines.append(f"left out: {len(bad) - most} more, which the card names")
    return lines


def _problem(path: Path, known: str | None) -> str:
    interruption.check()
    if known is not None:
        return known
    try:
        if is_footage(path):
            check_footage(path, FRAMES, SHORT_SIDE_MIN)
        else:
            open_still(path, SHORT_SIDE_MIN)
    except InputError as error:
        return one_line(error).removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")
    return ""


def _key(path: Path) -> str:
    """Name a file as it is now: no folder, because caches are passed on."""
    try:
        status = path.stat()
    except OSError:
        return f"{path.name} missing"
    return f"{path.name} {status.st_size} {status.st_mtime_ns}"


def _read(facts_file: Path) -> dict[str, str]:
    try:
        stored = json.loads(facts_file.read_text("utf-8"))
        return {str(key): str(problem) for key, problem in stored.items()}
    except (OSError, ValueError, AttributeError):
        return {}
