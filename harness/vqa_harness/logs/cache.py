"""Logs kept by the content of what they are made of: scoring the same again decodes nothing.

An entry is a whole log in libvmaf's JSON, its numbers in full precision. Its name is a hash over
the bytes of the videos, every metric with its version, parameters and provider, the alignment
options, and the versions that decode. An entry that cannot be read, or is of other videos than it
should be, counts as absent.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vqa_harness import __version__
from vqa_harness.errors import InputError
from vqa_harness.files import VARIABLE, file_sha256, make_cache_folder, write_text
from vqa_harness.logs.log import Log
from vqa_harness.registry import Registry, Request

SCHEMA = 1
MAX_BYTES = 1 << 30
"""How much a cache may hold; beyond it the entries unused for longest go."""
MAX_ENTRY_BYTES = MAX_BYTES // 4
_NO_INFLUENCE = {VARIABLE, "VQA_HARNESS_DEBUG", "VQA_HARNESS_BLOCK", "VQA_HARNESS_ONLY"}


@dataclass(frozen=True, slots=True)
class CacheKey:
    """Under what a log is kept.

    Attributes:
        digest: name of the entry.
        sha256: per stream (``distorted``, ``reference``), of the file's bytes.
        names: likewise, the file's name.
    """

    digest: str
    sha256: Mapping[str, str]
    names: Mapping[str, str]


def cache_key(
    distorted: Path,
    reference: Path | None,
    requests: Sequence[Request],
    registry: Registry,
    align: Any = None,
) -> CacheKey:
    """The key of a run; reads both videos to their end.

    Args:
        distorted: the video that is scored.
        reference: what it is compared with, or None; left out if no metric compares.
        requests: the metrics, in order.
        registry: says who provides them.
        align: alignment options, anything with a `repr` that tells all.

    Raises:
        InputError: a video cannot be read.
    """
    paths = {"distorted": distorted}
    if reference is not None and any(request.spec.reference for request in requests):
        paths["reference"] = reference
    sha256 = {role: file_sha256(path) for role, path in paths.items()}
    facts = {
        "schema": SCHEMA,
        "harness": __version__,
        "decoder": _version("av"),
        "inputs": sha256,
        "align": repr(align) if "reference" in paths else None,
        "metrics": [_metric(request, registry) for request in requests],
        "settings": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith("VQA_HARNESS_") and name not in _NO_INFLUENCE
        },
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return CacheKey(digest, sha256, {role: path.name for role, path in paths.items()})


class ResultCache:
    """A folder of logs.

    Args:
        folder: made when the first log is put.
        max_bytes: how much it may hold.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    def get(self, key: CacheKey) -> Log | None:
        """The log, its inputs called as the key's files are; None where there is none."""
        from vqa_harness.logs.read import read_log

        path = self._path(key)
        try:
            log = read_log(path, max_bytes=MAX_ENTRY_BYTES)
            if not _is_of(log, key):
                return None
            os.utime(path)
        except (InputError, OSError):
            return None
        for role, name in key.names.items():
            log.extra["inputs"][role]["name"] = name
        return replace(log)  # whose view has these names

    def put(self, key: CacheKey, log: Log) -> bool:
        """Keep a log and drop what was unused for longest; whether it was kept.

        A log in which a metric failed is not kept, nor one of other inputs (a file that changed
        while it was scored), nor one that is too large.

        Raises:
            UsageError: the folder cannot be written.
        """
        from vqa_harness.logs.vmaf_json import to_json

        if log.view.errors or not _is_of(log, key):
            return False
        text = json.dumps(to_json(log), allow_nan=False, separators=(",", ":"))
        if len(text) > min(MAX_ENTRY_BYTES, self.max_bytes):
            return False
        make_cache_folder(self.folder)
        write_text(self._path(key), text)
        self._prune()
        return True

    def _path(self, key: CacheKey) -> Path:
        return self.folder / f"{key.digest}.json"

    def _prune(self) -> None:
        """Remove the entries unused for longest until the rest fits."""
        found = []
        for path in self.folder.glob("[0-9a-f]*.json"):
            try:
                facts = path.stat()
            except OSError:  # another run removed it
                continue
            found.append((facts.st_mtime_ns, facts.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def _is_of(log: Log, key: CacheKey) -> bool:
    """Whether a log is of the videos of a key."""
    inputs = log.view.inputs
    told = {"distorted": inputs.distorted, "reference": inputs.reference}
    return all(
        (stream := told[role]) is not None and stream.sha256 == digest
        for role, digest in key.sha256.items()
    )


def _metric(request: Request, registry: Registry) -> dict[str, Any]:
    """What a metric's scores depend on, as far as can be told without importing it."""
    spec = request.spec
    return {
        "name": spec.name,
        "version": spec.version,
        "provider": str(registry.provider(spec.name)),
        "parameters": dict(request.params),
        "files": {
            name: file_sha256(Path(value))
            for name, value in request.params.items()
            if isinstance(value, str) and value and Path(value).is_file()
        },
        "packages": {name: _version(name) for name in spec.requires},
        "program": _program() if spec.kind in ("stream", "file") else None,
    }


def _program() -> list[Any]:
    """The ffmpeg that a metric outside this process would take."""
    found = shutil.which("ffmpeg")
    return [found, found and Path(found).stat().st_size, _version("imageio_ffmpeg")]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
