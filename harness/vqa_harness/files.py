"""Files that appear complete or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from pathlib import Path

from vqa_harness.errors import InputError, UsageError

VARIABLE = "VQA_HARNESS_CACHE"


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


def cache_folder() -> Path:
    """``VQA_HARNESS_CACHE``, else ``vqa-harness`` in the user's folder for caches.

    That is ``XDG_CACHE_HOME`` or ``~/.cache``, on macOS ``~/Library/Caches``, on Windows
    ``LOCALAPPDATA``.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or {
        "darwin": "~/Library/Caches",
        "win32": os.environ.get("LOCALAPPDATA", "~/AppData/Local"),
    }.get(sys.platform, "~/.cache")
    return Path(base).expanduser() / "vqa-harness"


def make_private_folder(folder: Path) -> None:
    """Make a folder of a cache, for its owner only.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(
            f"cannot make the cache {folder}: {error.strerror or error}; "
            "name another with --cache-dir, or use --no-cache"
        ) from None


def file_sha256(path: Path) -> str:
    """Of the file's bytes.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
