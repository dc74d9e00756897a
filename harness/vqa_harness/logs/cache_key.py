"""The key under which scores are kept: a hash of everything that they depend on.

Gate, ladder and benchmark ask the same key before they take scores from an earlier run. It holds
the bytes of the videos, every metric with its version, provider and parameters, the bytes of the
files that parameters name and of the data in the metric's package, the alignment options, the
settings in the environment, and the versions of the programs that decode and score. Names and
folders of files do not count. What stays unnoticed is code that changes without a new version.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from vqa_harness import __version__, memory
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.files import VARIABLE, file_sha256
from vqa_harness.logs.log import Log
from vqa_harness.media.input_format import PairFormat
from vqa_harness.media.source import hash_path
from vqa_harness.qc.events import VERSION
from vqa_harness.registry import Registry
from vqa_harness.request import Request, backend_of
from vqa_harness.spec import MetricSpec

SCHEMA = 4
"""Version of the key, raised when the same scores get another key, or other scores the same."""

FIELD = "cache_key"
"""Key of the ``vqa_harness`` object under which a log records its own cache key.

Logs of a ladder do, because they are kept under names of their own.
"""

COLOUR = "distorted_colour"
GRAIN = "grain"
"""These alignment options are what scores of a video by itself depend on."""

_NO_INFLUENCE = {
    VARIABLE,
    memory.VARIABLE,
    "VQA_HARNESS_BLOCK",
    "VQA_HARNESS_DEBUG",
    "VQA_HARNESS_LOG_SIZE",
    "VQA_HARNESS_ONLY",
}
"""Settings in the environment that no score depends on."""

_SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file shows in its times, whose clock is coarse."""

_CODE = {".py", ".pyi", ".pyc"}
"""Endings of files in a metric's package for which the metric's version stands."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The key under which a log is kept.

    Attributes:
        digest: the key, 64 hexadecimal digits.
        sha256: role of a stream (``distorted``, ``reference``) to the hash of its file's bytes.
        names: role of a stream to the name of its file.
    """

    digest: str
    sha256: Mapping[str, str]
    names: Mapping[str, str]

    def fits(self, log: Log) -> bool:
        """Whether a log is of the videos of this key."""
        inputs = log.view.inputs
        scored = {"distorted": inputs.distorted, "reference": inputs.reference}
        return all(
            (stream := scored[role]) is not None and stream.sha256 == digest
            for role, digest in self.sha256.items()
        )

    def record(self, log: Log) -> None:
        """Write the key into a log, if the log is of the videos of this key.

        A video that was replaced while it was scored is another one; such a log gets no key.
        """
        if self.fits(log):
            log.extra[FIELD] = self.digest

    def recorded(self, log: Log) -> bool:
        """Whether a log records this key and is of its videos."""
        return log.extra.get(FIELD) == self.digest and self.fits(log)

    def renamed(self, log: Log) -> Log:
        """A log that fits, with the names of this key's files for its videos."""
        for role, name in self.names.items():
            log.extra["inputs"][role]["name"] = name
        return replace(log)  # whose view has these names


