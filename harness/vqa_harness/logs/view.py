"""What a log says of its features: direction, unit, gaps, pooled values.

Logs may be anybody's: what is missing or of another kind than expected is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vqa_harness.logs.log import Log
from vqa_harness.stats.pooling import pooled

_SIGNS = {"higher": 1, "lower": -1}


@dataclass(frozen=True, slots=True)
class FeatureInfo:
    """What a log says of a feature.

    Attributes:
        metric: the metric's label.
        sign: 1 where higher is better, -1 where lower is.
        unit: such as ``dB``.
        best: the best value possible; None if unbounded.
        leading: whether it is the first feature of its metric, or of the metric's name.
    """

    metric: str
    sign: int
    unit: str
    best: float | None
    leading: bool


def features_of(log: Log) -> dict[str, FeatureInfo]:
    """The features of a log that have a direction."""
    found: dict[str, FeatureInfo] = {}
    for label, entry in table(log.extra.get("metrics")).items():
        features = {
            name: table(about)
            for name, about in table(table(entry).get("features")).items()
            if name in log.columns and table(about).get("direction") in _SIGNS
        }
        leading = label if label in features else next(iter(features), None)
        for name, about in features.items():
            sign = _SIGNS[about["direction"]]
            unit = about.get("unit")
            found[name] = FeatureInfo(
                metric=label,
                sign=sign,
                unit=unit if isinstance(unit, str) else "",
                best=_best(about.get("range"), sign),
                leading=name == leading,
            )
    return found


def undefined_of(log: Log) -> dict[str, list[int]]:
    """Feature to the frames (indices) that hold another frame's score."""
    found: dict[str, list[int]] = {}
    for entry in table(log.extra.get("metrics")).values():
        for name, frames in table(table(entry).get("undefined_frames")).items():
            if isinstance(frames, list):
                found[name] = [i for i in frames if isinstance(i, int)]
    return found


def pooled_values(log: Log, pools: Sequence[str]) -> dict[str, dict[str, float]]:
    """Feature to pooling to value, over the frames where the feature is defined.

    Raises:
        UsageError: no such pooling.
    """
    undefined = undefined_of(log)
    found: dict[str, dict[str, float]] = {}
    for name, column in log.columns.items():
        gaps = set(undefined.get(name, ()))
        values = [x for i, x in enumerate(column) if x is not None and i not in gaps]
        if values:
            found[name] = {how: pooled(values, how) for how in pools}
    return found


def table(value: Any) -> Mapping[str, Any]:
    """The value if it is an object of JSON, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _best(bounds: Any, sign: int) -> float | None:
    """The end of a range ``[smallest, largest]`` that is the better."""
    if not isinstance(bounds, list) or len(bounds) != 2:
        return None
    best = bounds[1] if sign > 0 else bounds[0]
    return float(best) if isinstance(best, int | float) else None


def metric_entry(log: Log, feature: str) -> tuple[str, Mapping[str, Any]]:
    """Label and entry of the metric that gave a feature; empty where the log does not say."""
    metrics = as_object(log.extra.get("metrics"))
    for label, entry in metrics.items():
        if feature in as_object(as_object(entry).get("features")):
            return label, entry
    return "", {}


def as_object(value: Any) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one: a log may hold anything."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def coded_size(alignment: Mapping[str, Any]) -> tuple[int, int] | None:
    """(width, height) of the distorted video before it was scaled to the reference."""
    about = table(table(alignment.get("format")).get("distorted"))
    return as_pair(about.get("size"))


def as_pair(value: Any) -> tuple[int, int] | None:
    """The value if it is a list of two whole numbers, else None."""
    if isinstance(value, list) and len(value) == 2 and all(isinstance(x, int) for x in value):
        return value[0], value[1]
    return None
