"""``vqa-harness report``: one HTML file from logs, or from a ladder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqa_harness.cli.options import FullSize
from vqa_harness.errors import UsageError


def report_command(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="LOG", help="Logs of a run, or one ladder.json.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="HTML file to write; default: beside the input."),
    ] = None,
    distorted: Annotated[
        list[Path] | None,
        typer.Option(
            "--distorted", help="A scored video or its folder, for thumbnails; may be repeated."
        ),
    ] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(
            "--reference", "-r", help="A reference or its folder, for thumbnails; may be repeated."
        ),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
    full_size: FullSize = None,
) -> None:
    """Make one HTML file with curves, per-frame charts, alignment and the worst frames."""
    from vqa_harness.console import note
    from vqa_harness.destinations import check_destinations
    from vqa_harness.report.thumbnails import Media
    from vqa_harness.report.write import require_jinja, write_report

    require_jinja()
    for path in (*(distorted or ()), *(reference or ())):
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder; check the path")
    folders = [inputs[0].parent, inputs[0].parent / "rungs"]
    media = Media([*(distorted or ()), *folders], [*(reference or ()), inputs[0].parent])
    target = output or inputs[0].with_suffix(".html")
    check_destinations([target], [*inputs, *media.files()])
    write_report(inputs, target, media, title=title, megabytes=full_size)
    note(f"wrote {target} ({target.stat().st_size / 1e6:.2f} MB)")
