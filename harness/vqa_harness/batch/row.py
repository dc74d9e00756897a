"""One row of a batch: what became of a case, as it lies on the disk and in tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from vqa_harness.errors import InputError
from vqa_harness.media.numbered import is_pattern, numbered_files

Status = Literal["done", "failed"]
SCHEMA = 1
"""Version of the row's layout."""


@dataclass(slots=True)
class Row:
    """What became of a case.

    Attributes:
        key: the case's key, see `vqa_harness.batch.case.Case`.
        settings: `vqa_harness.batch.settings.Settings.digest`.
        file: the video, as the manifest names it.
        reference: what it was compared with, as the manifest names it; empty for none.
        status: ``done`` or ``failed``.
        columns: the manifest's further columns.
        exit_code: 0, or that of the error.
        message: why it failed, one line; empty where it did not.
        log: key of the log, under which it lies in ``logs/``; None without a log.
        frames: how many were scored.
        pooled: feature to pooling to value, over the frames where the feature is defined.
        warnings: how many the log has.
        seconds: wall time of the last attempt.
        host: where that was made.
        attempt: its number, from 1.
        finished: when it ended, ISO 8601, UTC.
        undivided: what was scored in one piece though the case is long, and why; empty otherwise.
        inputs: role to size in bytes and time of change of its file, or size and tag of an object;
            None where it is missing.
    """

    key: str
    settings: str
    file: str
    reference: str
    status: Status
    columns: dict[str, Any] = field(default_factory=dict)
    exit_code: int = 0
    message: str = ""
    log: str | None = None
    frames: int = 0
    pooled: dict[str, dict[str, float]] = field(default_factory=dict)
    warnings: int = 0
    seconds: float = 0.0
    host: str = ""
    attempt: int = 1
    finished: str = ""
    undivided: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)

    def to_text(self) -> str:
        """The row as one line of JSON."""
        document = {"schema": SCHEMA, **{name: getattr(self, name) for name in _TYPES}}
        return json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n"

    @classmethod
    def of_text(cls, text: str | bytes) -> Row:
        """Read what `to_text` wrote.

        Raises:
            ValueError: it is something else.
        """
        document = json.loads(text)
        if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
            raise ValueError("is no row of this version")
        if set(document) != set(_TYPES):
            raise ValueError("lacks a part, or has one more")
        for name, kind in _TYPES.items():
            if not isinstance(document[name], kind) or document["status"] not in ("done", "failed"):
                raise ValueError(f"{name!r} has a wrong type")
        _check_pooled(document["pooled"])
        return cls(**document)


_KINDS: dict[str, Any] = {
    "int": int,
    "float": (int, float),
    "str": str,
    "str | None": (str, type(None)),
    "Status": str,
}
_TYPES = {one.name: _KINDS.get(str(one.type), dict) for one in fields(Row)}


def _check_pooled(pooled: Mapping[str, Any]) -> None:
    for values in pooled.values():
        if not isinstance(values, dict):
            raise ValueError("'pooled' has a wrong type")
        if not all(isinstance(x, int | float) for x in values.values()):
            raise ValueError("'pooled' has a value that is no number")


def file_facts(path: Path) -> dict[str, int] | None:
    """What tells that a file has not changed since, without reading it; None if it is missing."""
    try:
        files = list(numbered_files(path).values()) if is_pattern(path) else [path]
        found = [file.stat() for file in files]
    except (OSError, InputError, ValueError):
        return None
    if not found:
        return None
    size, changed = sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)
    return {"files": len(found), "size": size, "changed": changed}
