"""The command-line options about pairing, shared by every command that takes a reference."""

from __future__ import annotations

from typing import Annotated

import typer

_PANEL = "Pairing with the reference"


def _option(*names: str, text: str) -> typer.models.OptionInfo:
    made: typer.models.OptionInfo = typer.Option(*names, help=text, rich_help_panel=_PANEL)
    return made


Mode = Annotated[str, _option("--align", text="auto, index, time or content.")]
Tail = Annotated[str, _option("--tail", text="One is longer: common, error or repeat.")]
FpsPolicy = Annotated[
    str, _option("--fps-policy", text="Rates differ: auto, error, match-dist or match-ref.")
]
MaxOffset = Annotated[
    float, _option("--max-offset", text="Seconds one may be shifted against the other.")
]
OnCorrupt = Annotated[str, _option("--on-corrupt", text="Damaged frames: score, skip or fail.")]
Strict = Annotated[bool, _option("--strict", text="Any warning of the pairing is an error.")]
ScaleTo = Annotated[str, _option("--scale-to", text="ref, dist or WIDTHxHEIGHT; bicubic.")]
Fit = Annotated[str, _option("--fit", text="Aspect ratios differ: none, stretch, pad or crop.")]
Crop = Annotated[str, _option("--crop", text="Black bars on one side only: warn, auto or off.")]
