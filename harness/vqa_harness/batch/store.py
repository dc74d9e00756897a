"""What a batch leaves: logs by what they are made of, and a row for each case.

A log is complete before the row that names it appears, so a row that is there is true. Both appear
in one step; two commands may write the same at once, because they write the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import tee
from pathlib import Path
from typing import Any, TypeVar
from xml.parsers.expat import ExpatError

from vqa_harness.batch.bucket import Bucket, Unreachable
from vqa_harness.batch.case import Case
from vqa_harness.batch.place import Folder, Place
from vqa_harness.batch.row import Row
from vqa_harness.errors import InputError
from vqa_harness.logs.log import Log
from vqa_harness.logs.read import log_bytes, parse_log

Item = TypeVar("Item")
Made = TypeVar("Made")
ROW_BYTES = 16 << 20
"""Bytes of the largest row that is read."""


class Store:
    """Where the results of a batch lie.

    Args:
        out: the path of a folder, or the address of a store of objects.
        many: whether many cases are asked for, so that a store of objects is better listed.
    """

    def __init__(self, out: Path | str, *, many: bool = False) -> None:
        self.out = out
        self.place: Place = Bucket(out, many=many) if isinstance(out, str) else Folder(out)

    def prepare(self, digest: str, settings: dict[str, Any]) -> None:
        """Record how cases are scored in ``batch.json`` and ``settings/``.

        Raises:
            UsageError: the folder cannot be made or written.
            InputError: a store of objects cannot be.
        """
        self.place.begin()
        self.place.put(f"settings/{digest}.json", _document(settings))
        self.place.put("batch.json", _document({"kind": "batch", "settings": digest}))

    def settings(self) -> tuple[str, dict[str, Any]]:
        """The digest and the record of the settings that were used last.

        Raises:
            InputError: the folder is not of a batch.
        """
        digest = self._read("batch.json").get("settings")
        if not isinstance(digest, str) or not digest.isalnum():
            raise InputError(f"{self.out}: its batch.json names no settings")
        return digest, self._read(f"settings/{digest}.json")

    def _read(self, name: str) -> dict[str, Any]:
        missing = f"{self.out} is no folder of a batch; name what batch -o wrote to"
        try:
            document = json.loads(self.place.read(name, ROW_BYTES, "a record", missing))
        except (ValueError, RecursionError):
            raise InputError(f"{self.place.where(name)}: is no JSON") from None
        if not isinstance(document, dict):
            raise InputError(f"{self.place.where(name)}: is no record of a batch")
        return document

    def row(self, key: str) -> Row | None:
        """The row of a case; None where there is none that can be read.

        Raises:
            Unreachable: a store of objects cannot be asked.
        """
        return self._one(_name("rows", key), ROW_BYTES, "a row", _row_of)

    def with_rows(self, cases: Iterable[Case]) -> Iterator[tuple[Case, Row | None]]:
        """Yield each case with its row, or None where there is none that can be read.

        Raises:
            Unreachable: a store of objects cannot be asked.
        """
        return self._each(cases, lambda c: _name("rows", c.key), ROW_BYTES, "a row", _row_of)

    def put_row(self, row: Row) -> None:
        """Write a row; with it the case is settled.

        Raises:
            UsageError: the folder cannot be written.
            Unreachable: a store of objects cannot.
        """
        self.place.put(_name("rows", row.key), row.to_text())

    def rows(self) -> Iterator[Row]:
        """Every row, in the order of the keys.

        Raises:
            InputError: one cannot be read.
        """
        for name, content in self.place.read_each(self._all_rows(), ROW_BYTES, "a row"):
            if isinstance(content, InputError):
                raise content
            try:
                yield Row.of_text(content)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{self.place.where(name)}: is no row of a batch ({error}); delete it, and "
                    "call batch again"
                ) from None

    def log_path(self, key: str) -> Path:
        """Where the log of a key lies in a folder of this machine."""
        return Path(self.out, _name("logs", key))

    def log_place(self, key: str) -> str:
        """What a message calls the log of a key."""
        return self.place.where(_name("logs", key))

    def has_log(self, key: str) -> bool:
        """Whether the log of a key is there."""
        return self.place.has(_name("logs", key))

    def log(self, key: str) -> Log | None:
        """The log of a key; None where there is none that can be read.

        Raises:
            Unreachable: a store of objects cannot be asked.
        """
        return self._one(_name("logs", key), log_bytes(), "a log", _log_of)

    def with_logs(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Log | None]]:
        """Yield each row with its log, or None where there is none that can be read.

        Raises:
            Unreachable: a store of objects cannot be asked.
        """
        return self._each(rows, lambda r: _name("logs", r.log or ""), log_bytes(), "a log", _log_of)

    def put_log(self, key: str, text: str) -> None:
        """Write the text of a log.

        Raises:
            UsageError: the folder cannot be written.
            Unreachable: a store of objects cannot.
        """
        self.place.put(_name("logs", key), text)

    def _one(
        self, name: str, most: int, what: str, parse: Callable[[bytes], Made | None]
    ) -> Made | None:
        try:
            return parse(self.place.read(name, most, what))
        except Unreachable:
            raise
        except InputError:
            return None

    def _each(
        self,
        items: Iterable[Item],
        name_of: Callable[[Item], str],
        most: int,
        what: str,
        parse: Callable[[bytes], Made | None],
    ) -> Iterator[tuple[Item, Made | None]]:
        items, ahead = tee(items)
        found = self.place.read_each(map(name_of, ahead), most, what)
        # the items come second: what is read ahead of them must have been taken first
        for (_, content), item in zip(found, items, strict=True):
            yield item, None if isinstance(content, InputError) else parse(content)

    def _all_rows(self) -> Iterator[str]:
        for part in self.place.names("rows"):
            for name in self.place.names(f"rows/{part}"):
                if name.endswith(".json") and not name.startswith("."):
                    yield f"rows/{part}/{name}"


def _name(kind: str, key: str) -> str:
    return f"{kind}/{key[:2]}/{key}.json"


def _row_of(content: bytes) -> Row | None:
    try:
        return Row.of_text(content)
    except (ValueError, RecursionError):
        return None


def _log_of(content: bytes) -> Log | None:
    try:
        return parse_log(content.decode("utf-8-sig"))
    except (ValueError, OverflowError, RecursionError, ExpatError, InputError):
        return None


def _document(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False) + "\n"