class CacheKeys:
    """Makes the keys of runs that differ in their videos alone.

    Files of models are read once, when this is made, and each reference once.

    Args:
        requests: the metrics, in order.
        registry: says which package provides each metric.
        align: the alignment options; None for the defaults.
        stated: how inputs are read that do not say it themselves; None for nothing stated.
        qc: whether events are looked for as well.

    Raises:
        InputError: a file of a model cannot be read.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        registry: Registry,
        align: AlignOptions | None = None,
        stated: PairFormat | None = None,
        *,
        qc: bool = False,
    ) -> None:
        self._compares = any(request.spec.reference for request in requests)
        self._references: dict[Path, str] = {}
        options = (align or AlignOptions()).to_json()
        self.facts = {
            "schema": SCHEMA,
            "harness": __version__,
            "decoder": _version("av"),
            "align": options if self._compares else _of_one(options),
            "metrics": [_metric(request, registry) for request in requests],
            "settings": {
                name: _value(value)
                for name, value in sorted(os.environ.items())
                if name.startswith("VQA_HARNESS_") and name not in _NO_INFLUENCE
            },
        }

        formats = {} if stated is None else stated.to_json()
        if formats:  # not for others, whose keys would change for nothing
            self.facts["stated"] = formats
        if qc:
            self.facts["qc"] = VERSION

    def of(self, distorted: Path, reference: Path | None = None) -> CacheKey:
        """The key of a run; reads the videos to their end.

        Args:
            distorted: the video that is scored.
            reference: what it is compared with, or None; left out if no metric compares.

        Raises:
            InputError: a video cannot be read.
        """
        sha256 = {"distorted": hash_path(distorted)}
        names = {"distorted": distorted.name}
        if reference is not None and self._compares:
            if reference not in self._references:
                self._references[reference] = hash_path(reference)
            sha256["reference"] = self._references[reference]
            names["reference"] = reference.name
        return CacheKey(self.digest(sha256), sha256, names)

    def digest(self, sha256: Mapping[str, str]) -> str:
        """The key of a run on videos of these hashes, 64 hexadecimal digits."""
        text = json.dumps({**self.facts, "inputs": dict(sha256)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _of_one(options: dict[str, Any]) -> dict[str, Any]:
    """The options that matter where there is no reference."""
    return {name: options[name] for name in (COLOUR, GRAIN) if name in options}


def _metric(request: Request, registry: Registry) -> dict[str, Any]:
    """What a metric's scores depend on, as far as can be told without importing it."""
    spec = request.spec
    return {
        "name": spec.name,
        "version": spec.version,
        "provider": str(registry.provider(spec.name)),
        "parameters": {name: _value(value) for name, value in request.params.items()},
        "data": _package_data(spec),
        "packages": {name: _version(name) for name in spec.requires},
        "backend": _backend(request),
        "needs": [_metric(needed, registry) for needed in registry.needed(request)],
    }


def _value(value: Any) -> Any:
    """A parameter or setting, with files in it (several joined by ``+``) as names and hashes.

    The name counts because a feature may be called by it.
    """
    if not isinstance(value, str):
        return value
    parts = [value] if Path(value).is_file() else value.split("+")
    if not any(Path(part).is_file() for part in parts):
        return value
    return [_files(Path(part)) if Path(part).is_file() else part for part in parts]


def _files(path: Path) -> dict[str, str]:
    """Name to hash of a file and of those of the same stem beside it: weights have a card."""
    paths = {path.absolute()}
    with suppress(OSError):  # a folder may be passed through but not listed
        paths |= {p for p in path.absolute().parent.iterdir() if p.stem == path.stem}
    return {p.name: _sha256(p) for p in sorted(paths) if p.is_file()}


def _package_data(spec: MetricSpec) -> dict[str, str]:
    """Path to hash of the files beside and below the metric's module that hold no Python code.

    These are weights and tables that come with a metric; nothing is imported to find them.
    """
    return {
        path.relative_to(folder).as_posix(): _sha256(path)
        for folder in _package_folders(spec.factory.partition(":")[0])
        for path in _data_below(folder)
    }


def _package_folders(module: str) -> Iterator[Path]:
    """The folder of a module; none for one that is in no package."""
    package, *inner = module.split(".")[:-1] or [""]
    try:
        spec = importlib.util.find_spec(package) if package else None
    except ValueError:  # a module that was made by hand has no spec
        spec = None
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location, *inner)
        if folder.is_dir():
            yield folder


def _data_below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f != "__pycache__" and not f.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if path.suffix not in _CODE and not name.startswith(".") and path.is_file():
                yield path


def _backend(request: Request) -> Any:
    """What identifies the library or program that computes the scores, if it is no module."""
    if request.spec.backend:
        backend = backend_of(request)
        return [backend.name, [_sha256(path) for path in backend.files]]
    return _program() if request.spec.kind in ("stream", "file") else None


def _program() -> Any:
    """What identifies the ffmpeg that a metric outside this process would take."""
    program = shutil.which("ffmpeg")
    return [program and _sha256(Path(program)), _version("imageio_ffmpeg")]


def _sha256(path: Path) -> str:
    """The hash of a file that rarely changes: read once, until the file system shows a change."""
    try:
        facts = path.stat()
    except OSError:
        return file_sha256(path)  # says what is wrong
    changed = max(facts.st_mtime_ns, facts.st_ctime_ns)
    if time.time_ns() - changed < _SETTLED:
        return file_sha256(path)
    return _read_once(path, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


@lru_cache(maxsize=256)
def _read_once(path: Path, *_facts: int) -> str:
    return file_sha256(path)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
