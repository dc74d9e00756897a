"""Scores as text, digit for digit as libvmaf writes them, and read back from columns of text.

Six decimals; sixteen where the fractional part is not zero but would be lost in six. Never an
exponent. Source: ``libvmaf/src/output.c`` since version 3.1.0, and logs written by it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from vqa_harness.errors import UsageError
from vqa_harness.logs.log import Log
from vqa_harness.stats.pooling import pool

Cells = Sequence[float | None] | Sequence[str]

_SMALLEST = 1e-6
"""Smallest fractional part that six decimals show."""

_NOT_FINITE = re.compile(r"-?(?:nan(?:\(\w*\))?|inf(?:inity)?|1\.#\w+)", re.I)
"""NaN and infinity as the C libraries of several systems write them."""

UNDEFINED = "nan"
"""An undefined value in CSV and XML."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
"""A name that can be the header of a CSV column and an XML attribute."""

MAX_FRAME = 1 << 53
"""Largest number of a frame: every program holds it exactly."""
_RESERVED = ("Frame", "frameNum", "name")
"""Names that have another meaning in CSV and XML logs."""


def number(value: float | None, undefined: str = "null") -> str:
    """The value as text; ``undefined`` for None, NaN and infinity."""
    if value is None or not math.isfinite(value):
        return undefined
    return f"{value:.16f}" if 0.0 < abs(value) % 1.0 < _SMALLEST else f"{value:.6f}"


def printable(
    columns: Mapping[str, Sequence[float | None]], undefined: str
) -> tuple[list[str], list[Cells]]:
    """The ``%`` format of each column, and its cells as that format takes them.

    Nearly every column is plain numbers under ``%.6f``, which writes ten thousand frames at once
    quickly; only one with a value that needs more is turned into text value by value.
    """
    formats: list[str] = []
    cells: list[Cells] = []
    for column in columns.values():
        plain = all(_is_plain(value) for value in column)
        formats.append("%.6f" if plain else "%s")
        cells.append(column if plain else [number(value, undefined) for value in column])
    return formats, cells


def _is_plain(value: float | None) -> bool:
    if value is None:
        return False
    fraction = abs(value) % 1.0  # NaN for NaN and infinity
    return fraction == 0.0 or fraction >= _SMALLEST


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The columns of rows, by name in order of appearance; None where a row has no value."""
    if not rows:
        return {}
    names = tuple(rows[0])
    if all(tuple(row) == names for row in rows):
        columns = zip(*(row.values() for row in rows), strict=True)
        return {name: list(column) for name, column in zip(names, columns, strict=True)}
    every_name = dict.fromkeys(chain.from_iterable(rows))
    return {name: [row.get(name) for row in rows] for name in every_name}


def pool_columns(
    columns: Mapping[str, Sequence[float | None]],
) -> dict[str, dict[str, float | None]]:
    """Pooled values of each column that has a number on every frame."""
    result: dict[str, dict[str, float | None]] = {}
    for name, column in columns.items():
        values = [x for x in column if x is not None]
        if values and len(values) == len(column):
            result[name] = dict(pool(values))
    return result


def finite(value: float) -> float | None:
    """The value, or None for NaN and infinity."""
    return value if math.isfinite(value) else None


def frame_number(text: str) -> int:
    """The number of a frame.

    Raises:
        ValueError: the text is not a whole number from 0 to `MAX_FRAME`.
    """
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"a frame number is not a whole number from 0: {text[:40]!r}")
    if len(text) > 16 or int(text) > MAX_FRAME:
        raise ValueError(f"frame number {text[:40]} is too large")
    return int(text)


def numbers_of(texts: Mapping[str, str]) -> dict[str, float | None]:
    """The texts as numbers, by name; None where undefined."""
    return {name: number_of(text) for name, text in texts.items()}


def number_of(text: str) -> float | None:
    """The text as a number; None where that is not finite.

    Raises:
        ValueError: the text is not a number.
    """
    try:
        return finite(float(text))
    except ValueError:
        if _NOT_FINITE.fullmatch(text.strip()):
            return None
        raise ValueError(f"{text[:40]!r} is not a number") from None


def check_names(log: Log) -> None:
    """Refuse names that cannot stand in a table or an attribute.

    Raises:
        UsageError: a feature has such a name.
    """
    for name in (*log.columns, *log.pooled, *log.aggregate):
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise UsageError(
                f"feature name {name!r} cannot stand in a CSV or XML log; write json instead"
            )
