"""``vqa-harness view``: look at the pairs that were scored, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.cli.input_formats import takes_formats
from vqa_harness.cli.pairing import takes_pairing
from vqa_harness.errors import UsageError
from vqa_harness.media.input_format import PairFormat


@takes_pairing
@takes_formats
def view_command(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="LOG|VIDEO|FOLDER",
            help="A log, a ladder.json, a video, or the folder of a ladder or of a batch.",
        ),
    ],
    distorted: Annotated[
        list[Path] | None,
        typer.Option("--distorted", help="A scored video or its folder; may be repeated."),
    ] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option("--reference", "-r", help="A reference or its folder; may be repeated."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen at; 0: any that is free.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    *,
    stated: PairFormat,
    pairing: AlignOptions,
) -> None:
    """Show both frames of every pair with their scores, in a browser on this machine."""
    from vqa_harness.console import flush, note, show
    from vqa_harness.media.inputs import as_source, check_stated
    from vqa_harness.report.thumbnails import Media
    from vqa_harness.view.encodes import Videos, check_there, is_log, of_path, of_video
    from vqa_harness.view.server import require_server, serve

    require_server()
    for one in (path, *(distorted or ()), *(reference or ())):
        check_there(one)
    if is_log(path):
        encodes = of_path(path, Media(distorted or [], reference or []))
    else:
        if distorted or len(reference or ()) > 1:
            raise UsageError("a video is compared with one reference; give a log to name several")
        compared = reference[0] if reference else None
        check_stated(stated, [path], compared)
        videos = Videos(
            as_source(path, stated.distorted),
            None if compared is None else as_source(compared, stated.reference),
            pairing,
        )
        encodes = of_video(videos, path)

    def ready(address: str) -> None:
        show(address)
        flush()
        note("Ctrl-C ends it; who has this address sees these videos")
        if browser:
            import webbrowser

            webbrowser.open(address)

    serve(encodes, path.resolve().name, port=port, ready=ready)
