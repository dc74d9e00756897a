"""Pooled scores kept by content: one small file per metric and video.

The name of an entry is a hash over the bytes of the video (and reference) and everything else that
`result_cache.cache_key` says a score depends on. Adding a metric or a video to a benchmark, or
going on after an interruption, therefore scores only what is new.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa_harness.files import make_cache_folder, write_text
from vqa_harness.logs.cache import cache_key
from vqa_harness.registry import Registry, Request

MAX_ENTRY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Pooled:
    """What one metric gave for one video.

    Attributes:
        values: feature as logged to ``mean``, ``min``, ``max`` and ``harmonic_mean``.
        warnings: what the metric warned of.
    """

    values: Mapping[str, Mapping[str, float | None]]
    warnings: Sequence[str] = field(default=())


def fingerprint(request: Request, registry: Registry) -> str:
    """Of everything a score depends on but the video: 64 hexadecimal digits."""
    nothing = Path(os.devnull)
    reference = nothing if request.spec.reference else None
    return cache_key(nothing, reference, [request], registry).digest


class ScoreCache:
    """A folder of pooled scores.

    Args:
        folder: made when the first entry is put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, metric: str, contents: Sequence[str]) -> Pooled | None:
        """What was kept; None where there is nothing that can be read.

        Args:
            metric: its `fingerprint`.
            contents: SHA-256 of the video, and of the reference.
        """
        try:
            with self._path(metric, contents).open("rb") as file:
                entry = json.loads(file.read(MAX_ENTRY_BYTES))
            return _checked(entry)
        except (OSError, ValueError, RecursionError):
            return None

    def put(self, metric: str, contents: Sequence[str], pooled: Pooled) -> None:
        """Keep scores.

        Raises:
            UsageError: the folder cannot be written.
        """
        path = self._path(metric, contents)
        make_cache_folder(path.parent)
        entry = {"values": pooled.values, "warnings": list(pooled.warnings)}
        write_text(path, json.dumps(entry, allow_nan=False))

    def _path(self, metric: str, contents: Sequence[str]) -> Path:
        digest = hashlib.sha256("\n".join([metric, *contents]).encode()).hexdigest()
        return self.folder / digest[:2] / f"{digest[2:]}.json"


def _checked(entry: Any) -> Pooled | None:
    """The entry if it has the right form."""
    values = entry.get("values") if isinstance(entry, dict) else None
    if not isinstance(values, dict):
        return None
    for pools in values.values():
        if not isinstance(pools, dict) or not all(
            value is None or isinstance(value, float | int) for value in pools.values()
        ):
            return None
    warnings = entry.get("warnings")
    return Pooled(values, [str(text) for text in warnings] if isinstance(warnings, list) else ())
