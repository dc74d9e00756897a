"""``vqa-harness qc``: events of videos that need no reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vqa_harness.cli.input_formats import takes_formats
from vqa_harness.cli.options import Deadline, Json, Memory, Quiet, Threads, put_json
from vqa_harness.destinations import STDOUT
from vqa_harness.errors import InputError, PartialResult, VqaError, about, one_line
from vqa_harness.media.input_format import PairFormat

if TYPE_CHECKING:
    from vqa_harness.qc.events import QcReport

HEAD = ("input", "event", "start", "end", "strength", "detail")
"""Columns of the table of events."""


@takes_formats
def qc_command(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Videos or sound files, or folders of videos."),
    ],
    json_target: Json = None,
    threads: Threads = 0,
    _timeout: Deadline = None,
    _memory: Memory = None,
    quiet: Quiet = False,
    *,
    stated: PairFormat,
) -> None:
    """Tell black, frozen and flashing pictures, cuts, field order, levels, silence and loudness."""
    from vqa_harness.console import note, progress_bar, warn
    from vqa_harness.destinations import Writing, check_destinations
    from vqa_harness.media.inputs import as_source, check_stated, expand
    from vqa_harness.qc.check import check

    inputs = expand(inputs, note)
    check_stated(stated, inputs, None)
    check_destinations([json_target], inputs)
    done: list[QcReport] = []
    failed: list[VqaError] = []
    for path in inputs:
        try:
            with progress_bar(path.name, quiet=quiet) as progress:
                source = as_source(path, stated.distorted)
                report = check(source, threads=threads, progress=progress)
        except InputError as error:
            if len(inputs) == 1:
                raise
            warn(one_line(error))
            failed.append(error)
            continue
        for text in report.warnings:
            warn(about(report.name, text))
        done.append(report)
    writing = Writing()
    if json_target is not None:
        with writing.trying():
            put_json(json_target, [{"input": r.name, **r.to_json()} for r in done])
    if done and json_target != STDOUT:
        print_events(done)
    writing.conclude(_failure(done, failed))


def print_events(reports: list[QcReport]) -> None:
    """Print a table of the events, and one of the loudness where there is sound."""
    from vqa_harness.console import print_table, show

    rows = [[r.name, *row] for r in reports for row in event_rows(r.to_json())]
    if rows:
        print_table(HEAD, rows)
    for report in reports:
        if not report.events:
            show(f"{report.name}: no events")
    heard = [report for report in reports if report.loudness is not None]
    if heard:
        columns = ("input", "loudness LUFS", "range LU", "true peak dBTP")
        print_table(columns, [[r.name, *loudness_row(r.to_json())] for r in heard])


def event_rows(qc: dict[str, Any]) -> list[list[str]]:
    """A row for each event of a report as JSON: kind, start, end, strength, detail."""
    return [
        [
            event["kind"],
            f"{event['start']:.3f}",
            f"{event['end']:.3f}",
            "-" if event["strength"] is None else f"{event['strength']:.3f}",
            event["detail"] or "-",
        ]
        for event in qc["events"]
    ]


def loudness_row(qc: dict[str, Any]) -> list[str]:
    """Integrated loudness, range and true peak of a report as JSON."""
    values = qc["loudness"]
    return [
        "-" if (value := values[key]) is None else f"{value:.1f}"
        for key in ("integrated", "range", "true_peak")
    ]


def _failure(done: list[QcReport], failed: list[VqaError]) -> VqaError | None:
    if not failed:
        return None
    if not done:
        return failed[0]
    total = len(done) + len(failed)
    return PartialResult(f"{len(failed)} of {total} inputs failed: {one_line(failed[0])}")
