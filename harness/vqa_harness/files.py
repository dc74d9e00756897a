"""Files that appear complete or not at all, folders, hashes, and where a cache lies."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vqa_harness.errors import InputError, UsageError
from vqa_harness.leftovers import partial_file
from vqa_harness.system import replace

VARIABLE = "VQA_HARNESS_CACHE"
"""Environment variable that names the cache folder."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it takes that place when the block ends well.

    If the block raises, what was written is removed and an older file stays as it was. The folder
    must exist.

    Raises:
        OSError: the file cannot be moved into place.
    """
    with partial_file(path) as temporary:
        yield temporary
        replace(temporary, path)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that appears complete or not at all.

    The folder must exist. A pipe or a device is written directly; a link keeps pointing where it
    does.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():  # a folder raises
            target.write_bytes(content)
            return
        with replacing(target) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def write_text(path: Path, text: str) -> None:
    r"""Write text as UTF-8 with line feeds, as `write_bytes` does.

    Bytes of names that are not UTF-8 are written as escapes, such as ``\udcff``.

    Raises:
        UsageError: it cannot be written.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def make_folder(folder: Path, *, what: str = "folder", hint: str = "", mode: int = 0o777) -> None:
    """Make a folder and those above it; one that exists stays as it is.

    Args:
        folder: path of the folder.
        what: what the message calls it.
        hint: what the user can do, for the end of the message.
        mode: permissions of the folder, of which the user's umask is taken off.

    Raises:
        UsageError: the folder cannot be made.
    """
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the {what} {folder}: {error.strerror or error}{hint}"
        ) from None


def try_folder(folder: Path) -> None:
    """Make a folder that is written into later, and try it.

    For commands that work for long before they write: what they could not write shows at once.

    Raises:
        UsageError: it cannot be made, or nothing can be written into it.
    """
    make_folder(folder)
    _try_beside(folder / "trial", folder)


def try_file(path: Path) -> None:
    """Make the folder of a file that is written later by `write_bytes`, and try it.

    The file itself stays as it is. A pipe or a device is not tried.

    Raises:
        UsageError: the folder cannot be made, the file cannot be written there, or it is a folder.
    """
    make_folder(path.parent)
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder; name a file")
    if not path.exists() or path.is_file():
        _try_beside(path, path)


def _try_beside(path: Path, named: Path) -> None:
    """Write a file beside ``path``, as `replacing` does, and remove it."""
    try:
        with partial_file(path.resolve()) as trial:
            trial.write_bytes(b"")
    except OSError as error:
        raise UsageError(f"cannot write {named}: {error.strerror or error}") from None


def make_cache_folder(folder: Path) -> None:
    """Make a folder of a cache, for its owner only.

    Raises:
        UsageError: it cannot be made.
    """
    hint = "; name another with --cache-dir, or use --no-cache"
    make_folder(folder, what="cache", hint=hint, mode=0o700)


def cache_folder() -> Path:
    """The cache folder: ``VQA_HARNESS_CACHE``, or ``vqa-harness`` in the user's folder for caches.

    The latter is ``XDG_CACHE_HOME`` or ``~/.cache`` on Linux, ``~/Library/Caches`` on macOS and
    ``LOCALAPPDATA`` on Windows.
    """
    from platformdirs import user_cache_path

    if named := os.environ.get(VARIABLE):
        return Path(named)
    return user_cache_path("vqa-harness", appauthor=False)


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether what stands for a file is an address such as ``https://...``, also as a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:[\\/]+[^\\/]", os.fspath(path)) is not None


def why_missing(path: str | os.PathLike[str], otherwise: str = "check the path") -> str:
    """What to do about a file that does not exist."""
    return "URLs are not opened, download it first" if is_address(path) else otherwise


def read_bytes(path: Path, most: int, what: str, *, missing: str = "", more: str = "") -> bytes:
    """The content of a file from anybody, unless it is too large to be what it should be.

    Args:
        path: path of the file.
        most: bytes that it may have at most.
        what: what it should be, for the message, such as ``a log``.
        more: what the message says to do about a file that is too large; empty for nothing.
        missing: what the message says of a file that does not exist; empty for the system's words.

    Raises:
        InputError: the file cannot be read, or is larger.
    """
    try:
        with path.open("rb") as file:
            # not more than there is: as much as is asked for is taken from memory first
            size = os.fstat(file.fileno()).st_size
            content = file.read(min(most, size) + 1 if size else most + 1)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and (missing or is_address(path)):
            raise InputError(f"{path}: {why_missing(path, missing)}") from None
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(content) > most:
        raise InputError(f"{path}: is larger than {most} bytes, the limit for {what}{more}")
    return content


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, 64 hexadecimal digits.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {why_missing(path)}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
