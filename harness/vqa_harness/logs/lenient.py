"""Reads values of a JSON document that may hold anything.

Each function gives the value if it is of the function's kind, else None or an empty one. Nothing
here raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from vqa_harness.stats.pooling import LARGEST

T = TypeVar("T")

_RATE = re.compile(r"([0-9]{1,18})(?:/([0-9]{1,18}))?")


def as_object(value: Any) -> Mapping[str, Any]:
    """The value if it is an object of JSON, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


def each(read: Callable[[Any], T | None], value: Any) -> tuple[T, ...]:
    """The members of a list that can be read; those that cannot are left out."""
    return tuple(member for x in as_list(value) if (member := read(x)) is not None)


def as_numbers(value: Any) -> dict[str, float | None]:
    """The members of an object as numbers; None for each that is not a number."""
    return {name: as_number(x) for name, x in as_object(value).items()}


def as_lines(value: Any) -> tuple[str, ...]:
    """The members of a list as text, whatever their kind."""
    return tuple(map(shown, as_list(value)))


def as_text(value: Any) -> str | None:
    """The value if it is a text, else None."""
    return value if isinstance(value, str) else None


def as_word(value: Any) -> str | None:
    """The value as text, because a version may be a number in other logs; None for None."""
    return None if value is None else shown(value)


def shown(value: Any) -> str:
    """The value as text, so that no warning or error is lost for being of another kind."""
    try:
        return str(value)
    except (RecursionError, ValueError):  # nested too deeply; a number of too many digits
        return f"<{type(value).__name__}>"


def as_whole(value: Any) -> int | None:
    """The value if it is a whole number of 64 bits, else None."""
    fits = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return value if fits else None


def as_number(value: Any) -> float | None:
    """The value if it is a number that sums of floats can hold, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return finite(value)


def finite(value: float | None) -> float | None:
    """The number as float; None if it is None, or not below `LARGEST` in magnitude."""
    return None if value is None or not abs(value) < LARGEST else float(value)


def as_truth(value: Any) -> bool | None:
    """The value if it is true or false, else None."""
    return value if isinstance(value, bool) else None


def as_pair(value: Any) -> tuple[int, int] | None:
    """The value if it is a list of two whole numbers, else None."""
    numbers = [as_whole(x) for x in as_list(value)]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        return None
    return numbers[0], numbers[1]


def as_rate(value: Any) -> Fraction | None:
    """The rate that a text such as ``25`` or ``30000/1001`` gives; None if it is not above 0."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    top, bottom = int(match[1]), int(match[2] or 1)
    return Fraction(top, bottom) if top and bottom else None
