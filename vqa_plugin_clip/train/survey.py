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
    """What was learned about a file.

    Attributes:
        size: Bytes.
        changed: Time of its last change, in nanoseconds since 1970.
        frames: How many frames can be decoded.
        still: Whether it is a picture.
        problem: Why it cannot be used; empty if it can.
    """

    size: int
    changed: int
    frames: int = 0
    still: bool = False
    problem: str = ""


def survey(
    paths: Sequence[Path],
    facts_file: Path,
    threads: int,
    progress: Callable[[int, int], None],
) -> list[FileFacts]:
    """Decode every file once and count its frames.

    Args:
        paths: The files.
        facts_file: JSON file with the facts of earlier calls; files that did not change since are
            not decoded again. It is written again with the new facts.
        threads: How many files are read together.
        progress: Called with the number of files done and to be done.

    Returns:
        Facts in the order of ``paths``.
    """
    known = _read(facts_file)
    surveyed: list[FileFacts] = []
    with ThreadPoolExecutor(max(1, threads)) as pool:
        try:
            for facts in pool.map(lambda path: _facts(path, known.get(str(path))), paths):
                surveyed.append(facts)
                progress(len(surveyed), len(paths))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            new = zip(map(str, paths), surveyed, strict=False)
            _write(facts_file, known | dict(new))
    return surveyed


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


def _read(facts_file: Path) -> dict[str, FileFacts]:
    try:
        stored = json.loads(facts_file.read_text("utf-8"))
        return {str(path): FileFacts(**facts) for path, facts in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _write(facts_file: Path, facts: dict[str, FileFacts]) -> None:
    rows = {path: asdict(surveyed) for path, surveyed in facts.items()}
    write_text(facts_file, json.dumps(rows, indent=1) + "\n")
