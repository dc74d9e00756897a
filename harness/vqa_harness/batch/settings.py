"""How the cases of a batch are scored: the same for all, and recorded beside the results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.errors import MissingBackend
from vqa_harness.logs.cache_key import CacheKey, CacheKeys
from vqa_harness.media.input_format import NOTHING_STATED, PairFormat
from vqa_harness.media.source import hash_path
from vqa_harness.registry import Registry
from vqa_harness.request import Request


@dataclass(frozen=True)
class Settings:
    """How cases are scored and where their results go; the same for every process.

    Attributes:
        out: the batch's folder, or an address in a store of objects.
        digest: 16 hexadecimal digits for all that scores depend on beside the videos, versions
            included; see `facts_of`.
        requests: the metrics.
        align: the options of pairing.
        stated: how inputs are read that do not say it themselves.
        threads: threads of each case.
        memory: bytes that the process of a case may take; None for no bound.
        timeout: seconds that a case may take; None for no bound.
        retries: how often a case is tried again that failed for a reason that may pass.
        split_longer_than: seconds; a longer case is scored in pieces that are about so long. None
            for whole cases only.
        stage_limit: bytes that a remote video may have.
        failed_only: whether only cases are scored that failed before.
        command: the command line, recorded in logs.
    """

    out: Path | str
    digest: str
    requests: tuple[Request, ...]
    align: AlignOptions
    stated: PairFormat = NOTHING_STATED
    threads: int = 1
    memory: int | None = None
    timeout: float | None = None
    retries: int = 2
    split_longer_than: float | None = None
    stage_limit: int = 64 << 30
    failed_only: bool = False
    command: str = ""


def facts_of(
    requests: Sequence[Request], registry: Registry, align: AlignOptions, stated: PairFormat
) -> tuple[str, dict[str, Any]]:
    """What scores depend on beside the videos, as the cache's key has it, and its digest."""
    facts = CacheKeys(requests, registry, align, stated).facts
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16], facts


def features_of(requests: Sequence[Request]) -> dict[str, dict[str, Any]]:
    """What the metrics declare of their features, by name in the log; JSON-compatible."""
    return {
        feature.name: {
            "metric": request.label,
            "unit": feature.unit,
            "higher_is_better": feature.higher_is_better,
            "help": feature.help,
        }
        for request in requests
        for feature in request.features
        if not feature.diagnostic
    }


class Keys:
    """Makes the keys of logs in the process of a case.

    Raises:
        MissingBackend: this process would score otherwise than the one that asks.
    """

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._keys = CacheKeys(settings.requests, registry, settings.align, settings.stated)
        digest, _ = facts_of(settings.requests, registry, settings.align, settings.stated)
        if digest != settings.digest:
            raise MissingBackend(
                "this worker has other versions of vqa-harness, its metrics or their models than "
                "the command has; install the same there, and name models by absolute paths"
            )
        self.compares = any(request.spec.reference for request in settings.requests)

    def of(self, distorted: Path, reference: Path | None) -> CacheKey:
        """The key of a case's log; reads the videos to their end.

        Raises:
            InputError: a video cannot be read.
        """
        sha256 = {"distorted": hash_path(distorted)}
        names = {"distorted": distorted.name}
        if reference is not None and self.compares:
            sha256["reference"] = _reference_hash(reference)
            names["reference"] = reference.name
        return CacheKey(self._keys.digest(sha256), sha256, names)


def _reference_hash(path: Path) -> str:
    """The hash of a reference, which many cases may share: read again when it has changed."""
    try:
        facts = path.stat()
    except OSError:  # it is missing, or stands for numbered images
        return hash_path(path)
    return _hashed(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)


@lru_cache(maxsize=64)
def _hashed(path: Path, *_facts: int) -> str:
    return hash_path(path)
