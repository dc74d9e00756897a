"""Scores the items of a benchmark: every metric in one decoding pass, items in parallel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vqa_harness.bench.cache import Pooled, ScoreCache
from vqa_harness.bench.items import RatedVideo
from vqa_harness.errors import MetricError, UsageError, VqaError, one_line
from vqa_harness.files import file_sha256
from vqa_harness.logs.build import build_log
from vqa_harness.logs.cache_key import CacheKeys
from vqa_harness.logs.log import Log
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.processes import in_order, threads_each
from vqa_harness.registry import Registry, Request
from vqa_harness.result import MetricResult


@dataclass(frozen=True, slots=True)
class BenchScoring:
    """How items are scored.

    Attributes:
        requests: the metrics.
        keys: of runs of each of them alone.
        cache: folder of earlier scores; None for none.
        threads: for metrics; 0 for one per processor.
    """

    requests: Sequence[Request]
    keys: Sequence[CacheKeys]
    cache: Path | None = None
    threads: int = 0


@dataclass(slots=True)
class Scored:
    """An item with what the metrics gave.

    Attributes:
        item: which.
        pooled: label of a metric to its scores.
        errors: label of a metric to why it gave none.
        input_error: whether the file itself could not be read.
        fresh: whether anything was computed, not taken from the cache.
        warnings: what the user should know of the scores.
    """

    item: RatedVideo
    pooled: dict[str, Pooled] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    input_error: bool = False
    fresh: bool = False
    warnings: list[str] = field(default_factory=list)


def score_all(
    items: Sequence[RatedVideo], registry: Registry, scoring: BenchScoring, jobs: int = 1
) -> Iterator[Scored]:
    """Yield every item with its scores, in order.

    Args:
        items: with files.
        registry: where metrics come from; with several jobs, those installed.
        scoring: how.
        jobs: items scored at once, each in a process of its own.

    Raises:
        UsageError: the cache cannot be written, or an option is wrong.
        MissingBackend: a metric's packages or model are missing.
        MetricError: a process ended unexpectedly.
    """
    if jobs < 2 or len(items) < 2:
        for item in items:
            yield score(item, registry, scoring)
        return
    scoring = replace(scoring, threads=threads_each(scoring.threads, jobs))
    yield from in_order(score, items, scoring, jobs)


def score(item: RatedVideo, registry: Registry, scoring: BenchScoring) -> Scored:
    """Score one item with the metrics whose scores are not in the cache, decoding it once.

    What is wrong with the item's file, or with a metric on it, is in the answer.

    Raises:
        UsageError: the cache cannot be written, or an option is wrong.
        MissingBackend: a metric's packages or model are missing.
    """
    found = Scored(item)
    try:
        _score(found, registry, scoring)
    except VqaError as error:
        if isinstance(error, UsageError) or error.exit_code == 6:
            raise
        found.input_error = not isinstance(error, MetricError)
        missing = [r.label for r in scoring.requests if r.label not in found.pooled]
        found.errors |= dict.fromkeys(missing, one_line(error))
    return found


def _score(found: Scored, registry: Registry, scoring: BenchScoring) -> None:
    item = found.item
    assert item.path is not None
    cache = None if scoring.cache is None else ScoreCache(scoring.cache)
    hashed = {"distorted": file_sha256(item.path)}
    if item.reference is not None:
        hashed["reference"] = file_sha256(item.reference)
    keys = {
        request.label: key.digest(_read_by(request, hashed))
        for request, key in zip(scoring.requests, scoring.keys, strict=True)
    }
    for label, key in keys.items() if cache is not None else ():
        kept = cache.get(key) if cache is not None else None
        if kept is not None:
            found.pooled[label] = kept
    todo = [request for request in scoring.requests if request.label not in found.pooled]
    if not todo:
        return
    found.fresh = True
    result = run(item.path, todo, registry, RunOptions(scoring.threads), reference=item.reference)
    log = build_log(result)
    found.warnings += result.warnings
    for metric, request in zip(result.metrics, todo, strict=True):
        _take(found, request, metric, log)
        kept = found.pooled.get(request.label)
        unchanged = _read_by(request, result.sha256) == _read_by(request, hashed)
        if cache is not None and kept is not None and unchanged:
            cache.put(keys[request.label], kept)


def _take(found: Scored, request: Request, metric: MetricResult, log: Log) -> None:
    names = [feature.name for feature in request.features if not feature.diagnostic]
    values = {name: log.pooled[name] for name in names if name in log.pooled}
    if metric.error is not None:
        found.errors[request.label] = metric.error
    elif not values:
        found.errors[request.label] = "is undefined on every frame"
    else:
        found.pooled[request.label] = Pooled(values, metric.warnings)


def _read_by(request: Request, sha256: Mapping[str, str]) -> dict[str, str]:
    """Hashes of the files that a metric looks at."""
    roles = ("distorted", "reference") if request.spec.reference else ("distorted",)
    return {role: sha256[role] for role in roles if role in sha256}
