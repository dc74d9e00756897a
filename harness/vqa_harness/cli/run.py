"""``vqa-harness run``: score videos, write logs, print a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.cli.input_formats import takes_formats
from vqa_harness.cli.options import Deadline, Json, Memory, Metrics, Quiet, Threads, put_json
from vqa_harness.cli.pairing import takes_pairing
from vqa_harness.destinations import STDOUT
from vqa_harness.errors import (
    AlignError,
    InputError,
    MetricError,
    PartialResult,
    UsageError,
    VqaError,
    about,
    one_line,
)
from vqa_harness.media.input_format import PairFormat
from vqa_harness.registry import DEFAULT_METRIC, Registry
from vqa_harness.request import Request
from vqa_harness.stats.pooling import POOLS, pool_names

if TYPE_CHECKING:
    from vqa_harness.logs.log import Log
    from vqa_harness.result import RunResult


@takes_pairing
@takes_formats
def run_command(
    context: typer.Context,
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT", help="Videos to score, or folders of them.")
    ],
    metric: Metrics = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", "-r", help="Video to compare every input with."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Log file; a folder for several inputs; - for stdout."),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option("--format", help="Log format; default: that of the file's ending, or json."),
    ] = None,
    pool: Annotated[
        str,
        typer.Option(
            help="What is printed of each score and goes to --json: mean, min, max, harmonic_mean,"
            " std, and percentiles such as p5; joined by commas.",
        ),
    ] = ",".join(POOLS),
    interval: Annotated[
        bool,
        typer.Option(
            "--interval", help="Add the 95 % interval of each mean (block bootstrap, see the docs)."
        ),
    ] = False,
    qc: Annotated[
        bool,
        typer.Option("--qc", help="Look for events as well: black, freezes, cuts, sound (see qc)."),
    ] = False,
    json_target: Json = None,
    split: Annotated[
        int,
        typer.Option(
            min=1,
            max=4096,
            help="Score each video in so many pieces at the same time; the scores are the same.",
        ),
    ] = 1,
    threads: Threads = 0,
    _timeout: Deadline = None,
    _memory: Memory = None,
    quiet: Quiet = False,
    *,
    stated: PairFormat,
    pairing: AlignOptions,
) -> None:
    """Score videos with one or more metrics, each decoded once."""
    from vqa_harness.cli.warmup import announce_compiling
    from vqa_harness.console import note, progress_bar, warn
    from vqa_harness.destinations import Writing, check_destinations, files_of
    from vqa_harness.logs.write import log_targets, write_log
    from vqa_harness.media.inputs import as_source, check_stated, expand
    from vqa_harness.pipeline.runner import RunOptions

    registry: Registry = context.obj
    requests = registry.requests(metric or [DEFAULT_METRIC])
    pools = pool_names(pool)
    if output == STDOUT and json_target == STDOUT:
        raise UsageError("-o - and --json - both write to standard output; choose one")
    writers = registry.writers()
    inputs = expand(inputs, note)
    check_stated(stated, inputs, reference)
    compared = None if reference is None else as_source(reference, stated.reference)
    targets = log_targets(inputs, output, log_format, writers)
    read = [*inputs, reference, *files_of(requests)]
    check_destinations([json_target, *targets.values()], read)
    announce_compiling(requests)
    writing = Writing()
    done: list[dict[str, Any]] = []
    failed: list[VqaError] = []
    for path in inputs:
        try:
            with progress_bar(path.name, quiet=quiet) as progress:
                options = RunOptions(threads, progress, pairing, qc=qc)
                source = as_source(path, stated.distorted)
                score = _how(split, path.name)
                result = score(source, requests, registry, options, reference=compared)
            log = _log(path, result)
        except (InputError, AlignError, MetricError) as error:
            if len(inputs) == 1:
                raise
            warn(one_line(error))
            failed.append(error)
            continue
        if path in targets:
            with writing.trying():
                write_log(log, targets[path], log_format, writers)
        done.append(_summary(path, result, log, pools, interval=interval))
        _call_plugins(registry, log)
        broken: list[VqaError] = [
            MetricError(f"{path.name}: metric {m.spec.name!r} failed: {m.error}")
            for m in result.metrics
            if m.error is not None
        ]
        for one in broken if failed else broken[1:]:  # the first of all ends the command
            warn(one_line(one))
        failed += broken
    if json_target is not None:
        with writing.trying():
            put_json(json_target, done)
    if done and STDOUT not in (output, json_target):
        _print(done, requests, pools, interval=interval)
    writing.conclude(_failure(done, failed, len(inputs)))


def _how(split: int, name: str) -> Callable[..., RunResult]:
    """What scores a video: in one piece or in several."""
    from vqa_harness.console import note
    from vqa_harness.pipeline.runner import run
    from vqa_harness.split.in_pieces import Splitting
    from vqa_harness.split.run import run_in_pieces

    if split == 1:
        return run
    splitting = Splitting(split, told=lambda text: note(about(name, text)))
    return partial(run_in_pieces, splitting=splitting)


def _log(path: Path, result: RunResult) -> Log:
    """Lay the result out as a log, and say what the user should know."""
    from vqa_harness.console import command_line, note, warn
    from vqa_harness.logs.build import build_log

    log = build_log(result, command=command_line())
    for text in result.warnings:
        warn(about(path.name, text))
    for role, report in result.reading.items():
        grainless = report.get("frames_without_grain") if isinstance(report, dict) else None
        if grainless is not None:
            what = f"left out of {grainless} frames" if grainless else "not there to be left out"
            note(about(path.name, f"{role}: film grain was {what}"))
    for metric in result.metrics:
        for text in metric.warnings:
            warn(about(path.name, about(metric.spec.name, text)))
        for text in metric.notes:
            note(about(path.name, about(metric.spec.name, text)))
    return log


def _summary(
    path: Path, result: RunResult, log: Log, pools: Sequence[str], *, interval: bool
) -> dict[str, Any]:
    """What is printed and goes to ``--json``; pooled over the frames that have a score."""
    summary = {
        "input": str(path),
        "frames": len(result.frame_times),
        "pooled": _pooled(log, pools),
        "warnings": list(log.extra["warnings"]),
        "seconds": {k: round(v, 3) for k, v in result.seconds.items()},
    }
    if result.qc:
        summary["qc"] = log.extra["qc"]
    if interval:
        from vqa_harness.logs.features import mean_intervals

        summary["mean_interval"] = mean_intervals(log)
    return summary


def _pooled(log: Log, pools: Sequence[str]) -> Mapping[str, Mapping[str, float | None]]:
    """The values of the log where they serve: all frames have a score, and no other is wanted."""
    undefined = any(metric["undefined_frames"] for metric in log.extra["metrics"].values())
    if not undefined and set(pools) <= set(POOLS):
        return {name: {p: of[p] for p in pools} for name, of in log.pooled.items()}
    from vqa_harness.logs.features import pooled_values

    return pooled_values(log, pools)


def _call_plugins(registry: Registry, log: Log) -> None:
    from vqa_harness.logs.vmaf_json import to_json

    document = to_json(log)
    for _ in registry.call("vqa_run_finished", log=document):
        pass


def _print(
    done: list[dict[str, Any]], requests: list[Request], pools: Sequence[str], *, interval: bool
) -> None:
    """Print the features that the metrics declare; others that they give are in the log only."""
    from vqa_harness.console import print_table

    asked = {feature.name for request in requests for feature in request.features}
    rows = []
    for entry in done:
        for name in filter(asked.__contains__, entry["pooled"]):
            values: list[float | None] = [entry["pooled"][name].get(p) for p in pools]
            if interval:
                values += entry["mean_interval"][name] or (None, None)
            rows.append([Path(entry["input"]).name, name, *map(_number, values)])
    ends = ("mean from", "mean to") if interval else ()
    print_table(("input", "metric", *pools, *ends), rows)
    _print_events(done)


def _print_events(done: list[dict[str, Any]]) -> None:
    from vqa_harness.cli.qc import HEAD, event_rows
    from vqa_harness.console import print_table

    looked = [entry for entry in done if "qc" in entry]
    rows = [
        [Path(entry["input"]).name, *row] for entry in looked for row in event_rows(entry["qc"])
    ]
    if rows:
        print_table(HEAD, rows)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _failure(done: list[dict[str, Any]], failed: list[VqaError], inputs: int) -> VqaError | None:
    """What the command ends with: the one failure, or `PartialResult` where others went well."""
    if not failed:
        return None
    if inputs == 1 or (len({error.exit_code for error in failed}) == 1 and not done):
        return failed[0]
    return PartialResult(f"{len(failed)} of {inputs} inputs failed: {one_line(failed[0])}")
