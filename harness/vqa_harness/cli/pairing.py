"""The command-line options about pairing, the same for every command that takes a reference."""

from __future__ import annotations

from collections.abc import Callable

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.cli.added_options import Added, add_options

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
    "max_offset": (
        float,
        "--max-offset",
        "Shift or loss, in seconds, that is found at once; a longer one takes another pass.",
    ),
    "on_corrupt": (str, "--on-corrupt", "What to do with damaged frames: score, skip or fail."),
    "strict": (bool, "--strict", "Treat every warning of the pairing as an error."),
    "scale_to": (str, "--scale-to", "Size to compare at (bicubic): ref, dist or WIDTHxHEIGHT."),
    "fit": (str, "--fit", "What to do if aspect ratios differ: none, stretch, pad or crop."),
    "crop": (str, "--crop", "What to do with black bars on one side only: warn, auto or off."),
    "deinterlace": (
        str,
        "--deinterlace",
        "Sides to deinterlace: off, auto (those that are interlaced) or both.",
    ),
    "distorted_scan": (
        str,
        "--distorted-scan",
        "What the distorted video is: progressive, tff, bff or auto (what it says itself).",
    ),
    "reference_scan": (
        str,
        "--reference-scan",
        "What the reference is: progressive, tff, bff or auto (what it says itself).",
    ),
    "distorted_colour": (
        str,
        "--distorted-colour",
        DISTORTED_COLOUR,
    ),
    "reference_colour": (str, "--reference-colour", REFERENCE_COLOUR),
    "grain": (
        str,
        "--grain",
        "Film grain that decoders add (AV1, H.264, HEVC, VVC), on both sides: on or off.",
    ),
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
    options = {
        name: Added(kind, flag, text, getattr(defaults, name))
        for name, (kind, flag, text) in _FLAGS.items()
    }
    return add_options(command, "pairing", options, lambda values: AlignOptions(**values), _PANEL)
