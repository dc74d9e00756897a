"""Reads annotation files as their owners ship them: CSV of several kinds, MATLAB's ``.mat``."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from vqa_harness.bench.bad_rows import NO_NAME, BadRow, read_opinion
from vqa_harness.bench.dataset import Annotation
from vqa_harness.errors import UsageError, nearest, one_line

MAX_BYTES = 256 << 20
"""Size in bytes of the largest annotation file that is read."""

MAX_ROWS = 1_000_000
"""Most rows of a CSV file that are read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One rated item as the table has it.

    Attributes:
        name: the name as written, without spaces around it.
        score: the opinion on the table's scale.
        table: name of the table's file.
        line: line of the table, or number of the entry in a MATLAB vector; from 1.
        split: the split that the row, or the whole table, belongs to; empty for none.
        reference: name of the reference; empty for none.
    """

    name: str
    score: float
    table: str
    line: int
    split: str = ""
    reference: str = ""


def read_annotation(
    path: Path, table: Annotation, score_path: Path | None = None
) -> tuple[list[Row], list[BadRow]]:
    """Read the rows of an annotation file, in its order, and those that cannot be used.

    Names that are not UTF-8 keep their bytes, as file names do.

    Args:
        path: the file.
        table: where names and scores stand in it.
        score_path: the file that holds the scores, if it is another one.

    Raises:
        UsageError: the file cannot be read, or a column is missing.
    """
    mat = table.format == "mat"
    entries = _mat_rows(path, table, score_path or path) if mat else _csv_rows(path, table)
    rows, bad = list[Row](), list[BadRow]()
    for entry in entries:
        if isinstance(entry, Row):
            rows.append(entry)
        else:
            bad.append(entry)
    if not rows and not bad:
        raise UsageError(f"{path.name}: has no rows")
    return rows, bad


def read_names(path: Path) -> list[str]:
    """Read the names of a list of ``name,score`` rows without a header.

    Raises:
        UsageError: the list cannot be read.
    """
    return [cells[0].strip() for cells in _cells(path, ",") if cells and cells[0].strip()]


def _csv_rows(path: Path, table: Annotation) -> Iterator[Row | BadRow]:
    lines = _cells(path, table.delimiter)
    header = [cell.strip() for cell in next(lines, [])] if table.header else []
    columns = (table.name, table.score, table.split_column, table.reference)
    name_at, score_at, split_at, reference_at = (
        None if column is None else _column(path, column, header) for column in columns
    )
    for number, cells in enumerate(lines, 2 if header else 1):
        if number <= table.skip or not any(cell.strip() for cell in cells):
            continue
        name, text, split, reference = (
            "" if at is None or at >= len(cells) else cells[at].strip()
            for at in (name_at, score_at, split_at, reference_at)
        )
        try:
            if not name:
                raise ValueError(NO_NAME)
            score = read_opinion(text, table.decimal)
            part = _split(table, split)
        except ValueError as error:
            yield BadRow(path.name, number, name, str(error))
        else:
            yield Row(name, score, path.name, number, part, reference)


def _split(table: Annotation, value: str) -> str:
    if table.split_column is None:
        return table.split or ""
    if not table.split_values:
        return value
    for written, split in table.split_values.items():
        if written.casefold() == value.casefold():
            return split
    known = ", ".join(table.split_values)
    raise ValueError(f"{table.split_column} is {value[:40]!r}, not one of {known}")


def _column(path: Path, column: str, header: Sequence[str]) -> int:
    if column in header:
        return header.index(column)
    if not header and column.isdecimal() and int(column) > 0:
        return int(column) - 1
    raise UsageError(f"{path.name}: has no column {column!r}{nearest(column, header)}")


def _cells(path: Path, delimiter: str) -> Iterator[list[str]]:
    _check_size(path)
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            yield from islice(csv.reader(file, delimiter=delimiter), MAX_ROWS)
    except (OSError, csv.Error) as error:
        raise UsageError(f"{path.name}: cannot be read: {one_line(error)}") from None


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    if size > MAX_BYTES:
        raise UsageError(f"{path.name}: larger than {MAX_BYTES} bytes; not an annotation file")


def _mat_rows(path: Path, table: Annotation, score_path: Path) -> Iterator[Row | BadRow]:
    names = [_text(value) for value in _vector(path, table.name)]
    scores = _vector(score_path, table.score)
    if len(names) != len(scores):
        raise UsageError(f"{path.name}: {len(names)} names for {len(scores)} scores")
    pairs = list(enumerate(zip(names, scores, strict=True), 1))[table.skip :]
    for number, (name, value) in pairs:
        try:
            if not name:
                raise ValueError(NO_NAME)
            score = read_opinion(_text(value))
        except ValueError as error:
            yield BadRow(path.name, number, name, str(error))
        else:
            yield Row(name, score, path.name, number, table.split or "")


def _vector(path: Path, variable: str) -> list[Any]:
    """The elements of a variable, in MATLAB's order; a dot leads into a struct."""
    import numpy as np

    value: Any = _load(path)
    for part in variable.split("."):
        inside = value if isinstance(value, dict) else getattr(value, "__dict__", {})
        if part not in inside:
            names = [name for name in inside if not name.startswith("_")]
            raise UsageError(f"{path.name}: has no variable {variable!r}{nearest(part, names)}")
        value = inside[part]
    return list(np.atleast_1d(np.asarray(value)).ravel(order="F"))


def _load(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    _check_size(path)
    try:
        return dict(loadmat(path, struct_as_record=False, squeeze_me=True, chars_as_strings=True))
    except NotImplementedError:
        raise UsageError(
            f"{path.name}: is a file of MATLAB's version 7.3; save it again with save -v7"
        ) from None
    except Exception as error:
        raise UsageError(f"{path.name}: is not a MATLAB file: {one_line(error)}") from None


def _text(value: Any) -> str:
    """The string or the number in a cell, however deeply MATLAB wrapped it."""
    while getattr(value, "shape", None) is not None and getattr(value, "size", 0) == 1:
        value = value.item()
    return str(value).strip()
