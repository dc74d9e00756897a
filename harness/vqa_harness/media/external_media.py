"""QuickTime files whose frames lie in other files: named in a data reference, and never opened."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 64 << 20
"""Largest movie header that is looked through."""
_MAX_BOXES = 100_000
_MAX_DEPTH = 8
_MAX_END = (1 << 63) - 1
"""Where a box may end: the furthest that a file can be read at."""
_INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"dinf"}
"""Boxes that hold boxes, down to the data references."""


def external_media(source: str | os.PathLike[str] | BinaryIO) -> str:
    """What the data references of a movie name outside the file; empty where there is none.

    Args:
        source: a path, or a seekable file object.
    """
    try:
        if not isinstance(source, (str, os.PathLike)):
            source.seek(0)
            return ", ".join(_outside(source))
        with Path(source).open("rb") as file:
            return ", ".join(_outside(file))
    except OSError:
        return ""


def _outside(file: BinaryIO, depth: int = 0) -> list[str]:
    """Names, or kinds where there is no name, of the references outside."""
    found: list[str] = []
    for _ in range(_MAX_BOXES):
        start, head = file.tell(), file.read(8)
        if len(head) < 8:
            break
        size, kind = int.from_bytes(head[:4]), head[4:]
        if size == 1:
            size = int.from_bytes(file.read(8))
        if not file.tell() <= start + size <= _MAX_END:
            break
        if kind in _INSIDE and size <= MAX_BYTES and depth < _MAX_DEPTH:
            found += _outside(io.BytesIO(file.read(start + size - file.tell())), depth + 1)
        elif kind == b"dref" and size <= MAX_BYTES:
            found += _references(file.read(start + size - file.tell()))
        file.seek(start + size)
    return found


def _references(box: bytes) -> list[str]:
    """The entries of a ``dref`` box that are not marked as the file itself."""
    found, at = [], 8
    while at + 12 <= len(box):
        size, kind = int.from_bytes(box[at : at + 4]), box[at + 4 : at + 8]
        if size < 12:
            break
        if not box[at + 11] & 1:
            name = box[at + 12 : at + size] if kind == b"url " else b""
            text = name.rstrip(b"\0").decode("utf-8", "replace")[:200]
            found.append(text or f"a reference of kind {kind.decode('latin-1').strip()!r}")
        at += size
    return found
