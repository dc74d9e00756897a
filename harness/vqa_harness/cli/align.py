"""``vqa-harness align``: how a distorted video relates to its reference in time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.cli.input_formats import takes_formats
from vqa_harness.cli.options import Deadline, Json, Memory, Quiet, put_json
from vqa_harness.cli.pairing import takes_pairing
from vqa_harness.destinations import STDOUT
from vqa_harness.media.input_format import PairFormat

if TYPE_CHECKING:
    from vqa_harness.alignment.report import AlignReport


@takes_pairing
@takes_formats
def align_command(
    distorted: Annotated[
        Path, typer.Argument(metavar="DISTORTED", help="The video made from the reference.")
    ],
    reference: Annotated[
        Path, typer.Option("--reference", "-r", help="The original video it is compared with.")
    ],
    json_target: Json = None,
    _timeout: Deadline = None,
    _memory: Memory = None,
    quiet: Quiet = False,
    *,
    stated: PairFormat,
    pairing: AlignOptions,
) -> None:
    """Tell which frames of two videos belong together, and what is missing, repeated or frozen."""
    from vqa_harness.alignment.align import align
    from vqa_harness.console import progress_bar, show, warn
    from vqa_harness.destinations import Writing, check_destinations
    from vqa_harness.media.inputs import as_source, check_stated

    check_stated(stated, [distorted], reference)
    sides = as_source(distorted, stated.distorted), as_source(reference, stated.reference)
    check_destinations([json_target], [distorted, reference])
    with progress_bar(distorted.name, quiet=quiet) as progress:
        report, warnings = align(*sides, pairing, progress=progress)
    writing = Writing()
    if json_target is not None:
        with writing.trying():
            put_json(json_target, report.to_json())
    if json_target != STDOUT:
        show(*lines(report))
    for text in warnings:
        warn(text)
    writing.conclude()


def lines(report: AlignReport) -> list[str]:
    """The report as text: a line per number, then the timeline with its legend."""
    rows = [f"{name:<12}{value}" for name, value in facts(report)]
    legend = "= paired   x dropped here   d repeated   F frozen   ? without a partner"
    return [*rows, "", report.timeline(), legend]


def facts(report: AlignReport) -> list[tuple[str, str]]:
    """Names and values of the lines that are shown."""
    events = report.events
    seconds = report.offset_seconds
    offset = f"{report.offset_frames or 0:+d} frames"
    if seconds is not None:
        offset += f", {float(seconds):+.3f} s"
    residual = ", ".join(f"{name} {value:g}" for name, value in report.residual.items())
    frozen = sum(f.stop - f.start for f in events.frozen)
    lists: dict[str, list[Any]] = {
        "dropped": events.dropped,
        "repeated": events.duplicated,
        "frozen": [f"{f.start}-{f.stop - 1}" for f in events.frozen],
        "unmatched": [f"{a}-{b - 1}" for a, b in events.unmatched],
    }
    counts = {"frozen": frozen, "unmatched": sum(b - a for a, b in events.unmatched)}
    return [
        ("model", f"{report.model} (asked for {report.options.mode})"),
        ("pairs", f"{report.pairs} of {report.distorted_frames} distorted frames"),
        ("reference", f"{report.reference_frames} frames"),
        ("scored", _scored(report)),
        ("offset", offset),
        *((name, _listed(counts.get(name, len(v)), v)) for name, v in lists.items()),
        ("ends", _ends(report)),
        ("residual", f"{residual} (RMS, 8-bit levels)" if residual else "-"),
        ("confidence", f"{report.confidence:.2f}"),
        ("passes", "; ".join(report.passes)),
    ]


def _scored(report: AlignReport) -> str:
    texts = ["?" if share is None else f"{share:.3f}" for share in report.shares]
    return f"{texts[0]} of the distorted, {texts[1]} of the reference"


def _listed(count: int, items: list[Any]) -> str:
    shown = ", ".join(str(item) for item in items[:10])
    more = ", ..." if len(items) > 10 else ""
    return f"{count}: {shown}{more}" if count else "0"


def _ends(report: AlignReport) -> str:
    head, tail = report.events.head, report.events.tail
    return (
        f"left out {head[0]} + {tail[0]} distorted, {head[1]} + {tail[1]} reference (start + end)"
    )
