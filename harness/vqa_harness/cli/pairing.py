"""The command-line options about pairing, the same for every command that takes a reference."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from vqa_harness.alignment.options import AlignOptions

DISTORTED_COLOUR = (
    "State what the distorted video does not say of its colour, or has wrong: "
    "matrix=bt709,range=full,transfer=pq,primaries=bt2020, or a word such as bt709, full or pq."
)
REFERENCE_COLOUR = "The same of the reference."
_PANEL = "Pairing with the reference"
_FLAGS: dict[str, tuple[type, str, str]] = {
    "mode": (str, "--align", "How frames are paired: auto, index, time or content."),
    "tail": (str, "--tail", "What to do if one video is longer: common, error or repeat."),
    "fps_policy": (
        str,
        "--fps-policy",
        "What to do if frame rates differ: auto, error, match-dist or match-ref.",
    ),
    "max_offset": (float, "--max-offset", "Longest shift of one video against the other, seconds."),
    "on_corrupt": (str, "--on-corrupt", "What to do with damaged frames: score, skip or fail."),
    "strict": (bool, "--strict", "Treat every warning of the pairing as an error."),
    "scale_to": (str, "--scale-to", "Size to compare at (bicubic): ref, dist or WIDTHxHEIGHT."),
    "fit": (str, "--fit", "What to do if aspect ratios differ: none, stretch, pad or crop."),
    "crop": (str, "--crop", "What to do with black bars on one side only: warn, auto or off."),
    "deinterlace": (
        str,
        "--deinterlace",
        "Sides to deinterlace: off, auto (those that say they are interlaced) or both.",
    ),
    "distorted_colour": (
        str,
        "--distorted-colour",
        DISTORTED_COLOUR,
    ),
    "reference_colour": (str, "--reference-colour", REFERENCE_COLOUR),
}
"""Fields of `AlignOptions`: their type, option and help."""


def takes_pairing(
    command: Callable[..., None], defaults: AlignOptions | None = None
) -> Callable[..., None]:
    """Give a command an option for each field of `AlignOptions`.

    Args:
        command: takes the `AlignOptions` as ``pairing``.
        defaults: what holds where an option is not given; None for those of `AlignOptions`.

    Returns:
        The command for typer. It raises `UsageError` when it is called with impossible values.
    """
    defaults = defaults or AlignOptions()

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> None:
        chosen = {name: arguments.pop(name) for name in _FLAGS}
        command(pairing=AlignOptions(**chosen), **arguments)

    own = inspect.signature(command, eval_str=True)
    parameters = [p for name, p in own.parameters.items() if name != "pairing"]
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=getattr(defaults, name),
            annotation=Annotated[kind, typer.Option(flag, help=text, rich_help_panel=_PANEL)],
        )
        for name, (kind, flag, text) in _FLAGS.items()
    ]
    last = inspect.Parameter.KEYWORD_ONLY
    wrapper.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[*(p.replace(kind=last) for p in parameters), *added]
    )
    wrapper.__annotations__ = {p.name: p.annotation for p in [*parameters, *added]}
    return wrapper
