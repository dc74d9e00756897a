"""``vqa-harness report``: one HTML file from logs, or from a ladder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqa_harness.cli.options import FullSize
from vqa_harness.errors import UsageError

if TYPE_CHECKING:
    from vqa_harness.report.thumbnails import Media


def report_command(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOG", help="Logs of a run, one ladder.json, or the folder of a batch."
        ),
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
    single: Annotated[
        int,
        typer.Option(
            "--single",
            min=0,
            max=1000,
            help="Of a batch: make pages of so many of the worst videos, too, and link them.",
        ),
    ] = 0,
) -> None:
    """Make one HTML file with curves, per-frame charts, alignment and the worst frames."""
    from vqa_harness.console import note
    from vqa_harness.destinations import check_destinations
    from vqa_harness.report.corpus import is_batch
    from vqa_harness.report.thumbnails import Media
    from vqa_harness.report.write import require_jinja, write_report

    require_jinja()
    for path in (*(distorted or ()), *(reference or ())):
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder; check the path")
    if is_batch(inputs[0]):
        _corpus(inputs, output, Media(distorted or [], reference or []), title, single)
        return
    if single:
        raise UsageError("--single is for the folder of a batch, which none of these is")
    folders = [inputs[0].parent, inputs[0].parent / "rungs"]
    media = Media([*(distorted or ()), *folders], [*(reference or ()), inputs[0].parent])
    target = output or inputs[0].with_suffix(".html")
    check_destinations([target], [*inputs, *media.files()])
    write_report(inputs, target, media, title=title, megabytes=full_size)
    note(f"wrote {target} ({target.stat().st_size / 1e6:.2f} MB)")


def _corpus(
    inputs: list[Path], output: Path | None, media: Media, title: str | None, single: int
) -> None:
    from vqa_harness.console import note, warn
    from vqa_harness.destinations import check_destinations
    from vqa_harness.report.corpus_page import write_corpus

    if len(inputs) > 1:
        raise UsageError("a page shows one batch; name its folder alone")
    target = output or inputs[0] / "report.html"
    check_destinations([target], media.files())
    for text in write_corpus(inputs[0], target, single=single, media=media, title=title):
        warn(text)
    note(f"wrote {target} ({target.stat().st_size / 1e6:.2f} MB)")
