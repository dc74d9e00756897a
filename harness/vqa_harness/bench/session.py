"""One benchmark of one dataset from its annotations to its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.bench.bad_rows import how_many, summary
from vqa_harness.bench.dataset import BenchTarget
from vqa_harness.bench.evaluate import BenchmarkResult, Options, evaluate
from vqa_harness.bench.items import Collection, collect, without_files
from vqa_harness.bench.leakage import shared_with_training, trained_on
from vqa_harness.bench.score import BenchScoring, Scored, score_all
from vqa_harness.bench.splits import Part, choose_part
from vqa_harness.console import files_bar, warn
from vqa_harness.engine.places import HERE, Places
from vqa_harness.errors import InputError, UsageError
from vqa_harness.logs.cache_key import CacheKeys
from vqa_harness.protocols import ask
from vqa_harness.registry import Registry
from vqa_harness.request import Request


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What holds for every dataset of a benchmark.

    Attributes:
        annotations: the folder of annotation files; None for each dataset's root.
        cache: the folder of earlier scores; None for no cache.
        places: where items are scored, each in a process of its own.
        threads: how many each metric may use; 0 for one per processor.
        repeats: how many random splits are drawn.
        seed: seed of the random splits.
        allow_leakage: whether what splits share is reported instead of refused.
        allow_trained_on: whether metrics trained on a dataset are marked instead of refused.
        quiet: whether there is no progress bar.
        options: how scores become statistics.
        align: how frames are paired with those of a reference, and colours read.
        timeout: seconds that an item may take; None for no bound.
    """

    annotations: Path | None = None
    cache: Path | None = None
    places: Places = HERE
    threads: int = 0
    repeats: int = 10
    seed: int = 0
    allow_leakage: bool = False
    allow_trained_on: bool = False
    quiet: bool = False
    options: Options = field(default_factory=Options)
    align: AlignOptions = field(default_factory=AlignOptions)
    timeout: float | None = None


@dataclass(slots=True)
class Prepared:
    """A dataset that was read and found fit to be scored on.

    Attributes:
        outcome: the missing items and the notes; no results yet.
        trained: label of a metric to why it may have seen the items.
        root: the folder of the files.
    """

    outcome: BenchmarkResult
    trained: Mapping[str, str]
    root: Path


def training_data(requests: Sequence[Request], registry: Registry) -> dict[str, str]:
    """What each metric says it was made from, by label; metrics that say nothing are left out.

    A metric says it in ``info()``, under ``training_data``.

    Raises:
        MissingBackend: a metric's packages or model are missing.
        UsageError: a parameter's value is unusable.
    """
    training: dict[str, str] = {}
    for request in requests:
        metric = registry.create(request)
        try:
            info: Mapping[str, Any] = ask(metric, "info")
        except Exception:  # some metrics can tell only after a run
            continue
        if text := info.get("training_data"):
            training[request.label] = str(text)
    return training


def prepare(
    target: BenchTarget,
    requests: Sequence[Request],
    training: Mapping[str, str],
    settings: BenchSettings,
) -> Prepared:
    """Read a dataset and refuse what would not be a fair test.

    Args:
        target: the dataset.
        requests: the metrics.
        training: what each metric was made from, as `training_data` gives it.
        settings: what holds for the whole benchmark.

    Raises:
        UsageError: the annotations are wrong, there is no such split, a metric needs references
            that the dataset does not name, or there is leakage that is not allowed.
        InputError: none of the files is there.
    """
    collection = collect(target.dataset, target.root, settings.annotations)
    _check_references(collection, requests, settings.align)
    part = choose_part(collection, target.split, seed=settings.seed, repeats=settings.repeats)
    outcome = BenchmarkResult(collection, part)
    name = collection.dataset.name
    outcome.notes += [f"{name}: {part.note}"] if part.note else []
    if collection.bad:
        listed = summary(collection.bad)
        outcome.notes.append(f"{name}: {how_many(collection.bad)} left out: {listed}")
    outcome.notes += _leaks(collection, part, settings.allow_leakage)
    trained = {}
    for label, text in training.items():
        reason = trained_on(collection, part, text)
        if reason and not settings.allow_trained_on:
            raise UsageError(
                f"{label} is not fit to be judged on {collection.dataset.name}: {reason}; "
                "leave it out, or mark it with --allow-trained-on"
            )
        if reason:
            trained[label] = reason
    needs_reference = any(request.spec.reference for request in requests)
    gone = without_files(part.items, needs_reference=needs_reference)
    outcome.missing = [item.name for item in gone]
    if len(gone) == len(part.items):
        raise InputError(
            f"{collection.dataset.name}: none of its {len(part.items)} files is below "
            f"{target.root}; the first is {part.items[0].name}"
        )
    return Prepared(outcome, trained, target.root)


def _check_references(
    collection: Collection, requests: Sequence[Request], align: AlignOptions
) -> None:
    if align.reference_colour and not collection.has_references:
        raise UsageError(
            f"--reference-colour: {collection.dataset.name} names no reference whose colour could "
            "be stated; leave it out"
        )
    for request in requests:
        if request.spec.reference and not collection.has_references:
            raise UsageError(
                f"metric {request.label!r} compares with a reference, and "
                f"{collection.dataset.name} names none; leave it out"
            )


def _leaks(collection: Collection, part: Part, allowed: bool) -> list[str]:
    problems = shared_with_training(collection, part)
    if problems and not allowed:
        raise UsageError(f"{problems[0]}; choose other splits, or --allow-leakage")
    return problems


def carry_out(
    prepared: Prepared, requests: Sequence[Request], registry: Registry, settings: BenchSettings
) -> BenchmarkResult:
    """Score the items and judge the metrics.

    Raises:
        UsageError: an option is wrong.
        MissingBackend: a metric's packages or model are missing.
        MetricError: a scoring process ended unexpectedly.
    """
    outcome = prepared.outcome
    gone = set(outcome.missing)
    items = [item for item in outcome.part.items if item.name not in gone]
    keys = [CacheKeys([request], registry, settings.align) for request in requests]
    scoring = BenchScoring(requests, keys, settings.cache, settings.threads, settings.align)
    scored: list[Scored] = []
    name = outcome.collection.dataset.name
    with files_bar(name, len(items), quiet=settings.quiet) as advance:
        for entry in score_all(items, registry, scoring, settings.places, settings.timeout):
            scored.append(entry)
            advance()
    unkept = [entry.not_kept for entry in scored if entry.not_kept]
    if unkept:
        warn(f"{unkept[0]}; {len(unkept)} files are scored again the next time")
    _warn(scored)
    evaluate(outcome, scored, requests, settings.options, prepared.trained)
    return outcome


def _warn(scored: Sequence[Scored]) -> None:
    """Show the warnings of reading and of metrics, once each with how many files they concern."""
    files: dict[str, list[str]] = {}
    for entry in scored:
        texts = [*entry.warnings]
        for label, pooled in entry.pooled.items():
            named = (t if t.startswith(label) else f"{label}: {t}" for t in pooled.warnings)
            texts += named
        for text in dict.fromkeys(texts):
            files.setdefault(text, []).append(entry.item.name)
    for text, names in files.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        warn(f"{names[0]}{more}: {text}")
