"""What a batch leaves on the disk: logs by what they are made of, and a row for each case.

A log is complete before the row that names it gets its name, so a row that is there is true. Both
appear in one step; two commands may write the same at once, because they write the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from vqa_harness.batch.row import Row
from vqa_harness.errors import InputError
from vqa_harness.files import make_folder, read_bytes, try_folder, write_text
from vqa_harness.logs.log import Log
from vqa_harness.logs.read import read_log

ROW_BYTES = 16 << 20
"""Bytes of the largest row that is read."""


class Store:
    """The folder of a batch.

    Args:
        folder: its path.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, digest: str, settings: dict[str, Any]) -> None:
        """Make the folder, and record how cases are scored in ``batch.json`` and ``settings/``.

        Raises:
            UsageError: it cannot be made or written.
        """
        try_folder(self.folder)
        make_folder(self.folder / "settings")
        write_text(self.folder / "settings" / f"{digest}.json", _document(settings))
        write_text(self.folder / "batch.json", _document({"kind": "batch", "settings": digest}))

    def settings(self) -> tuple[str, dict[str, Any]]:
        """The digest and the record of the settings that were used last.

        Raises:
            InputError: the folder is not of a batch.
        """
        digest = self._read(self.folder / "batch.json").get("settings")
        if not isinstance(digest, str) or not digest.isalnum():
            raise InputError(f"{self.folder}: its batch.json names no settings")
        return digest, self._read(self.folder / "settings" / f"{digest}.json")

    def _read(self, path: Path) -> dict[str, Any]:
        missing = f"{self.folder} is no folder of a batch; name what batch -o wrote to"
        try:
            document = json.loads(read_bytes(path, ROW_BYTES, "a record", missing=missing))
        except (ValueError, RecursionError):
            raise InputError(f"{path}: is no JSON") from None
        if not isinstance(document, dict):
            raise InputError(f"{path}: is no record of a batch")
        return document

    def row(self, key: str) -> Row | None:
        """The row of a case; None where there is none that can be read."""
        try:
            return self._row(self._path("rows", key))
        except (InputError, ValueError, RecursionError):
            return None

    def put_row(self, row: Row) -> None:
        """Write a row; with it the case is settled.

        Raises:
            UsageError: it cannot be written.
        """
        self._put("rows", row.key, row.to_text())

    def rows(self) -> Iterator[Row]:
        """Every row, in the order of the keys.

        Raises:
            InputError: one cannot be read.
        """
        for path in self._all_rows():
            try:
                yield self._row(path)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{path}: is no row of a batch ({error}); delete it, and call batch again"
                ) from None

    def _row(self, path: Path) -> Row:
        return Row.of_text(read_bytes(path, ROW_BYTES, "a row"))

    def log_path(self, key: str) -> Path:
        """Where the log of a key lies."""
        return self._path("logs", key)

    def log(self, key: str) -> Log | None:
        """The log of a key; None where there is none that can be read."""
        try:
            return read_log(self.log_path(key))
        except InputError:
            return None

    def put_log(self, key: str, text: str) -> None:
        """Write the text of a log.

        Raises:
            UsageError: it cannot be written.
        """
        self._put("logs", key, text)

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / kind / key[:2] / f"{key}.json"

    def _put(self, kind: str, key: str, text: str) -> None:
        path = self._path(kind, key)
        make_folder(path.parent)
        write_text(path, text)

    def _all_rows(self) -> Iterator[Path]:
        for part in _sorted_names(self.folder / "rows"):
            folder = self.folder / "rows" / part
            for name in _sorted_names(folder):
                if name.endswith(".json") and not name.startswith("."):
                    yield folder / name


def _sorted_names(folder: Path) -> list[str]:
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(os.listdir(folder))  # noqa: PTH208 - names alone are needed
    return []


def _document(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False) + "\n"
