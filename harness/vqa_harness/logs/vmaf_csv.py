"""libvmaf's CSV logs, written and read, and its MicroDVD (``.sub``) logs, read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from vqa_harness.logs.log import Log
from vqa_harness.logs.values import (
    UNDEFINED,
    check_names,
    columns_of,
    frame_number,
    number_of,
    pool_columns,
    printable,
)

_LINE = re.compile(r"\{(\d+)\}\{\d+\}frame: \d+\|(.*)")
"""A line of a ``.sub`` log."""

_VERSION_1_SIZE = ["Width", "Height"]
"""Columns that libvmaf 1.x has before the features."""


def parse_csv(text: str) -> Log:
    """Read the log in a CSV text.

    Raises:
        ValueError: a row is broken. libvmaf writes fewer cells where a value is undefined, and then
            it is unknown which one is; such a log is refused.
    """
    rows = csv.reader(text.splitlines())
    header = _cells(next(_rows(rows)))[1:]
    skip = 2 if header[:2] == _VERSION_1_SIZE else 0
    names = header[skip:]
    if len(set(names)) < len(names):
        raise ValueError("two columns have the same name")
    numbers: list[int] = []
    table: list[list[float | None]] = []
    for line, row in enumerate(_rows(rows), 2):
        cells = _cells(row)
        if not cells:
            continue
        if len(cells) != 1 + len(header):
            raise ValueError(
                f"line {line} has {len(cells)} values for {1 + len(header)} columns, so it is "
                "unknown which is which; use the JSON log"
            )
        numbers.append(frame_number(cells[0]))
        table.append([number_of(cell) for cell in cells[1 + skip :]])
    by_name = zip(names, zip(*table, strict=True), strict=False)
    return _pooled_log(numbers, {name: list(column) for name, column in by_name})


def _rows(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise ValueError(f"is not CSV: {error}") from None


def parse_sub(text: str) -> Log:
    """Read the log in a MicroDVD text.

    Raises:
        ValueError: a line is broken.
    """
    numbers: list[int] = []
    rows: list[dict[str, float | None]] = []
    for count, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {count} is not as libvmaf writes it: {line[:40]!r}")
        numbers.append(frame_number(match[1]))
        pairs = (item.partition(": ") for item in match[2].split("|") if item)
        rows.append({name: number_of(value) for name, _, value in pairs})
    return _pooled_log(numbers, columns_of(rows))


def _pooled_log(numbers: list[int], columns: dict[str, list[float | None]]) -> Log:
    return Log(version="", frame_numbers=numbers, columns=columns, pooled=pool_columns(columns))


def _cells(row: Iterable[str]) -> list[str]:
    """The cells without the empty one that libvmaf's last comma makes."""
    cells = [cell.strip() for cell in row]
    return cells[:-1] if cells and not cells[-1] else cells


def write_csv(log: Log, file: TextIO) -> None:
    """Write frame numbers and scores; every line ends with a comma, as libvmaf's do.

    Raises:
        UsageError: a feature's name cannot stand in the header.
    """
    file.writelines(_csv_lines(log))


def _csv_lines(log: Log) -> Iterator[str]:
    check_names(log)
    formats, cells = printable(log.columns, UNDEFINED)
    template = "".join(f"{form}," for form in ("%d", *formats)) + "\n"
    yield "".join(f"{name}," for name in ("Frame", *log.columns)) + "\n"
    for row in zip(log.frame_numbers, *cells, strict=True):
        yield template % row
