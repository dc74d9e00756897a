"""Scores the items of a benchmark: every metric in one decoding pass, items in parallel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.bench.cache import Pooled, ScoreCache
from vqa_harness.bench.items import RatedVideo
from vqa_harness.engine.in_order import in_order_on
from vqa_harness.engine.places import HERE, Places
from vqa_harness.errors import InputError, MetricError, UsageError, VqaError, one_line
from vqa_harness.files import file_sha256
from vqa_harness.logs.build import build_log
from vqa_harness.logs.cache_key import CacheKeys
from vqa_harness.logs.log import Log
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.result import MetricResult


@dataclass(frozen=True, slots=True)
class BenchScoring:
    """How items are scored.

    Attributes:
        requests: the metrics.
        keys: for each metric, the cache keys of its runs alone.
        cache: the folder of earlier scores; None for no cache.
        threads: how many each metric may use; 0 for one per processor.
        align: how frames are paired with those of a reference, and colours read.
    """

    requests: Sequence[Request]
    keys: Sequence[CacheKeys]
    cache: Path | None = None
    threads: int = 0
    align: AlignOptions = field(default_factory=AlignOptions)


@dataclass(slots=True)
class Scored:
    """An item with what the metrics gave.

    Attributes:
        item: the item.
        pooled: label of a metric to its scores.
        errors: label of a metric to why it gave none.
        input_error: whether the file itself could not be read.
        fresh: whether anything was computed, not taken from the cache.
        warnings: what the user should know of the scores.
        not_kept: why the cache could not keep scores; empty where it could.
    """

    item: RatedVideo
    pooled: dict[str, Pooled] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    input_error: bool = False
    fresh: bool = False
    warnings: list[str] = field(default_factory=list)
    not_kept: str = ""


def score_all(
    items: Sequence[RatedVideo],
    registry: Registry,
    scoring: BenchScoring,
    places: Places = HERE,
    timeout: float | None = None,
) -> Iterator[Scored]:
    """Yield every item with its scores, in order.

    Args:
        items: the items, all with files.
        registry: where metrics come from; in processes, those installed.
        scoring: how items are scored.
        places: where items are scored, each in a process of its own.
        timeout: seconds that an item may take; None for no bound.

    Raises:
        UsageError: an option is wrong, or a scheduler cannot be reached.
        MissingBackend: a metric's packages or model are missing, or workers cannot score.
    """
    if not places.needed(len(items), timeout):
        for item in items:
            yield score(item, registry, scoring)
        return
    scoring = replace(scoring, threads=places.threads(scoring.threads))
    died = partial(_died, requests=scoring.requests)
    with places.open() as engine:
        yield from in_order_on(
            engine, score, items, scoring, died, timeout=timeout, away=places.away
        )


def _died(item: RatedVideo, error: VqaError, *, requests: Sequence[Request]) -> Scored:
    scored = Scored(item)
    scored.errors |= dict.fromkeys([request.label for request in requests], one_line(error))
    scored.input_error = isinstance(error, InputError)
    return scored


def score(item: RatedVideo, registry: Registry, scoring: BenchScoring) -> Scored:
    """Score one item with the metrics whose scores are not in the cache, decoding it once.

    What is wrong with the item's file, or with a metric on it, is in the result.

    Raises:
        UsageError: an option is wrong.
        MissingBackend: a metric's packages or model are missing.
    """
    scored = Scored(item)
    try:
        _score(scored, registry, scoring)
    except VqaError as error:
        if isinstance(error, UsageError) or error.exit_code == 6:
            raise
        scored.input_error = not isinstance(error, MetricError)
        missing = [r.label for r in scoring.requests if r.label not in scored.pooled]
        scored.errors |= dict.fromkeys(missing, one_line(error))
    return scored


def _score(scored: Scored, registry: Registry, scoring: BenchScoring) -> None:
    item = scored.item
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
        earlier = cache.get(key) if cache is not None else None
        if earlier is not None:
            scored.pooled[label] = earlier
    todo = [request for request in scoring.requests if request.label not in scored.pooled]
    if not todo:
        return
    scored.fresh = True
    options = RunOptions(scoring.threads, align=scoring.align)
    result = run(item.path, todo, registry, options, reference=item.reference)
    log = build_log(result)
    scored.warnings += result.warnings
    for metric, request in zip(result.metrics, todo, strict=True):
        _take(scored, request, metric, log)
        pooled = scored.pooled.get(request.label)
        # The key is of the bytes before the run; a file that was replaced meanwhile has another.
        unchanged = _read_by(request, result.sha256) == _read_by(request, hashed)
        if cache is not None and pooled is not None and unchanged:
            try:
                cache.put(keys[request.label], pooled)
            except UsageError as error:  # scores are worth more than their copy
                scored.not_kept = one_line(error)


def _take(scored: Scored, request: Request, metric: MetricResult, log: Log) -> None:
    names = [feature.name for feature in request.features if not feature.diagnostic]
    values = {name: log.pooled[name] for name in names if name in log.pooled}
    if metric.error is not None:
        scored.errors[request.label] = metric.error
    elif not values:
        scored.errors[request.label] = "is undefined on every frame"
    else:
        scored.pooled[request.label] = Pooled(values, metric.warnings)


def _read_by(request: Request, sha256: Mapping[str, str]) -> dict[str, str]:
    """The hashes of the files that a metric looks at."""
    roles = ("distorted", "reference") if request.spec.reference else ("distorted",)
    return {role: sha256[role] for role in roles if role in sha256}
