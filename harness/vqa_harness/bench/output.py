"""Lays out the results of a benchmark as rows, Markdown and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vqa_harness import __version__
from vqa_harness.bench.evaluate import BenchmarkResult, MetricOutcome, Options
from vqa_harness.console import markdown, markdown_table
from vqa_harness.stats.correlation import LEVEL, STATISTICS

TITLES = {"srocc": "SROCC", "plcc": "PLCC", "krocc": "KROCC", "rmse": "RMSE"}
TRAINED = "TRAINED ON IT"
"""Mark of a metric that may have seen the items."""


def where(outcome: BenchmarkResult) -> str:
    """The dataset and the split of an outcome, as tables name them."""
    dataset = outcome.collection.dataset
    name = dataset.title if dataset.name == "custom" else dataset.name
    return f"{name}:{outcome.part.split}" if outcome.part.split != "all" else name


def flat_table(outcomes: Sequence[BenchmarkResult]) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a table with a column per number, for programs."""
    header = ["dataset", "split", "metric", "n", "missing", "failed"]
    for name in STATISTICS:
        header += [name, f"{name}_low", f"{name}_high"]
    header += ["fit", "note"]
    rows = []
    for outcome in outcomes:
        for metric in outcome.metrics:
            row = [_name(outcome), outcome.part.split, metric.label, str(len(metric.scores))]
            row += [str(len(outcome.missing)), str(_failed(outcome, metric))]
            for name in STATISTICS:
                interval = metric.intervals.get(name)
                row.append(_number(metric.statistics.get(name)))
                row += [_number(interval.low if interval else None)]
                row += [_number(interval.high if interval else None)]
            rows.append([*row, metric.curve.kind if metric.curve else "-", _note(metric) or "-"])
    return header, rows


