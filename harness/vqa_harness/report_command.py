"""``vqa-harness report``: one HTML file from logs, or from a ladder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqa_harness.errors import UsageError

if TYPE_CHECKING:
    from vqa_harness.report_data import Report
    from vqa_harness.report_thumbnails import Media


def report_command(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="LOG...", help="Logs of a run, or one ladder.json.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="HTML file; default: beside the input.")
    ] = None,
    distorted: Annotated[
        list[Path] | None,
        typer.Option("--distorted", help="Scored video or its folder, for thumbnails."),
    ] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option("--reference", help="Reference or its folder, for thumbnails."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
) -> None:
    """Make one HTML file with curves, per-frame charts, alignment and the worst frames."""
    from vqa_harness.report_thumbnails import Media
    from vqa_harness.terminal import note

    for path in (*(distorted or ()), *(reference or ())):
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder; check the path")
    folders = [inputs[0].parent, inputs[0].parent / "rungs"]
    media = Media([*(distorted or ()), *folders], [*(reference or ()), inputs[0].parent])
    target = output or inputs[0].with_suffix(".html")
    write_report(inputs, target, media, title=title)
    note(f"wrote {target} ({target.stat().st_size / 1e6:.2f} MB)")


def write_report(
    inputs: Sequence[Path], target: Path, media: Media | None = None, *, title: str | None = None
) -> Path:
    """Write the page; it appears complete or not at all.

    Args:
        inputs: logs, or one ``ladder.json``.
        target: the HTML file; its folder must exist.
        media: where the videos are, for thumbnails; None for none.
        title: heading; None for the name of the source.

    Raises:
        InputError: a file cannot be read, or is neither a log nor a ladder.
        MissingBackend: jinja2 is not installed.
        UsageError: the page cannot be written.
    """
    from vqa_harness.atomic_file import write_text
    from vqa_harness.report_data import load
    from vqa_harness.report_html import render
    from vqa_harness.report_page import build
    from vqa_harness.report_thumbnails import add_figures

    report = load(inputs)
    pages, data = build(report)
    if media is not None:
        add_figures(pages, report.sections, media)
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    heading = title or _title(report)
    write_text(target, render(report, pages, data, title=heading, created=created))
    return target


def _title(report: Report) -> str:
    names = [section.name for section in report.sections]
    return names[0] if len(names) == 1 else f"{len(names)} sources"
