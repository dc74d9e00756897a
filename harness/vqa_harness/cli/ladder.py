"""``vqa-harness ladder``: measure, compare and, if wanted, make the rungs of an encoder ladder."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vqa_harness import __version__
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.cli.options import (
    FullSize,
    Jobs,
    Json,
    Memory,
    Metrics,
    Quiet,
    Schema,
    Threads,
    Timeout,
    put_json,
)
from vqa_harness.cli.pairing import takes_pairing
from vqa_harness.destinations import STDOUT, Writing
from vqa_harness.errors import PartialResult, UsageError, about, one_line

if TYPE_CHECKING:
    from vqa_harness.ladder.config import LadderConfig
    from vqa_harness.registry import Registry

REPORT = "report.html"
"""Name of the page that --report adds to the folder."""


@takes_pairing
def ladder_command(
    context: typer.Context,
    rungs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUNG", help="Encodings of one source.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", "-r", help="The source they were made from.")
    ] = None,
    metric: Metrics = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="TOML file that names several sources and series."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the results, the logs and rungs made."),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Write report.html into the folder too.")
    ] = False,
    full_size: FullSize = None,
    group: Annotated[
        str, typer.Option("--group", help="What makes a series: codec, folder or none.")
    ] = "codec",
    pool: Annotated[
        str | None,
        typer.Option("--pool", help="Pooled value that is a rung's quality: mean, min, p5, ..."),
    ] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="Interpolation of the curves: pchip or akima.")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option("--anchor", help="Series the others are compared with.")
    ] = None,
    feature: Annotated[
        list[str] | None,
        typer.Option("--feature", "-f", help="Compare this feature; may be repeated."),
    ] = None,
    min_overlap: Annotated[
        float | None,
        typer.Option(
            "--min-overlap",
            help="Part of the narrower quality range that two curves must share, 0 to 1.",
        ),
    ] = None,
    not_monotone: Annotated[
        str | None,
        typer.Option(
            "--not-monotone",
            help="What to do with points no better than one of less bitrate: refuse the curve, or "
            "pareto to leave them out.",
        ),
    ] = None,
    jnd: Annotated[
        list[str] | None,
        typer.Option(
            "--jnd",
            help="Just noticeable difference as FEATURE=VALUE; default: vmaf=6; may be repeated.",
        ),
    ] = None,
    target_bitrate: Annotated[
        str | None,
        typer.Option(
            "--target-bitrate", help="Bitrates to choose a rung for, kbit/s, comma-separated."
        ),
    ] = None,
    target_quality: Annotated[
        list[str] | None,
        typer.Option(
            "--target-quality",
            help="Qualities to choose a rung for: FEATURE=VALUE,VALUE...; may be repeated.",
        ),
    ] = None,
    encode: Annotated[
        list[str] | None,
        typer.Option(
            "--encode", help="Make the rungs first: CODEC:option=value,... ; may be repeated."
        ),
    ] = None,
    height: Annotated[
        str | None,
        typer.Option("--height", help="Heights that --encode makes, pixels, comma-separated."),
    ] = None,
    crf: Annotated[
        str | None, typer.Option("--crf", help="CRF values that --encode makes, comma-separated.")
    ] = None,
    bitrate: Annotated[
        str | None,
        typer.Option("--bitrate", help="Bitrates that --encode makes, kbit/s, comma-separated."),
    ] = None,
    jobs: Jobs = 1,
    threads: Threads = 0,
    timeout: Timeout = None,
    _memory: Memory = None,
    json_target: Json = None,
    quiet: Quiet = False,
    schema: Schema = False,
    *,
    pairing: AlignOptions,
) -> None:
    """Compare encodings at several bitrates: rate-quality curves, BD-rates, rungs to take."""
    if schema:
        from vqa_harness.ladder.config import json_schema

        put_json(STDOUT, json_schema())
        return
    from vqa_harness.cli import ladder_arguments as options
    from vqa_harness.registry import DEFAULT_METRIC

    registry: Registry = context.obj
    if config is not None:
        plan = options.from_file(config, rungs, reference, encode)
    else:
        grids = options.grids(encode or [], height, crf, bitrate)
        plan = options.from_arguments(rungs or [], reference, grids, group)
    settings = options.settings(
        plan.settings,
        pool=pool,
        method=method,
        anchor=anchor,
        features=feature,
        min_overlap=min_overlap,
        not_monotone=not_monotone,
        jnd=jnd,
        target_bitrate=target_bitrate,
        target_quality=target_quality,
    )
    metrics = tuple(metric or plan.metrics or [DEFAULT_METRIC])
    plan = replace(plan, metrics=metrics, settings=settings)
    if output is None and (plan.grids or report):
        raise UsageError("--encode and --report write files; add -o FOLDER")
    _check(plan, registry, report=report)
    _check_targets(plan, registry, config, output, json_target)
    processes = jobs, timeout
    document = _run(plan, registry, output, pairing, processes, threads=threads, quiet=quiet)
    writing = Writing()
    _show(document, json_target, writing)
    if output is not None:
        _write(document, output, plan if report else None, full_size, writing)
    writing.conclude(_failure(document))


def _failure(document: dict[str, Any]) -> PartialResult | None:
    """What the command ends with where rungs failed."""
    if not document["failed"]:
        return None
    first = document["failed"][0]
    return PartialResult(
        f"{len(document['failed'])} rungs failed: {first['file']}: {first['error']}"
    )


def _check_targets(
    plan: LadderConfig,
    registry: Registry,
    config: Path | None,
    output: Path | None,
    json_target: str | None,
) -> None:
    """Try what is written later, and refuse what would overwrite an input.

    Raises:
        UsageError: a file cannot be written, or is an input.
    """
    from vqa_harness.destinations import check_destinations, files_of, refuse_overwriting
    from vqa_harness.ladder.output import NAMES
    from vqa_harness.ladder.score import log_paths

    read = [config, *files_of(registry.requests(plan.metrics))]
    for source in plan.sources:
        read += [source.reference, *(path for one in source.series for path in one.rungs)]
    written = [] if output is None else [output / name for name in (*NAMES, REPORT)]
    check_destinations([json_target, *written], read)
    refuse_overwriting(log_paths(plan, None if output is None else output / "logs"), read)


def _check(plan: LadderConfig, registry: Registry, *, report: bool) -> None:
    """Refuse what can be seen to be wrong before anything is encoded or measured.

    Raises:
        UsageError: a feature that is not measured, or a source without the reference it needs.
        MissingBackend: what makes the report is not installed.
    """
    if report:
        from vqa_harness.report.write import require_jinja

        require_jinja()
    from vqa_harness.ladder.score import check_features

    requests = registry.requests(plan.metrics)
    check_features(requests, plan.settings.features)
    for request in requests:
        spec = request.spec
        without = [source.name for source in plan.sources if source.reference is None]
        if spec.reference and without:
            raise UsageError(
                f"metric {spec.name!r} compares with a reference, {without[0]} has none; "
                "add --reference FILE"
            )
    if plan.grids and any(source.reference is None for source in plan.sources):
        raise UsageError("[[encode]] needs sources; give each [[source]] a reference")


def _run(
    plan: LadderConfig,
    registry: Registry,
    output: Path | None,
    pairing: AlignOptions,
    processes: tuple[int, float | None],
    *,
    threads: int,
    quiet: bool,
) -> dict[str, Any]:
    from vqa_harness.console import command_line, progress_bar, warn
    from vqa_harness.ladder.compare import compare_ladder
    from vqa_harness.ladder.document import SCHEMA
    from vqa_harness.ladder.score import measure
    from vqa_harness.ladder.scoring import Measuring

    made: dict[Path, str] = {}
    if plan.grids and output is not None:
        plan, made = _encode(plan, output / "rungs", processes, quiet=quiet)
    how = Measuring(
        registry=registry,
        threads=threads,
        logs=None if output is None else output / "logs",
        align=pairing,
        command=command_line(),
        settings=made,
        bar=partial(progress_bar, quiet=quiet),
        timeout=processes[1],
    )
    measured = measure(plan, how)
    for name, error in measured.failed:
        warn(about(name, one_line(error)))
    if not measured.rungs:
        raise measured.failed[0][1] if measured.failed else UsageError("no rungs; name some")
    for rung in measured.rungs:
        for text in rung.warnings:
            warn(about(rung.path.name, text))
    return {
        "schema": SCHEMA,
        "kind": "ladder",
        "harness_version": __version__,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": how.command,
        **compare_ladder(measured, plan.settings),
    }


def _encode(
    plan: LadderConfig, folder: Path, processes: tuple[int, float | None], *, quiet: bool
) -> tuple[LadderConfig, dict[Path, str]]:
    """Make the rungs of the grids.

    Returns:
        The plan with them as series, and the encoder setting of each file.
    """
    from vqa_harness.console import note
    from vqa_harness.files import make_folder
    from vqa_harness.ladder.config import Series
    from vqa_harness.ladder.encode import EncodeJob, encode_all
    from vqa_harness.ladder.encode import plan as plan_grid

    make_folder(folder)
    sources, jobs = [], []
    for source in plan.sources:
        series = list(source.series)
        for grid in plan.grids:
            assert source.reference is not None  # checked before
            some = plan_grid(source.reference, source.name, grid, folder)
            series.append(Series(grid.label, tuple(job.target for job in some)))
            jobs += some
        sources.append(replace(source, series=tuple(series)))
    missing = sum(not job.target.exists() for job in jobs)
    count = iter(range(1, missing + 1))

    def done(job: EncodeJob) -> None:
        if not quiet:
            size = f"{job.size[0]}x{job.size[1]}"
            note(f"encoded {next(count)} of {missing}: {job.codec} {size} {job.setting}")

    encode_all(jobs, processes[0], done, processes[1])
    return replace(plan, sources=tuple(sources)), {job.target: job.setting for job in jobs}


def _show(document: dict[str, Any], json_target: str | None, writing: Writing) -> None:
    from vqa_harness.console import print_table, warn
    from vqa_harness.ladder import output as outputs

    if json_target is not None:
        with writing.trying():
            put_json(json_target, document)
    if json_target == STDOUT:
        return
    for source in document["sources"]:
        head, rows = outputs.rung_head(document), outputs.rung_rows(document, source)
        print_table(head, rows, f"{source['name']} ({outputs.MARKS})")
        if source["comparisons"]:
            print_table(outputs.COMPARISON_HEAD, outputs.comparison_rows(source))
        picks = outputs.pick_rows(document, source)
        if picks:
            print_table(outputs.pick_head(source), picks, "rungs to take")
        switches = outputs.switch_rows(source)
        if switches:
            print_table(outputs.SWITCH_HEAD, switches, "resolution switch points")
        for feature, series, text in outputs.curve_notes(source):
            warn(f"{source['name']}: {feature}, {series}: {text}")
    if len(document["sources"]) > 1 and document["aggregate"]:
        print_table(outputs.AGGREGATE_HEAD, outputs.aggregate_rows(document), "all sources")


def _write(
    document: dict[str, Any],
    folder: Path,
    shown: LadderConfig | None,
    full_size: float | None,
    writing: Writing,
) -> None:
    """Write the results, and a report with the videos of ``shown``."""
    from vqa_harness.console import note
    from vqa_harness.files import make_folder
    from vqa_harness.ladder.output import write_outputs

    with writing.trying():
        make_folder(folder)
    written = write_outputs(document, folder, writing)
    if shown is not None:
        from vqa_harness.report.thumbnails import Media
        from vqa_harness.report.write import write_report

        rungs = [path for source in shown.sources for one in source.series for path in one.rungs]
        references = [source.reference for source in shown.sources if source.reference is not None]
        media = Media([*rungs, folder / "rungs"], references)
        with writing.trying():
            paths = [folder / "ladder.json"]
            written.append(write_report(paths, folder / REPORT, media, megabytes=full_size))
    if written:
        note(f"wrote {', '.join(path.name for path in written)} to {folder}")
