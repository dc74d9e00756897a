"""``vqa-harness bench``: how well metrics predict opinion scores."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.cli.options import (
    Jobs,
    Json,
    Memory,
    Metrics,
    Quiet,
    Scheduler,
    SchedulerFile,
    Threads,
    Timeout,
    put_json,
    put_text,
)
from vqa_harness.cli.pairing import DISTORTED_COLOUR, REFERENCE_COLOUR
from vqa_harness.destinations import STDOUT
from vqa_harness.errors import InputError, MetricError, PartialResult, VqaError
from vqa_harness.registry import DEFAULT_METRIC, Registry
from vqa_harness.request import Request

if TYPE_CHECKING:
    from vqa_harness.bench.dataset import BenchTarget
    from vqa_harness.bench.evaluate import BenchmarkResult, Options
    from vqa_harness.bench.session import BenchSettings, Prepared
    from vqa_harness.destinations import Writing

Targets = tuple[str | None, str | None, Path | None]
"""The file for JSON, that for Markdown, and the folder for plots."""


def bench_command(
    context: typer.Context,
    datasets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATASET[:SPLIT][=ROOT]",
            help="Names of datasets (--list shows them), or .toml files that describe one.",
        ),
    ] = None,
    metric: Metrics = None,
    root: Annotated[
        Path | None, typer.Option(help="Folder with the files of the dataset, if it is only one.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Split to evaluate: all, random, or a name; default: the dataset's."),
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="Show all datasets, or every detail of those named.")
    ] = False,
    annotations: Annotated[
        Path | None, typer.Option(help="Folder with the annotation files; default: the root.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="CSV file with opinion scores of your own: the dataset 'custom'."),
    ] = None,
    file_column: Annotated[
        str, typer.Option(help="Name or number of the column of --table with file names.")
    ] = "file",
    score_column: Annotated[
        str, typer.Option(help="Name or number of the column of --table with opinion scores.")
    ] = "score",
    split_column: Annotated[
        str | None,
        typer.Option(help="Name or number of the column of --table with names of splits."),
    ] = None,
    reference_column: Annotated[
        str | None,
        typer.Option(help="Name or number of the column of --table with names of references."),
    ] = None,
    lower_is_better: Annotated[
        bool,
        typer.Option("--lower-is-better", help="Low opinion scores in --table are good (DMOS)."),
    ] = False,
    pool: Annotated[
        Literal["mean", "min", "max", "harmonic_mean"],
        typer.Option(help="How the scores of a file's frames become one."),
    ] = "mean",
    bootstrap: Annotated[
        int,
        typer.Option(
            min=0, max=100_000, help="Bootstrap samples for confidence intervals; 0: no intervals."
        ),
    ] = 1000,
    repeats: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many random splits are drawn.")
    ] = 10,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the random splits and of the bootstrap.")
    ] = 0,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Warn of missing files instead of failing.")
    ] = False,
    allow_leakage: Annotated[
        bool,
        typer.Option(
            "--allow-leakage", help="Warn of content that splits share instead of refusing them."
        ),
    ] = False,
    allow_trained_on: Annotated[
        bool,
        typer.Option(
            "--allow-trained-on",
            help="Mark metrics that were trained on a dataset instead of refusing them.",
        ),
    ] = False,
    cross: Annotated[
        Literal["srocc", "plcc", "krocc", "rmse"] | None,
        typer.Option(help="Print a table of this statistic: a row per metric, datasets across."),
    ] = None,
    json_target: Json = None,
    markdown: Annotated[
        str | None, typer.Option(help="Write Markdown tables; - for stdout.")
    ] = None,
    scatter: Annotated[
        Path | None, typer.Option(help="Folder for scatter plots (needs matplotlib).")
    ] = None,
    distorted_colour: Annotated[str, typer.Option(help=DISTORTED_COLOUR)] = "",
    reference_colour: Annotated[str, typer.Option(help=REFERENCE_COLOUR)] = "",
    cache_dir: Annotated[
        Path | None, typer.Option(help="Folder where scores are kept; default: the user's cache.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Score everything again.")] = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    threads: Threads = 0,
    timeout: Timeout = None,
    _memory: Memory = None,
    quiet: Quiet = False,
) -> None:
    """Measure how well metrics predict opinion scores: SROCC, PLCC, KROCC, RMSE."""
    if show_list:
        _list(datasets or [])
        return
    from vqa_harness.bench.evaluate import Options
    from vqa_harness.bench.scatter import check_matplotlib
    from vqa_harness.bench.session import BenchSettings, carry_out
    from vqa_harness.cli.bench_arguments import CustomTable, read_targets
    from vqa_harness.destinations import Writing, check_destinations
    from vqa_harness.engine.places import chosen
    from vqa_harness.files import try_folder

    registry: Registry = context.obj
    if scatter is not None:
        check_matplotlib()
        try_folder(scatter)
    described = [Path(name) for name in datasets or () if name.endswith(".toml")]
    check_destinations([json_target, markdown], [table, *described])
    custom = None
    if table is not None:
        columns = (file_column, score_column, split_column, reference_column)
        custom = CustomTable(table, *columns, lower_is_better=lower_is_better)
    targets = read_targets(datasets or [], root, split, custom)
    requests = registry.requests(metric or [DEFAULT_METRIC])
    options = Options(pool, bootstrap, seed)
    settings = BenchSettings(
        annotations,
        None if no_cache else _cache(cache_dir),
        chosen(jobs, scheduler, scheduler_file),
        threads,
        repeats,
        seed,
        allow_leakage,
        allow_trained_on,
        quiet,
        options,
        AlignOptions(distorted_colour=distorted_colour, reference_colour=reference_colour),
        timeout,
    )
    prepared = _prepare(targets, requests, registry, settings)
    _check_targets(prepared, requests, annotations, (json_target, markdown, scatter))
    outcomes = [carry_out(one, requests, registry, settings) for one in prepared]
    writing = Writing()
    _write(outcomes, options, (json_target, markdown, scatter), writing)
    if "-" not in (json_target, markdown):
        _print(outcomes, cross)
    writing.conclude(_failure(outcomes, allow_missing))


def _list(names: Sequence[str]) -> None:
    from vqa_harness.bench.dataset import HEADER, dataset_rows, dataset_text, find_dataset, packaged
    from vqa_harness.console import print_table, show

    for name in names:
        show(*dataset_text(find_dataset(name)).removesuffix("\n").split("\n"))
    if not names:
        print_table(HEADER, dataset_rows(packaged().values()))


def _cache(folder: Path | None) -> Path:
    from vqa_harness.files import cache_folder

    return folder or cache_folder() / "bench"


def _prepare(
    targets: Sequence[BenchTarget],
    requests: Sequence[Request],
    registry: Registry,
    settings: BenchSettings,
) -> list[Prepared]:
    from vqa_harness.bench.session import prepare, training_data
    from vqa_harness.cli.warmup import announce_compiling

    training = training_data(requests, registry)
    prepared = [prepare(target, requests, training, settings) for target in targets]
    announce_compiling(requests)
    return prepared


def _check_targets(
    prepared: Sequence[Prepared],
    requests: Sequence[Request],
    annotations: Path | None,
    targets: Targets,
) -> None:
    """Refuse what would overwrite a file of the datasets.

    Raises:
        UsageError: a file that is written is one of these.
    """
    from vqa_harness.bench.items import annotation_files
    from vqa_harness.bench.scatter import plot_path
    from vqa_harness.destinations import files_of, refuse_overwriting

    *files, scatter = targets
    written = [Path(target) for target in files if target not in (None, STDOUT)]
    read: list[Path | None] = [*files_of(requests)]
    for one in prepared:
        collection = one.outcome.collection
        folders = [folder for folder in (annotations, one.root) if folder is not None]
        read += annotation_files(collection.dataset, folders)
        for item in collection.items:
            read += [item.path, item.reference]
        if scatter is not None:
            written += [plot_path(Path(scatter), one.outcome, r.label) for r in requests]
    refuse_overwriting(dict.fromkeys(written), read)


def _write(
    outcomes: Sequence[BenchmarkResult], options: Options, targets: Targets, writing: Writing
) -> None:
    json_target, markdown, scatter = targets
    from vqa_harness.bench.output import to_json, to_markdown
    from vqa_harness.bench.scatter import write_scatter
    from vqa_harness.console import command_line

    if json_target is not None:
        with writing.trying():
            put_json(json_target, to_json(outcomes, options, command_line()))
    if markdown is not None:
        with writing.trying():
            put_text(markdown, to_markdown(outcomes, options))
    if scatter is not None:
        for outcome in outcomes:
            with writing.trying():
                write_scatter(scatter, outcome)


def _print(outcomes: Sequence[BenchmarkResult], cross: str | None) -> None:
    from vqa_harness.bench.output import cross_table, flat_table, short_table
    from vqa_harness.console import print_table

    if cross is not None:
        print_table(*cross_table(outcomes, cross))
    elif sys.stdout.isatty():
        print_table(*short_table(outcomes))
    else:
        print_table(*flat_table(outcomes))


def _faults(outcome: BenchmarkResult, allow_missing: bool) -> Iterator[str]:
    """Warn of what is allowed, and yield a line for everything that is a failure."""
    from vqa_harness.bench.output import where
    from vqa_harness.console import warn

    name = where(outcome)
    for text in outcome.notes:
        warn(text)
    for metric in outcome.metrics:
        if metric.trained:
            warn(f"{name}: {metric.label}: {metric.trained}")
    if outcome.missing:
        shown = f"{len(outcome.missing)} of {len(outcome.part.items)} files are missing"
        text = f"{name}: {shown}, the first is {outcome.missing[0]}"
        if allow_missing:
            warn(text)
        else:
            yield f"{text} (--allow-missing goes on without them)"
    if outcome.failures:
        file, label, why = outcome.failures[0]
        yield f"{name}: {len(outcome.failures)} scores failed: {file}: {label}: {why}"


def _failure(outcomes: Sequence[BenchmarkResult], allow_missing: bool) -> VqaError | None:
    """Report what went wrong, and tell what the command ends with.

    It is an `InputError` where no file could be read, a `MetricError` where metrics failed on every
    file, a `PartialResult` where some files are missing or some scores, else None.
    """
    from vqa_harness.console import warn

    lines = [line for outcome in outcomes for line in _faults(outcome, allow_missing)]
    scored = any(metric.scores for outcome in outcomes for metric in outcome.metrics)
    if lines and not scored:
        unreadable = sum(outcome.unreadable for outcome in outcomes)
        return (InputError if unreadable else MetricError)(lines[-1])
    for text in lines[1:]:
        warn(text)
    return PartialResult(lines[0]) if lines else None
