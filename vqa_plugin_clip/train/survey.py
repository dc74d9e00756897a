"""A first look at every file: whether it decodes, and how many frames it has."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from vqa_harness import interruption
from vqa_harness.errors import InputError, one_line
from vqa_harness.files import write_text
from vqa_harness.media.reader import VideoReader


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file holds.

    Attributes:
        size: bytes.
        changed: time of its last change, nanoseconds.
        frames: how many can be decoded.
        still: whether it is a picture.
        problem: why it cannot be used; empty if it can.
    """

    size: int
    changed: int
    frames: int = 0
    still: bool = False
    problem: str = ""


def survey(
    paths: Sequence[Path],
    kept: Path,
    threads: int,
    progress: Callable[[int, int], None],
) -> list[FileFacts]:
    """Decode every file once and count its frames.

    Args:
        paths: which files.
        kept: JSON file with the facts found before; files that did not change since are not
            decoded again. Written anew.
        threads: files read at once.
        progress: called with the number of files done and to be done.

    Returns:
        facts in the order of ``paths``.
    """
    known = _read(kept)
    found: list[FileFacts] = []
    with ThreadPoolExecutor(max(1, threads)) as pool:
        try:
            for facts in pool.map(lambda path: _facts(path, known.get(str(path))), paths):
                found.append(facts)
                progress(len(found), len(paths))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            new = zip(map(str, paths), found, strict=False)
            _write(kept, known | dict(new))
    return found


def _facts(path: Path, known: FileFacts | None) -> FileFacts:
    interruption.check()
    try:
        status = path.stat()
    except OSError as error:
        return FileFacts(0, 0, problem=f"cannot be opened ({error.strerror})")
    if known is not None and (known.size, known.changed) == (status.st_size, status.st_mtime_ns):
        return known
    facts = FileFacts(status.st_size, status.st_mtime_ns)
    try:
        return _count(path, facts)
    except InputError as error:
        return FileFacts(facts.size, facts.changed, problem=one_line(error))


def _count(path: Path, facts: FileFacts) -> FileFacts:
    with VideoReader(path, threads=1) as reader:
        for frame in reader:
            interruption.check()
            frame.release()
        report, still = reader.report, reader.info.still
    problem = "its picture size changes" if report.size_changes else ""
    return FileFacts(
        facts.size,
        facts.changed,
        frames=report.frames,
        still=still,
        problem=problem,
    )


def _read(kept: Path) -> dict[str, FileFacts]:
    try:
        stored = json.loads(kept.read_text("utf-8"))
        return {str(path): FileFacts(**facts) for path, facts in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(kept: Path, facts: dict[str, FileFacts]) -> None:
    rows = {path: asdict(found) for path, found in facts.items()}
    write_text(kept, json.dumps(rows, indent=1) + "\n")
