"""The features of a log: direction, unit, and values pooled over the frames that are defined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vqa_harness.logs.log import Log
from vqa_harness.stats.pooling import pooled


@dataclass(frozen=True, slots=True)
class FeatureInfo:
    """What a log says of a feature.

    Attributes:
        metric: the label of its metric.
        sign: 1 where higher is better, -1 where lower is.
        unit: its unit, such as ``dB``; empty without one.
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
    infos: dict[str, FeatureInfo] = {}
    for label, metric in log.view.metrics.items():
        features = {
            name: about
            for name, about in metric.features.items()
            if name in log.columns and about.higher_is_better is not None
        }
        leading = label if label in features else next(iter(features), None)
        for name, about in features.items():
            infos[name] = FeatureInfo(
                metric=label,
                sign=1 if about.higher_is_better else -1,
                unit=about.unit,
                best=about.best,
                leading=name == leading,
            )
    return infos


def pooled_values(log: Log, pools: Sequence[str]) -> dict[str, dict[str, float]]:
    """Feature to pooling to value, over the frames where the feature is defined.

    Raises:
        UsageError: no such pooling.
    """
    undefined = log.view.undefined_frames
    result: dict[str, dict[str, float]] = {}
    for name, column in log.columns.items():
        gaps = set(undefined.get(name, ()))
        values = [x for i, x in enumerate(column) if x is not None and i not in gaps]
        if values:
            result[name] = {how: pooled(values, how) for how in pools}
    return result
