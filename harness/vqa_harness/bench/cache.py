"""Pooled scores kept by content: one small file per metric and video.

The name of an entry is the key (`CacheKeys`) of a run of that metric alone. Adding a metric or a
video to a benchmark, or going on after an interruption, therefore scores only what is new.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa_harness.files import make_cache_folder, write_text
from vqa_harness.logs.lenient import as_number, shown

MAX_ENTRY_BYTES = 1 << 20
"""Size in bytes beyond which an entry is not read."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """What one metric gave for one video.

    Attributes:
        values: feature as logged to ``mean``, ``min``, ``max`` and ``harmonic_mean``.
        warnings: what the metric warned of.
    """

    values: Mapping[str, Mapping[str, float | None]]
    warnings: Sequence[str] = field(default=())


class ScoreCache:
    """A folder of pooled scores.

    Args:
        folder: made when the first entry is put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> Pooled | None:
        """The scores kept under a key; None where there are none that can be read."""
        try:
            with self._path(key).open("rb") as file:
                entry = json.loads(file.read(MAX_ENTRY_BYTES))
            return _checked(entry)
        except (OSError, ValueError, RecursionError):
            return None

    def put(self, key: str, pooled: Pooled) -> None:
        """Keep scores under a key.

        Raises:
            UsageError: the folder cannot be written to.
        """
        path = self._path(key)
        make_cache_folder(path.parent)
        entry = {"values": pooled.values, "warnings": list(pooled.warnings)}
        write_text(path, json.dumps(entry, allow_nan=False))

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"


def _checked(entry: Any) -> Pooled | None:
    """The scores of an entry; None if it does not have the right form."""
    values = entry.get("values") if isinstance(entry, dict) else None
    if not isinstance(values, dict):
        return None
    for pools in values.values():
        if not isinstance(pools, dict) or not all(
            value is None or as_number(value) is not None for value in pools.values()
        ):
            return None
    warnings = entry.get("warnings")
    return Pooled(values, [shown(text) for text in warnings] if isinstance(warnings, list) else ())
