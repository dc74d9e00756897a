"""Notes that people make on frames of a video, kept beside its log.

The file may be anybody's: what is not as it should be is refused, and its size is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from vqa_harness.errors import InputError
from vqa_harness.files import read_bytes, write_text

Mark = Literal["", "accepted", "marked"]
SCHEMA = 1
"""Version of the layout."""
MOST_NOTES, MOST_TEXT = 5000, 2000
"""Most notes of a file, and most characters of one."""
MOST_BYTES = 64 << 20
"""Bytes of the largest file that is read."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody says of a frame.

    Attributes:
        frame: its number in the log, from 0.
        mark: ``marked`` for a frame to come back to, ``accepted`` for one that was found to be
            good enough; empty for neither.
        text: in words.
    """

    frame: int
    mark: Mark = ""
    text: str = ""


def notes_path(of: Path, *, log: bool = True) -> Path:
    """Where the notes on a log or a video are: ``scores.notes.json``, ``clip.mp4.notes.json``."""
    return of.with_name(f"{of.stem if log else of.name}.notes.json")


def checked_notes(document: Any) -> list[Note]:
    """The notes of a document, one a frame, by frame.

    Raises:
        ValueError: it is no such document; the message says why.
    """
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError("is no file of notes of this version")
    listed = document.get("notes")
    if not isinstance(listed, list) or len(listed) > MOST_NOTES:
        raise ValueError(f"needs a list of at most {MOST_NOTES} notes")
    notes = {note.frame: note for note in map(_checked, listed)}
    return [notes[frame] for frame in sorted(notes)]


def _checked(entry: Any) -> Note:
    if not isinstance(entry, dict):
        raise ValueError("has a note that is no object")
    frame, mark, text = entry.get("frame"), entry.get("mark", ""), entry.get("text", "")
    if type(frame) is not int or not 0 <= frame < 1 << 53:
        raise ValueError(f"has a note on frame {str(frame)[:40]!r}, which is no number of one")
    if mark not in get_args(Mark):
        raise ValueError(f"frame {frame} is marked neither 'accepted' nor 'marked'")
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise ValueError(f"the note on frame {frame} is no text of at most {MOST_TEXT} characters")
    return Note(frame, mark, text)


def read_notes(path: Path) -> list[Note]:
    """The notes in a file; none where there is no file.

    Raises:
        InputError: it cannot be read, or is no file of notes.
    """
    if not path.is_file():
        return []
    data = read_bytes(path, MOST_BYTES, "notes")
    try:
        return checked_notes(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: {error}; move it away, or repair it") from None


def write_notes(path: Path, notes: Sequence[Note]) -> None:
    """Write notes into a file, which appears complete or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    document = {"schema": SCHEMA, "kind": "notes", "notes": [asdict(note) for note in notes]}
    write_text(path, json.dumps(document, indent=2) + "\n")
