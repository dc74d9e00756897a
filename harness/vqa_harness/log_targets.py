"""Where the logs of a run go: a file for one input, a folder for several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vqa_harness.errors import UsageError
from vqa_harness.writers import STDOUT, WriterSpec, suffix_of

Target = Path | str


def log_targets(
    inputs: list[Path],
    output: str | None,
    log_format: str | None,
    writers: Sequence[WriterSpec],
) -> dict[Path, Target]:
    """The log of each input; empty where none is wanted. Folders are made.

    Two inputs of one stem get numbered names.

    Raises:
        UsageError: several inputs and one file, an unknown format, or a folder that cannot be made.
    """
    if output is None:
        suffix_of(log_format, None, writers)
        return {}
    if len(set(inputs)) < len(inputs):
        raise UsageError("an input is named twice")
    target = Path(output)
    folder = output.endswith(("/", "\\")) or target.is_dir()
    if len(inputs) == 1 and not folder:
        suffix_of(log_format, None if output == STDOUT else target, writers)
        if output != STDOUT:
            _make(target.parent)
        return {inputs[0]: STDOUT if output == STDOUT else target}
    if output == STDOUT or (target.suffix and not folder) or target.is_file():
        raise UsageError(
            f"-o {output}: {len(inputs)} inputs need a folder; write -o {target.stem}/"
        )
    _make(target)
    return _in_folder(inputs, target, suffix_of(log_format, None, writers))


def _in_folder(inputs: list[Path], folder: Path, suffix: str) -> dict[Path, Target]:
    targets: dict[Path, Target] = {}
    for path in inputs:
        name, number = path.stem, 1
        while folder / f"{name}{suffix}" in targets.values():
            number += 1
            name = f"{path.stem}-{number}"
        targets[path] = folder / f"{name}{suffix}"
    return targets


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror or error}") from None
