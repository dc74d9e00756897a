"""Files that appear complete or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from vqa_harness.errors import UsageError


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text under a temporary name beside the target, then move it into place.

    The folder must exist. A pipe or a device is written directly; a link keeps pointing where it
    does.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        _write(path.resolve(), text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _write(path: Path, text: str) -> None:
    if path.exists() and not path.is_file():  # a folder raises
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)  # noqa: PTH105 - Path.replace hides that this is atomic
    finally:
        temporary.unlink(missing_ok=True)
