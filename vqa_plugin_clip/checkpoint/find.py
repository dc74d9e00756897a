"""Where checkpoints lie: bundled ones by name, others by path. Nothing here imports torch."""

from __future__ import annotations

import re
from pathlib import Path

from vqa_harness.errors import InputError, MissingBackend

WEIGHTS_FOLDER = Path(__file__).parents[1] / "weights"
"""Checkpoints that come with the package."""

DEFAULT = "default"
"""The name that stands for the bundled checkpoint which a run takes when none is named."""

DEFAULT_NAME = "clipvqa-small"
"""Name of the checkpoint that `DEFAULT` stands for."""


def bundled() -> list[str]:
    """List the names of the checkpoints in the package."""
    return sorted(path.stem for path in WEIGHTS_FOLDER.glob("*.json"))


def find_checkpoint(path_or_name: str | Path) -> Path:
    """Find a checkpoint.

    Args:
        path_or_name: Path of the card or of the weights, or a bundled name.

    Returns:
        The path of the card.

    Raises:
        MissingBackend: No checkpoint of that name is bundled.
        InputError: There is no such file.
    """
    text = str(path_or_name)
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", text):
        card = WEIGHTS_FOLDER / f"{DEFAULT_NAME if text == DEFAULT else text}.json"
        if not card.is_file():
            names = ", ".join(bundled()) or "none is bundled"
            raise MissingBackend(
                f"checkpoint {text!r}: not in this installation ({names});"
                " give the path of a .safetensors file with its card beside it"
            )
        return card
    path = Path(path_or_name)
    if path.suffix not in (".safetensors", ".json"):
        raise InputError(
            f"{path}: not a .safetensors checkpoint; vqa-harness clipvqa import-checkpoint"
            " converts a .pth file"
        )
    for needed in (path.with_suffix(".safetensors"), path.with_suffix(".json")):
        if not needed.is_file():
            raise InputError(f"{needed}: no such file; a checkpoint is weights and card together")
    return path.with_suffix(".json")
