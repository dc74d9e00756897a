"""``vqa-harness gate``: score videos, or read logs, and judge them by rules."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.cli.input_formats import takes_formats
from vqa_harness.cli.options import (
    Jobs,
    Json,
    Memory,
    Metrics,
    Quiet,
    Scheduler,
    SchedulerFile,
    Schema,
    Threads,
    Timeout,
    put_json,
)
from vqa_harness.cli.pairing import takes_pairing
from vqa_harness.destinations import STDOUT
from vqa_harness.errors import UsageError, about
from vqa_harness.gate.pairing import DEFAULTS
from vqa_harness.media.input_format import PairFormat
from vqa_harness.registry import Registry

if TYPE_CHECKING:
    from vqa_harness.engine.places import Places
    from vqa_harness.gate.baseline import Baseline
    from vqa_harness.gate.plan import Plan
    from vqa_harness.gate.verdict import ScoredCase
    from vqa_harness.gate.write import Outputs


@partial(takes_pairing, defaults=DEFAULTS)
@takes_formats
def gate_command(
    context: typer.Context,
    videos: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="VIDEO", help="Videos that are scored instead of the cases of a file."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="Configuration; default: vqa-harness.toml, or [tool.vqa-harness] of "
            "pyproject.toml.",
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", help="A rule such as 'vmaf.mean >= 93'; may be repeated."),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", "-r", help="The video each VIDEO is compared with."),
    ] = None,
    metric: Metrics = None,
    log: Annotated[
        list[Path] | None,
        typer.Option("--log", help="Judge this log, ours or libvmaf's; may be repeated."),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="File of the scores accepted before, or a log.")
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Accept the scores found; show what changes.")
    ] = False,
    junit: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write JUnit XML; - for standard output.")
    ] = None,
    json_target: Json = None,
    markdown: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write a Markdown table; - for standard output."),
    ] = None,
    github: Annotated[
        bool | None,
        typer.Option(help="Write annotations and a job summary; default: on GitHub Actions."),
    ] = None,
    cache_dir: Annotated[
        Path | None, typer.Option(help="Folder where logs are kept; default: the user's cache.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Score everything again.")] = False,
    min_share: Annotated[
        float | None,
        typer.Option(
            "--min-share",
            min=0,
            max=1,
            help="Share of the frames, both ends left aside, that must have been scored; default: "
            "that of the configuration, or 0.9.",
        ),
    ] = None,
    init: Annotated[
        bool,
        typer.Option(
            "--init", help="Write a commented configuration from the videos found here; no judging."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cases and the rules; decode nothing.")
    ] = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    threads: Threads = 0,
    timeout: Timeout = None,
    _memory: Memory = None,
    quiet: Quiet = False,
    schema: Schema = False,
    *,
    stated: PairFormat,
    pairing: AlignOptions,
) -> None:
    """Pass or fail videos by quality rules: exit code 0 or 1."""
    from vqa_harness.cli.gate_arguments import GateArguments, make_plan
    from vqa_harness.destinations import check_destinations
    from vqa_harness.engine.places import chosen
    from vqa_harness.gate.accept import accepted_baseline
    from vqa_harness.gate.github import on_github
    from vqa_harness.gate.write import Outputs

    if schema:
        from vqa_harness.gate.config import json_schema

        put_json(STDOUT, json_schema())
        return
    registry: Registry = context.obj
    if init:
        from vqa_harness.gate.init import write_configuration

        unused = (rule, log, metric, baseline, junit, json_target, markdown)
        if any(unused) or update_baseline or dry_run:
            raise UsageError(
                "--init writes a configuration and takes only VIDEO, --reference and --config; "
                "write the rest into the file"
            )
        write_configuration(config, videos or [], reference, registry)
        return
    places = chosen(jobs, scheduler, scheduler_file)
    changed = {k: v for k, v in pairing.to_json().items() if v != getattr(DEFAULTS, k)}
    arguments = GateArguments(
        *(videos or [], log or [], reference, metric or [], rule or [], config, changed),
        stated,
        min_share,
    )
    plan = make_plan(arguments, registry, baseline)
    if dry_run:
        from vqa_harness.gate.preview import show_plan

        show_plan(plan, json_target, judged=bool(junit or markdown or update_baseline))
        return
    accepted = accepted_baseline(plan, registry, update=update_baseline)
    renewed = plan.baseline if update_baseline else None
    inputs = [path for path in plan.inputs() if path != renewed]
    check_destinations([junit, json_target, markdown, renewed], inputs)
    cache = None if no_cache else cache_dir or _default_cache()
    measured = _measure(plan, registry, cache, (places, timeout), threads=threads, quiet=quiet)
    actions = on_github(os.environ) if github is None else github
    outputs = Outputs(junit, json_target, markdown, actions, quiet)
    _report(plan, measured, registry, accepted, outputs, update=update_baseline)


def _report(
    plan: Plan,
    measured: list[ScoredCase],
    registry: Registry,
    accepted: Baseline | None,
    outputs: Outputs,
    *,
    update: bool,
) -> None:
    """Judge what was measured, and write everything that is asked for.

    Raises:
        VqaError: what the gate ends with, or a result could not be written.
    """
    from vqa_harness.destinations import Writing
    from vqa_harness.gate.accept import update_baseline
    from vqa_harness.gate.judge import judge
    from vqa_harness.gate.write import write_changes, write_verdict

    verdict = judge(plan, measured, registry, accepted, accept=update)
    writing = Writing()
    write_verdict(verdict, plan, outputs, writing)
    if update and plan.baseline is not None:
        with writing.trying():
            renewal = update_baseline(plan.baseline, plan, measured, accepted, registry)
            write_changes(plan.baseline, renewal, outputs)
    writing.conclude(verdict.failure())


def _default_cache() -> Path:
    from vqa_harness.files import cache_folder

    return cache_folder()


def _measure(
    plan: Plan,
    registry: Registry,
    cache: Path | None,
    processes: tuple[Places, float | None],
    *,
    threads: int,
    quiet: bool,
) -> list[ScoredCase]:
    from vqa_harness.console import command_line, warn
    from vqa_harness.gate.judge import wants_bitrate
    from vqa_harness.gate.output import warnings_of
    from vqa_harness.gate.score import GateScoring, measure_all
    from vqa_harness.logs.cache import ResultCache

    logs = None if cache is None else ResultCache(cache)
    scoring = GateScoring(logs, threads, quiet, frozenset(wants_bitrate(plan)), command_line())
    measured: list[ScoredCase] = []
    for item in measure_all(plan.cases, registry, scoring, *processes):
        for text in warnings_of(item):
            warn(about(item.case.name, text))
        if item.not_kept and not any(earlier.not_kept for earlier in measured):
            warn(f"{item.not_kept}; nothing is kept for the next gate")
        measured.append(item)
    return measured
