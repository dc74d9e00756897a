"""``vqa-harness ladder``: measure, compare, make and search for the rungs of an encoder ladder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

if TYPE_CHECKING:
    from vqa_harness.registry import Registry


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
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            help="Search with each --encode and --height for the highest CRF that meets this rule, "
            "such as 'vmaf.p5 >= 93'; may be repeated, and then all must hold.",
        ),
    ] = None,
    samples: Annotated[
        str | None,
        typer.Option(
            "--samples",
            help="How much of the video to search on, chosen by scene: all, auto (all of up to two "
            "minutes) or a share such as 20%. What is found is checked on the whole video.",
        ),
    ] = None,
    crf_step: Annotated[
        float | None,
        typer.Option("--crf-step", help="Distance of the CRFs that a search tries; default: 1."),
    ] = None,
    height: Annotated[
        str | None,
        typer.Option("--height", help="Heights that --encode makes, pixels, comma-separated."),
    ] = None,
    crf: Annotated[
        str | None,
        typer.Option(
            "--crf",
            help="CRF values that --encode makes, comma-separated; with --target, the two bounds.",
        ),
    ] = None,
    bitrate: Annotated[
        str | None,
        typer.Option(
            "--bitrate",
            help="Bitrates that --encode makes, kbit/s, comma-separated; with --target, the two "
            "bounds of a search for the lowest bitrate instead.",
        ),
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
    from vqa_harness.cli.ladder_checks import check_files, check_ladder
    from vqa_harness.cli.ladder_results import failure_of, show_ladder, write_ladder
    from vqa_harness.cli.ladder_session import LadderSession

    registry: Registry = context.obj
    if config is not None:
        plan = options.from_file(config, rungs, reference, encode)
    else:
        grids = options.grids(encode or [], height, crf, bitrate, searched=bool(target))
        plan = options.from_arguments(rungs or [], reference, grids, group, timeout)
    search = options.search(plan.search, target, samples, crf_step)
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
    metrics = tuple(metric or plan.metrics)
    plan = replace(plan, metrics=metrics, settings=settings, search=search)
    plan, searched = check_ladder(plan, registry, output, report=report)
    check_files(plan, registry, config, output, json_target)
    session = LadderSession(registry, output, pairing, jobs, threads, timeout, quiet)
    document = session.measure(plan) if searched is None else session.search(plan, searched)
    writing = Writing()
    show_ladder(document, json_target, writing)
    if output is not None:
        write_ladder(document, output, plan if report else None, full_size, writing)
    writing.conclude(failure_of(document))
