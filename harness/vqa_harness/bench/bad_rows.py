"""Rows of opinion tables that cannot be used: they are left out, counted and listed.

Benchmarks and trainings read tables alike, so both take what a row must hold from here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NO_NAME = "no file name"
"""The reason where a row names no file."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used.

    Attributes:
        table: name of the table.
        line: line of the table, or number of the entry in a MATLAB vector; from 1.
        name: the file as the row names it.
        reason: why the row cannot be used.
    """

    table: str
    line: int
    name: str
    reason: str


def read_opinion(text: str, decimal: str = ".") -> float:
    """Read an opinion score.

    Args:
        text: the cell.
        decimal: the sign before its decimals.

    Raises:
        ValueError: it is empty or no finite number; the message is the reason.
    """
    text = text.strip()
    if not text:
        raise ValueError("no score")
    try:
        score = float(text.replace(decimal, "."))
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise ValueError(f"score {text[:40]!r} is not a number")
    return score


def already_in(line: int) -> str:
    """The reason where a row's file stands in an earlier line of its table."""
    return f"listed in line {line} already"


def how_many(bad: Sequence[BadRow]) -> str:
    """How many rows were left out, in words such as ``1 row is``."""
    return "1 row is" if len(bad) == 1 else f"{len(bad)} rows are"


def summary(bad: Sequence[BadRow], most: int = 3) -> str:
    """Describe the first few bad rows in words.

    Args:
        bad: rows that were left out.
        most: how many to describe; the others are counted.
    """
    shown = [f"line {row.line}, {row.name or 'no name'}: {row.reason}" for row in bad[:most]]
    more = len(bad) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
