"""The options that say how inputs are read that do not say it themselves."""

from __future__ import annotations

from collections.abc import Callable

from vqa_harness.cli.added_options import Added, add_options
from vqa_harness.media.input_format import PairFormat

_PANEL = "Raw video and numbered images"
_TEXTS = {
    "size": "Size of raw video, WIDTHxHEIGHT.",
    "pix_fmt": "Pixel format of raw video, as FFmpeg names it; default: yuv420p, with a warning.",
    "rate": "Frames per second of raw video or of numbered images (frame_%04d.png), such as 25 or "
    "30000/1001; default: 25, with a warning.",
}
_OPTIONS = {
    f"{side}{name}": Added(
        str | None,
        f"--{side}{name}".replace("_", "-"),
        "The same of the reference alone; default: as of the others." if side else text,
        None,
    )
    for side in ("", "reference_")
    for name, text in _TEXTS.items()
}


def takes_formats(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options about inputs that do not say how they are read.

    Args:
        command: takes the `PairFormat` as ``stated``.

    Returns:
        The command for typer. It raises `UsageError` when it is called with impossible values.
    """
    return add_options(command, "stated", _OPTIONS, PairFormat.of, _PANEL)
