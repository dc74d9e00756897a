"""From scores and opinions to the results of a benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vqa_harness.bench.items import Collection
from vqa_harness.bench.score import Scored
from vqa_harness.bench.splits import Part
from vqa_harness.registry import Request
from vqa_harness.stats.correlation import (
    MIN_ITEMS,
    STATISTICS,
    Fit,
    Interval,
    agreement,
    intervals,
    percentiles,
)


@dataclass(frozen=True, slots=True)
class Options:
    """How scores become statistics.

    Attributes:
        pool: of the scores of frames.
        samples: of the bootstrap; 0 for no intervals.
        seed: of the bootstrap.
    """

    pool: str = "mean"
    samples: int = 1000
    seed: int = 0


@dataclass(slots=True)
class MetricOutcome:
    """One feature of one metric on one part of a dataset.

    Attributes:
        label: the feature as logged.
        metric: name of the metric.
        parameters: of the metric, defaults included.
        version: of the metric.
        higher_is_better: as declared; None for no direction.
        scores: name of an item to its pooled score.
        statistics: name to value; empty where there is none. Medians for random splits.
        intervals: name to the central 95 %.
        curve: the fit to all items; None for random splits.
        reason: why there is no statistic.
        trained: why the metric may have seen these items; empty for nothing known.
    """

    label: str
    metric: str
    parameters: Mapping[str, Any]
    version: str
    higher_is_better: bool | None
    scores: dict[str, float] = field(default_factory=dict)
    statistics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    curve: Fit | None = None
    reason: str = ""
    trained: str = ""


@dataclass(slots=True)
class BenchmarkResult:
    """Metrics on one part of a dataset.

    Attributes:
        collection: the dataset as it is here.
        part: what of it.
        missing: names of the items without files.
        failures: (name, metric, why).
        metrics: results.
        notes: what a reader should know.
        unreadable: how many of the failures are of files, not of metrics.
    """

    collection: Collection
    part: Part
    missing: list[str] = field(default_factory=list)
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    metrics: list[MetricOutcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unreadable: int = 0


def evaluate(
    outcome: BenchmarkResult,
    scored: Sequence[Scored],
    requests: Sequence[Request],
    options: Options,
    trained: Mapping[str, str],
) -> None:
    """Fill in the metrics and failures of an outcome.

    Args:
        outcome: with its collection and part.
        scored: items of the part.
        requests: the metrics.
        options: how.
        trained: label of a metric to why it may have seen the items.
    """
    for entry in scored:
        outcome.unreadable += entry.input_error
        outcome.failures += [(entry.item.name, m, why) for m, why in entry.errors.items()]
    for request in requests:
        for found in _features(request, scored, options.pool):
            found.trained = trained.get(request.label, "")
            _measure(found, outcome, scored, options)
            outcome.metrics.append(found)


def _features(request: Request, scored: Sequence[Scored], pool: str) -> Iterator[MetricOutcome]:
    spec = request.spec
    for feature in request.features:
        if feature.diagnostic:
            continue
        label = feature.name
        found = MetricOutcome(
            label, spec.name, dict(request.params), spec.version, feature.higher_is_better
        )
        for entry in scored:
            pooled = entry.pooled.get(request.label)
            value = None if pooled is None else pooled.values.get(label, {}).get(pool)
            if value is not None:
                found.scores[entry.item.key] = value
        yield found


def _measure(
    found: MetricOutcome, outcome: BenchmarkResult, scored: Sequence[Scored], options: Options
) -> None:
    """Statistics of the scores; then name them for people, not by key."""
    higher = outcome.collection.scale.higher_is_better
    sign = -1 if found.higher_is_better is not None and found.higher_is_better != higher else 1
    items = [entry.item for entry in scored if entry.item.key in found.scores]
    if outcome.part.draws:
        _over_draws(found, outcome.part, sign)
    else:
        x = np.array([found.scores[item.key] for item in items], np.float64)
        y = np.array([item.score for item in items], np.float64)
        result = agreement(x, y, sign)
        if result is not None:
            found.curve = result[1]
            found.statistics = {name: getattr(result[0], name) for name in STATISTICS}
            found.intervals = intervals(
                x, y, sign, result[1], samples=options.samples, seed=options.seed
            )
    if not found.statistics:
        found.reason = f"needs {MIN_ITEMS} items whose scores and opinions are not all equal"
    found.scores = {item.name: found.scores[item.key] for item in items}


def _over_draws(found: MetricOutcome, part: Part, sign: int) -> None:
    """Medians of the statistics over random splits, and where 95 % of the splits lie."""
    rows = []
    for draw in part.draws:
        items = [part.items[i] for i in draw if part.items[i].key in found.scores]
        x = np.array([found.scores[item.key] for item in items], np.float64)
        y = np.array([item.score for item in items], np.float64)
        result = agreement(x, y, sign)
        if result is not None:
            rows.append([getattr(result[0], name) for name in STATISTICS])
    if rows:
        medians = np.median(np.asarray(rows), axis=0)
        found.statistics = {name: float(medians[i]) for i, name in enumerate(STATISTICS)}
        found.intervals = percentiles(rows)
