"""Computes the results of a benchmark from scores and opinions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vqa_harness.bench.items import Collection
from vqa_harness.bench.score import Scored
from vqa_harness.bench.splits import Part
from vqa_harness.request import Request
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
        pool: the pooled value that is the score of a file.
        samples: how many samples the bootstrap draws; 0 for no intervals.
        seed: seed of the bootstrap.
    """

    pool: str = "mean"
    samples: int = 1000
    seed: int = 0


@dataclass(slots=True)
class MetricOutcome:
    """One feature of one metric on one part of a dataset.

    Attributes:
        label: the name of the feature in logs.
        metric: the name of the metric.
        parameters: the parameters of the metric, defaults included.
        version: the version of the metric.
        higher_is_better: the direction the metric declares; None for none.
        scores: name of an item to its pooled score.
        statistics: name of a statistic to its value, the median for random splits; empty where
            there are none.
        intervals: name of a statistic to its central 95 %.
        curve: the fit to all items; None for random splits.
        reason: why there are no statistics; empty where there are.
        trained: why the metric may have seen these items; empty if it is not known to.
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
        collection: the dataset as it is on this machine.
        part: the part of it that is evaluated.
        missing: names of the items without files.
        failures: scores that could not be computed: (name of the item, metric, why).
        metrics: results of each feature of each metric.
        notes: what a reader should know, a line each.
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
        outcome: the outcome with its collection and part.
        scored: the items of the part with their scores.
        requests: the metrics.
        options: how scores become statistics.
        trained: label of a metric to why it may have seen the items.
    """
    for entry in scored:
        outcome.unreadable += entry.input_error
        outcome.failures += [(entry.item.name, m, why) for m, why in entry.errors.items()]
    for request in requests:
        for metric in _features(request, scored, options.pool):
            metric.trained = trained.get(request.label, "")
            _measure(metric, outcome, scored, options)
            outcome.metrics.append(metric)


def _features(request: Request, scored: Sequence[Scored], pool: str) -> Iterator[MetricOutcome]:
    spec = request.spec
    for feature in request.features:
        if feature.diagnostic:
            continue
        label = feature.name
        metric = MetricOutcome(
            label, spec.name, dict(request.params), spec.version, feature.higher_is_better
        )
        for entry in scored:
            pooled = entry.pooled.get(request.label)
            value = None if pooled is None else pooled.values.get(label, {}).get(pool)
            if value is not None:
                metric.scores[entry.item.key] = value
        yield metric


def _measure(
    metric: MetricOutcome, outcome: BenchmarkResult, scored: Sequence[Scored], options: Options
) -> None:
    """Compute the statistics of the scores, then name the scores as the annotations do."""
    higher = outcome.collection.scale.higher_is_better
    sign = -1 if metric.higher_is_better is not None and metric.higher_is_better != higher else 1
    items = [entry.item for entry in scored if entry.item.key in metric.scores]
    if outcome.part.draws:
        _over_draws(metric, outcome.part, sign)
    else:
        x = np.array([metric.scores[item.key] for item in items], np.float64)
        y = np.array([item.score for item in items], np.float64)
        result = agreement(x, y, sign)
        if result is not None:
            metric.curve = result[1]
            metric.statistics = {name: getattr(result[0], name) for name in STATISTICS}
            metric.intervals = intervals(
                x, y, sign, result[1], samples=options.samples, seed=options.seed
            )
    if not metric.statistics:
        metric.reason = f"needs {MIN_ITEMS} items whose scores and opinions are not all equal"
    metric.scores = {item.name: metric.scores[item.key] for item in items}


def _over_draws(metric: MetricOutcome, part: Part, sign: int) -> None:
    """Compute the medians of the statistics over random splits, and where 95 % of them lie."""
    rows = []
    for draw in part.draws:
        items = [part.items[i] for i in draw if part.items[i].key in metric.scores]
        x = np.array([metric.scores[item.key] for item in items], np.float64)
        y = np.array([item.score for item in items], np.float64)
        result = agreement(x, y, sign)
        if result is not None:
            rows.append([getattr(result[0], name) for name in STATISTICS])
    if rows:
        medians = np.median(np.asarray(rows), axis=0)
        metric.statistics = {name: float(medians[i]) for i, name in enumerate(STATISTICS)}
        metric.intervals = percentiles(rows)
