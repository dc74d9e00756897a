"""``vqa-harness batch``: score a corpus, on this machine or a cluster, and lose nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.cli.input_formats import takes_formats
from vqa_harness.cli.options import Json, Metrics, Quiet, Scheduler, SchedulerFile, put_json
from vqa_harness.cli.pairing import takes_pairing
from vqa_harness.destinations import STDOUT
from vqa_harness.errors import PartialResult, UsageError
from vqa_harness.files import is_address
from vqa_harness.media.input_format import PairFormat
from vqa_harness.registry import DEFAULT_METRIC, Registry

if TYPE_CHECKING:
    from vqa_harness.batch.tally import Tally

_TOLD = 10
"""How many failures are warned of one by one at the end."""


@takes_pairing
@takes_formats
def batch_command(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Manifests (.csv, .jsonl, .parquet; columns file, reference, any others), "
            "folders, globs or videos. With --collect: the folder of a batch.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where logs, rows and tables go; with --allow-remote also an address.",
        ),
    ] = None,
    metric: Metrics = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", "-r", help="Reference of cases that name none themselves."),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            "-j",
            min=0,
            max=256,
            help="Cases at once on this machine; 0: one per processor.",
        ),
    ] = 0,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Threads for the metrics of each case.")
    ] = 1,
    engine: Annotated[
        Literal["auto", "dask", "pool"],
        typer.Option(
            "--engine",
            help="dask: a cluster of this machine; pool: plain processes; auto: dask where it is "
            "installed.",
        ),
    ] = "auto",
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    shard: Annotated[
        str,
        typer.Option(
            "--shard", metavar="I/N", help="Score part I of N, as a task of a job array does."
        ),
    ] = "1/1",
    failed_only: Annotated[
        bool, typer.Option("--failed-only", help="Score again what failed, and nothing else.")
    ] = False,
    retries: Annotated[
        int,
        typer.Option(
            "--retries",
            min=0,
            max=100,
            help="How often a case is tried again whose process died, or whose files could not be "
            "read for a reason that may pass.",
        ),
    ] = 2,
    max_failures: Annotated[
        int | None,
        typer.Option(
            "--max-failures",
            min=0,
            metavar="COUNT",
            help="Stop when more cases than this have failed.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.001, metavar="SECONDS", help="Let a case fail that takes longer than this."
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory that the process of each case may take, such as 2G; a case that needs "
            "more fails.",
        ),
    ] = None,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Fetch videos that a manifest names by addresses such as s3://, gs:// or "
            "https://, and put results to one that -o names.",
        ),
    ] = False,
    stage_limit: Annotated[
        str,
        typer.Option(
            "--stage-limit", metavar="SIZE", help="Size that a fetched video may have, such as 2G."
        ),
    ] = "64G",
    split_longer_than: Annotated[
        str | None,
        typer.Option(
            "--split-longer-than",
            metavar="DURATION",
            help="Score a video that is longer than this, such as 90s, 10m or 1h, in pieces that "
            "are about so long, on several processes; scores are the same.",
        ),
    ] = None,
    collect: Annotated[
        bool,
        typer.Option("--collect", help="Make the tables of a batch's folder, and score nothing."),
    ] = False,
    json_target: Json = None,
    quiet: Quiet = False,
    *,
    stated: PairFormat,
    pairing: AlignOptions,
) -> None:
    """Score a corpus: a manifest in, a log and a row for each case out, and tables of them all."""
    from vqa_harness import memory as bounds
    from vqa_harness.batch.divide import parse_duration
    from vqa_harness.batch.run import Bounds
    from vqa_harness.batch.session import Corpus, score_corpus
    from vqa_harness.batch.settings import Settings, facts_of
    from vqa_harness.console import command_line
    from vqa_harness.destinations import check_destinations
    from vqa_harness.engine.places import Places

    if collect:
        _collect_only(inputs, output, allow_remote=allow_remote)
        return
    if output is None:
        raise UsageError("name a folder for the results: -o FOLDER")
    out = _place(output, allow_remote=allow_remote)
    check_destinations([json_target], [Path(text) for text in inputs])
    registry: Registry = context.obj
    requests = tuple(registry.requests(metric or [DEFAULT_METRIC]))
    digest, facts = facts_of(requests, registry, pairing, stated)
    settings = Settings(
        out=out if isinstance(out, str) else out.absolute(),
        digest=digest,
        requests=requests,
        align=pairing,
        stated=stated,
        threads=threads,
        memory=None if memory is None else bounds.parse(memory),
        timeout=timeout,
        retries=retries,
        stage_limit=bounds.parse_size(stage_limit, "--stage-limit"),
        split_longer_than=None
        if split_longer_than is None
        else parse_duration(split_longer_than, "--split-longer-than"),
        failed_only=failed_only,
        command=command_line(),
    )
    limits = Bounds(_part(shard), max_failures)
    places = Places(engine, jobs, scheduler, scheduler_file)
    corpus = Corpus(inputs, reference, settings, facts, limits, places, quiet, allow_remote)
    tally = score_corpus(corpus)
    if limits.shard == (1, 1):
        _collect(out)
    _tell(tally, json_target)


def _part(text: str) -> tuple[int, int]:
    number, slash, of = text.partition("/")
    if slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) < 10**6:
        return int(number), int(of)
    raise UsageError(f"--shard {text}: write I/N with I from 1 to N, such as 3/100")


def _place(text: str, *, allow_remote: bool) -> Path | str:
    """Where results lie: a path, or an address that the user allows.

    Raises:
        UsageError: an address is not allowed, or results cannot be put there.
        MissingBackend: fsspec is not installed.
    """
    from vqa_harness.batch.bucket import check_address

    if not is_address(text.rpartition("::")[2]):
        return Path(text)
    if not allow_remote:
        raise UsageError(f"{text}: is an address; allow it with --allow-remote")
    check_address(text)
    if text.lower().startswith("memory:"):
        raise UsageError(f"{text}: is gone when the command ends; name a folder or a store")
    return text


def _collect_only(inputs: list[str], output: str | None, *, allow_remote: bool) -> None:
    if len(inputs) != 1 or output is not None:
        raise UsageError("--collect takes the folder of one batch: batch --collect FOLDER")
    _collect(_place(inputs[0], allow_remote=allow_remote))


def _collect(out: Path | str) -> None:
    from vqa_harness.batch.collect import collect
    from vqa_harness.console import note

    made = collect(out)
    place = f"{out}/cases" if isinstance(out, str) else out / "cases"
    note(f"{made.cases} cases and {made.frames} frames in {place} and frames/")


def _tell(tally: Tally, json_target: str | None) -> None:
    """Say what came of it: failures as warnings, the counts as a table or as JSON.

    Raises:
        PartialResult: some cases failed.
    """
    from vqa_harness.console import print_table, warn

    for one in tally.failures[:_TOLD]:
        warn(one["message"])
    if (more := tally.failed - _TOLD) > 0:
        warn(f"{more} more failed; the rows tell why")
    result: dict[str, Any] = {**tally.to_json(), "failures": tally.failures}
    if json_target is not None:
        put_json(json_target, result)
    if json_target != STDOUT:
        names = ("total", "done", "kept", "failed", "left", "frames", "seconds")
        print_table(names, [[str(result[name]) for name in names]])
    if tally.failed:
        raise PartialResult(
            f"{tally.failed} of {tally.total} cases failed; --failed-only tries them again"
        )
