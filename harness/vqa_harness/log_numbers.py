"""Scores as text, digit for digit as libvmaf writes them.

Six decimals; sixteen where the fractional part is not zero but would be lost in six. Never an
exponent. Source: ``libvmaf/src/output.c`` since version 3.1.0, and logs written by it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Cells = Sequence[float | None] | Sequence[str]

_SMALLEST = 1e-6


def number(value: float | None, undefined: str = "null") -> str:
    """The value as text; ``undefined`` for None, NaN and infinity."""
    if value is None or not math.isfinite(value):
        return undefined
    return f"{value:.16f}" if 0.0 < abs(value) % 1.0 < _SMALLEST else f"{value:.6f}"


def printable(
    columns: Mapping[str, Sequence[float | None]], undefined: str
) -> tuple[list[str], list[Cells]]:
    """For each column its ``%`` format, and its cells as that format takes them.

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
