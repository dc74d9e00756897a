"""Reads the rows of a manifest as its file has them: CSV, JSON lines or Parquet.

A manifest may be anybody's and may have millions of rows: it is read row by row, and whatever is
wrong with a row is one line that names it.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vqa_harness.errors import MissingBackend, UsageError, one_line, refuse_twice
from vqa_harness.installation import pip_install

Cells = dict[str, Any]
"""Name of a column to what a row has there: a string, number, truth value or None."""

_LONGEST = 1 << 20
"""Characters of the longest line of a manifest of JSON lines."""


def rows_of(path: Path) -> Iterator[tuple[str, Cells]]:
    """Yield the place of each row, such as ``row 7``, and its cells.

    Raises:
        UsageError: the file cannot be read, or a row is broken; the message names it.
        MissingBackend: it is a Parquet file and pyarrow is not installed.
    """
    read = ENDINGS[path.suffix.lower()]
    try:
        yield from read(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None


def _csv_rows(path: Path) -> Iterator[tuple[str, Cells]]:
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            _check_header(path, header)
            for number, cells in enumerate(filter(None, reader), 1):
                if len(cells) != len(header):
                    raise UsageError(
                        f"{path.name}, row {number} (line {reader.line_num}): has {len(cells)} "
                        f"cells for {len(header)} columns; put a cell with a comma into quotes"
                    )
                yield f"row {number}", dict(zip(header, cells, strict=True))
        except csv.Error as error:
            raise UsageError(
                f"{path.name}, line {reader.line_num}: is no CSV: {one_line(error)}"
            ) from None


def _check_header(path: Path, header: list[str]) -> None:
    if not header or not all(header):
        raise UsageError(f"{path.name}: has a column without a name, or no header")
    refuse_twice(f"{path.name}: column", header, "give each column a name of its own")


def _json_rows(path: Path) -> Iterator[tuple[str, Cells]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        number = 0
        while line := file.readline(_LONGEST + 1):
            number += 1
            if len(line) > _LONGEST:
                raise UsageError(f"{path.name}, row {number}: is longer than {_LONGEST} characters")
            if line.strip():
                yield f"row {number}", _json_row(f"{path.name}, row {number}", line)


def _json_row(place: str, line: str) -> Cells:
    try:
        row = json.loads(line, parse_constant=_no_number, object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: is no JSON: {one_line(error)}") from None
    if not isinstance(row, dict):
        raise UsageError(f"{place}: is no JSON object; write one object a line")
    for name, value in row.items():
        if isinstance(value, dict | list):
            raise UsageError(f"{place}, {name!r}: holds several values; a column has one a row")
    return row


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number; write null")


def _members(pairs: list[tuple[str, Any]]) -> Cells:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _parquet_rows(path: Path) -> Iterator[tuple[str, Cells]]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise MissingBackend(
            f"{path.name}: Parquet needs pyarrow; {pip_install('vqa-harness[batch]')}, or write "
            "CSV or JSON lines"
        ) from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            _check_header(path, list(file.schema_arrow.names))
            for batch in file.iter_batches(batch_size=10_000):
                for row in batch.to_pylist():
                    number += 1
                    place = f"{path.name}, row {number}"
                    yield f"row {number}", {n: _plain(place, n, x) for n, x in row.items()}
    except pyarrow.ArrowException as error:
        raise UsageError(f"{path.name}: is no Parquet: {one_line(error)}") from None


def _plain(place: str, name: str, value: Any) -> Any:
    """A value of Parquet as JSON can hold it: dates become ISO 8601, decimals their digits."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, dict | list | bytes):
        raise UsageError(f"{place}, {name!r}: is no text, number or date; leave the column out")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


ENDINGS: dict[str, Callable[[Path], Iterator[tuple[str, Cells]]]] = {
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".parquet": _parquet_rows,
}
"""Endings of the names of manifests, and what reads them."""
