"""The command-line options about pairing, the same for every command that takes a reference."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from vqa_harness.alignment.options import AlignOptions

_PANEL = "Pairing with the reference"
_FLAGS: dict[str, tuple[type, str, str]] = {
    "mode": (str, "--align", "auto, index, time or content."),
    "tail": (str, "--tail", "One is longer: common, error or repeat."),
    "fps_policy": (str, "--fps-policy", "Rates differ: auto, error, match-dist or match-ref."),
    "max_offset": (float, "--max-offset", "Seconds one may be shifted against the other."),
    "on_corrupt": (str, "--on-corrupt", "Damaged frames: score, skip or fail."),
    "strict": (bool, "--strict", "Any warning of the pairing is an error."),
    "scale_to": (str, "--scale-to", "ref, dist or WIDTHxHEIGHT; bicubic."),
    "fit": (str, "--fit", "Aspect ratios differ: none, stretch, pad or crop."),
    "crop": (str, "--crop", "Black bars on one side only: warn, auto or off."),
    "deinterlace": (str, "--deinterlace", "off, auto (a side that says it is) or both."),
}
"""Fields of `AlignOptions`: type, option and help."""


def takes_pairing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of `AlignOptions`.

    Args:
        command: takes the `AlignOptions` as ``pairing``.

    Returns:
        The command for typer. Values that cannot be are a `UsageError` when it is called.
    """
    defaults = AlignOptions()

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:
        chosen = {name: given.pop(name) for name in _FLAGS}
        command(pairing=AlignOptions(**chosen), **given)

    own = inspect.signature(command, eval_str=True)
    kept = [p for name, p in own.parameters.items() if name != "pairing"]
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
        parameters=[*(p.replace(kind=last) for p in kept), *added]
    )
    wrapper.__annotations__ = {p.name: p.annotation for p in [*kept, *added]}
    return wrapper
