"""Reads libvmaf's CSV, XML and MicroDVD (``.sub``) logs, and turns rows into columns."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any
from xml.parsers import expat

from vqa_harness.log import Log
from vqa_harness.pooling import pool

_LINE = re.compile(r"\{(\d+)\}\{\d+\}frame: \d+\|(.*)")
_NOT_FINITE = re.compile(r"-?(?:nan(?:\(\w*\))?|inf(?:inity)?|1\.#\w+)", re.I)
_VERSION_1_SIZE = ["Width", "Height"]


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Name to one value per row, None where a row has none; names in order of appearance."""
    if not rows:
        return {}
    names = tuple(rows[0])
    if all(tuple(row) == names for row in rows):
        columns = zip(*(row.values() for row in rows), strict=True)
        return {name: list(column) for name, column in zip(names, columns, strict=True)}
    found = dict.fromkeys(chain.from_iterable(rows))
    return {name: [row.get(name) for row in rows] for name in found}


def pool_columns(
    columns: Mapping[str, Sequence[float | None]],
) -> dict[str, dict[str, float | None]]:
    """Pooled values of each column that has a number on every frame."""
    found: dict[str, dict[str, float | None]] = {}
    for name, column in columns.items():
        values = [x for x in column if x is not None]
        if values and len(values) == len(column):
            found[name] = dict(pool(values))
    return found


def finite(value: float) -> float | None:
    """The value, or None for NaN and infinity."""
    return value if math.isfinite(value) else None


def parse_csv(text: str) -> Log:
    """The log in a CSV text.

    Raises:
        ValueError: a row is broken. libvmaf writes fewer cells where a value is undefined, so that
            nobody can tell which; such a log is refused.
    """
    rows = csv.reader(text.splitlines())
    header = _cells(next(rows))[1:]
    skip = 2 if header[:2] == _VERSION_1_SIZE else 0
    names = header[skip:]
    if len(set(names)) < len(names):
        raise ValueError("two columns have the same name")
    numbers: list[int] = []
    table: list[list[float | None]] = []
    for line, row in enumerate(rows, 2):
        cells = _cells(row)
        if not cells:
            continue
        if len(cells) != 1 + len(header):
            raise ValueError(
                f"line {line} has {len(cells)} values for {1 + len(header)} columns, so it is "
                "unknown which is which; use the JSON log"
            )
        numbers.append(_frame_number(cells[0]))
        table.append([_number(cell) for cell in cells[1 + skip :]])
    by_name = zip(names, zip(*table, strict=True), strict=False)
    return _pooled_log(numbers, {name: list(column) for name, column in by_name})


def parse_sub(text: str) -> Log:
    """The log in a MicroDVD text.

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
        numbers.append(int(match[1]))
        pairs = (item.partition(": ") for item in match[2].split("|") if item)
        rows.append({name: _number(value) for name, _, value in pairs})
    return _pooled_log(numbers, columns_of(rows))


def parse_xml(text: str) -> Log:
    """The log in an XML text.

    Raises:
        ValueError: it is not a VMAF log, or has a document type.
        ExpatError: it is broken XML.
    """
    reader = _XmlReader()
    reader.parse(text)
    columns = columns_of(reader.rows)
    return Log(
        version=reader.version or "",
        fps=reader.fps,
        frame_numbers=reader.numbers,
        columns=columns,
        pooled=reader.pooled or pool_columns(columns),
        aggregate=reader.aggregate,
        extra=reader.extra(),
        size=reader.size,
    )


class _XmlReader:
    """Collects elements as they go by, so that no tree is built."""

    def __init__(self) -> None:
        self.version: str | None = None
        self.fps: float | None = None
        self.size: tuple[int, int] | None = None
        self.numbers: list[int] = []
        self.rows: list[dict[str, float | None]] = []
        self.pooled: dict[str, dict[str, float | None]] = {}
        self.aggregate: dict[str, float | None] = {}
        self._extra: list[str] = []
        self._inside_extra = False

    def parse(self, text: str) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(text, True)

    def extra(self) -> dict[str, Any]:
        if not self._extra:
            return {}
        found = json.loads("".join(self._extra))
        if not isinstance(found, dict):
            raise ValueError("'vqa_harness' is not an object")
        json.dumps(found, allow_nan=False)
        return found

    def _doctype(self, *_: object) -> None:
        raise ValueError("has a document type, which a VMAF log has not; it is not read")

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        if self.version is None:
            if element != "VMAF":
                raise ValueError(f"is XML but no VMAF log: it begins with <{element[:40]}>")
            self.version = attributes.get("version", "")
        elif element == "frame":
            self.numbers.append(_frame_number(attributes.pop("frameNum", "")))
            self.rows.append(_numbers(attributes))
        elif element == "metric":
            name = attributes.pop("name", "")
            self.pooled[name] = _numbers(attributes)
        elif element == "aggregate_metrics":
            self.aggregate = _numbers(attributes)
        elif element == "params":
            self.size = _size(attributes)
        elif element == "fyi":
            self.fps = _number(attributes.get("fps", attributes.get("execFps", "nan")))
        self._inside_extra = element == "vqa_harness"

    def _end(self, element: str) -> None:
        self._inside_extra = False

    def _characters(self, text: str) -> None:
        if self._inside_extra:
            self._extra.append(text)


def _pooled_log(numbers: list[int], columns: dict[str, list[float | None]]) -> Log:
    return Log(version="", frame_numbers=numbers, columns=columns, pooled=pool_columns(columns))


def _cells(row: Iterable[str]) -> list[str]:
    """The cells without the empty one that libvmaf's last comma makes."""
    cells = [cell.strip() for cell in row]
    return cells[:-1] if cells and not cells[-1] else cells


def _size(attributes: Mapping[str, str]) -> tuple[int, int] | None:
    try:
        return int(attributes["qualityWidth"]), int(attributes["qualityHeight"])
    except (KeyError, ValueError):
        return None


def _frame_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"a frame number is not a whole number from 0: {text[:40]!r}")
    return int(text)


def _numbers(texts: Mapping[str, str]) -> dict[str, float | None]:
    return {name: _number(text) for name, text in texts.items()}


def _number(text: str) -> float | None:
    try:
        return finite(float(text))
    except ValueError:
        if _NOT_FINITE.fullmatch(text.strip()):
            return None
        raise ValueError(f"{text[:40]!r} is not a number") from None
