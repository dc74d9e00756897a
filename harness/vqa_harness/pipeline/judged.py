"""What a metric gave, checked value by value before anything is made of it.

A plugin may return anything. What is not a number fails the metric; what is not finite, or outside
the range that the metric declares, counts as undefined and is told; and a metric that gave no score
at all has failed, whatever it thinks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from vqa_harness.errors import MetricError
from vqa_harness.spec import Feature

_SLACK = 1e-6
"""Relative room beyond a declared range, for rounding."""


def scores_of(
    answer: Any, declared: Mapping[str, Feature], *, only_declared: bool
) -> dict[str, float | None]:
    """Read what a metric gave for one frame or window.

    Args:
        answer: what it returned.
        declared: the features that it declares, by name.
        only_declared: whether a name that it does not declare is an error.

    Returns:
        Feature to value as it was given; None, NaN and infinity are None.

    Raises:
        MetricError: the answer is no mapping of names to numbers.
    """
    if not isinstance(answer, Mapping):
        raise MetricError(f"gave {_kind(answer)}; it must give a mapping of features to numbers")
    scores: dict[str, float | None] = {}
    for name, value in answer.items():
        if not isinstance(name, str):
            raise MetricError(f"gave a feature whose name is {_kind(name)}, not text")
        if only_declared and name not in declared:
            known = ", ".join(declared) or "none"
            raise MetricError(f"gave {name!r}, which it does not declare; it declares {known}")
        scores[name] = _number(name, value)
    return scores


def aggregate_of(answer: Any) -> dict[str, float]:
    """Read what a metric gave about the whole stream.

    Raises:
        MetricError: it is no mapping of names to finite numbers.
    """
    numbers: dict[str, float] = {}
    for name, value in scores_of(answer, {}, only_declared=False).items():
        if value is None:
            raise MetricError(f"gave {name!r} of the whole video, which is not a finite number")
        numbers[name] = value
    return numbers


def facts_of(answer: Any) -> dict[str, Any]:
    """Read the facts that a metric tells for the log.

    Raises:
        MetricError: they are no mapping, or JSON has no way to write them.
    """
    if not isinstance(answer, Mapping):
        raise MetricError(f"its info() gave {_kind(answer)}; it must give a mapping")
    try:
        json.dumps(dict(answer), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise MetricError(f"its info() gave what JSON cannot hold: {error}") from None
    return dict(answer)


def lines_of(what: str, answer: Any) -> list[str]:
    """Read the lines that a metric has for the user.

    Raises:
        MetricError: they are not text.
    """
    if isinstance(answer, str) or not isinstance(answer, Sequence):
        raise MetricError(f"its {what}() gave {_kind(answer)}; it must give a list of lines")
    for line in answer:
        if not isinstance(line, str):
            raise MetricError(f"its {what}() gave {_kind(line)} among its lines")
    return list(answer)


def defined(column: Sequence[float | None], feature: Feature | None) -> list[float | None]:
    """The column with None where a value is outside the range that its feature declares."""
    if feature is None:
        return list(column)
    lo = -math.inf if feature.lo is None else feature.lo - _SLACK * max(1.0, abs(feature.lo))
    hi = math.inf if feature.hi is None else feature.hi + _SLACK * max(1.0, abs(feature.hi))
    return [x if x is None or lo <= x <= hi else None for x in column]


def shortfall(
    name: str, given: Sequence[float | None], kept: Sequence[float | None], feature: Feature | None
) -> list[str]:
    """Say for how many frames a feature is undefined, and why where the reason is known.

    Args:
        name: the feature as it stands in the log.
        given: the values as the metric gave them.
        kept: the values after `defined`.
        feature: what the metric declares of it.
    """
    early = 0 if feature is None else sum(x is None for x in kept[: feature.first])
    lacking = sum(x is None for x in kept) - early
    if not lacking:
        return []
    lines = []
    outside = [a for a, b in zip(given, kept, strict=True) if a is not None and b is None]
    if outside and feature is not None:
        low = "-inf" if feature.lo is None else f"{feature.lo:g}"
        high = "inf" if feature.hi is None else f"{feature.hi:g}"
        lines.append(
            f"{name} was outside the range {low} to {high} that it declares on {len(outside)} of"
            f" {len(kept)} frames ({outside[0]:g} first); these count as undefined"
        )
    if lacking + early < len(kept):
        lines.append(
            f"{name} is undefined for {lacking + early} of {len(kept)} frames; what is printed is"
            f" over the other {len(kept) - lacking - early}"
        )
    return lines


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()  # of a NumPy array or a tensor of no dimensions
    if isinstance(value, bool) or not isinstance(value, Real):
        raise MetricError(f"gave {_kind(value)} for {name!r}, which is no number")
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _kind(value: Any) -> str:
    """A value for a message: its type, and its text where that is short."""
    text = repr(value)
    shown = f" {text}" if len(text) <= 30 else ""
    return f"{type(value).__name__}{shown}"