def short_table(outcomes: Sequence[BenchmarkResult]) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a table with intervals in brackets, for people."""
    header = ["dataset", "metric", "n", *TITLES.values(), "note"]
    rows = []
    for outcome in outcomes:
        for metric in outcome.metrics:
            cells = [_with_interval(metric, name) for name in STATISTICS]
            row = [where(outcome), metric.label, str(len(metric.scores)), *cells]
            rows.append([*row, _note(metric)])
    return header, rows


def cross_table(
    outcomes: Sequence[BenchmarkResult], statistic: str = "srocc"
) -> tuple[list[str], list[list[str]]]:
    """One statistic of every metric on every dataset; a star where it was trained on that."""
    header = ["metric", *(where(outcome) for outcome in outcomes)]
    labels = dict.fromkeys(m.label for outcome in outcomes for m in outcome.metrics)
    rows = []
    for label in labels:
        metrics = [_metric(outcome, label) for outcome in outcomes]
        rows.append([label, *(_cell(metric, statistic) for metric in metrics)])
    return header, rows


def _metric(outcome: BenchmarkResult, label: str) -> MetricOutcome | None:
    return next((metric for metric in outcome.metrics if metric.label == label), None)


def _cell(metric: MetricOutcome | None, statistic: str) -> str:
    if metric is None or statistic not in metric.statistics:
        return "-"
    return _number(metric.statistics[statistic]) + (" *" if metric.trained else "")


def to_markdown(outcomes: Sequence[BenchmarkResult], options: Options) -> str:
    """The results as Markdown tables, with what is needed to read them."""
    parts = ["# How well metrics predict opinions\n"]
    if len(outcomes) > 1:
        parts += ["## SROCC on every dataset\n", *markdown_table(*cross_table(outcomes)), ""]
        if any(metric.trained for outcome in outcomes for metric in outcome.metrics):
            parts.append("A star marks a metric that was trained on the dataset.\n")
    for outcome in outcomes:
        parts += [f"## {markdown(where(outcome))}\n", *markdown_table(*short_table([outcome])), ""]
        parts.append(_about(outcome, options))
    return "\n".join(parts)


def _about(outcome: BenchmarkResult, options: Options) -> str:
    collection, part = outcome.collection, outcome.part
    scale = collection.scale
    ends = "" if scale.low is None else f", {scale.low:g} to {scale.high:g}"
    better = "higher" if scale.higher_is_better else "lower"
    lines = [
        f"Opinions: {scale.kind}{ends}, {better} is better; read from {collection.source}.",
        f"{len(part.items)} files listed, {len(outcome.missing)} missing, "
        f"{len({name for name, _, _ in outcome.failures})} with failures.",
        f"Scores of frames are pooled by their {options.pool.replace('_', ' ')}.",
    ]
    if part.draws:
        lines.append(
            f"Medians over {len(part.draws)} random splits, on a fifth of the contents each; in "
            "brackets where 95 % of the splits lie."
        )
    elif options.samples:
        lines.append(
            f"In brackets 95 % confidence intervals: percentiles of {options.samples} bootstrap "
            f"samples of the files (seed {options.seed})."
        )
    lines += [f"{note}." for note in outcome.notes]
    lines += [f"{m.label}: {m.trained}." for m in outcome.metrics if m.trained]
    if collection.dataset.citation:
        lines.append(f"Dataset: {collection.dataset.citation}.")
    return "\n".join(f"* {markdown(line)}" for line in lines) + "\n"


def to_json(
    outcomes: Sequence[BenchmarkResult], options: Options, command: str = ""
) -> dict[str, Any]:
    """All results, JSON-compatible: statistics, intervals, fits, and the score of every file."""
    return {
        "schema": 1,
        "version": __version__,
        "command": command,
        "pool": options.pool,
        "bootstrap": {"samples": options.samples, "seed": options.seed, "level": LEVEL},
        "results": [_outcome_json(outcome) for outcome in outcomes],
    }


def _outcome_json(outcome: BenchmarkResult) -> dict[str, Any]:
    collection, part = outcome.collection, outcome.part
    return {
        "dataset": _name(outcome),
        "split": part.split,
        "random_splits": len(part.draws),
        "source": collection.source,
        "scale": collection.scale.model_dump(),
        "listed": len(part.items),
        "missing": outcome.missing,
        "failures": [{"file": f, "metric": m, "error": e} for f, m, e in outcome.failures],
        "left_out": [
            {"table": row.table, "line": row.line, "file": row.name, "reason": row.reason}
            for row in collection.bad
        ],
        "notes": outcome.notes,
        "opinions": {item.name: item.score for item in part.items},
        "metrics": {metric.label: _metric_json(metric) for metric in outcome.metrics},
    }


def _metric_json(metric: MetricOutcome) -> dict[str, Any]:
    return {
        "metric": metric.metric,
        "parameters": dict(metric.parameters),
        "version": metric.version,
        "higher_is_better": metric.higher_is_better,
        "n": len(metric.scores),
        "statistics": metric.statistics,
        "intervals": {name: asdict(interval) for name, interval in metric.intervals.items()},
        "fit": asdict(metric.curve) if metric.curve else None,
        "reason": metric.reason or None,
        "trained_on": metric.trained or None,
        "scores": metric.scores,
    }


def _name(outcome: BenchmarkResult) -> str:
    dataset = outcome.collection.dataset
    return dataset.title if dataset.name == "custom" else dataset.name


def _note(metric: MetricOutcome) -> str:
    curve = "straight line fitted" if metric.curve and metric.curve.kind == "line" else ""
    return "; ".join(filter(None, (TRAINED if metric.trained else "", curve, metric.reason)))


def _failed(outcome: BenchmarkResult, metric: MetricOutcome) -> int:
    return len(outcome.part.items) - len(outcome.missing) - len(metric.scores)


def _with_interval(metric: MetricOutcome, name: str) -> str:
    interval = metric.intervals.get(name)
    value = _short(metric.statistics.get(name))
    return (
        value if interval is None else f"{value} [{_short(interval.low)}, {_short(interval.high)}]"
    )


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.4f}"
