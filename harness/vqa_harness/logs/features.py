"""The features of a log: direction, unit, and values pooled over the frames that are defined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vqa_harness.frames import ASSUMED_RATE
from vqa_harness.logs.log import Log
from vqa_harness.stats.pooling import pooled

_OF_VMAF = re.compile(r"(VMAF_)?(integer_)?(feature_)?(adm|vif|motion)")
"""How the names begin of the features that libvmaf's model takes in."""


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


def asked_for(*logs: Log) -> list[str]:
    """The features that were asked for: the first of each metric, in the order of the metrics.

    That is the first with a direction where one has. The rest of what a metric gives are the inner
    features it is made of, or further views of the same. Logs that do not tell their metrics, as
    libvmaf's, have no inner features but those of VMAF, which comes first.
    """
    names: dict[str, None] = {}
    for log in logs:
        judged = features_of(log)
        for metric in log.view.metrics.values():
            own = [name for name in metric.features if name in log.columns]
            leading = [n for n in own if n in judged and judged[n].leading]
            names |= dict.fromkeys(leading or own[:1])
    if names:
        return list(names)
    columns = dict.fromkeys(name for log in logs for name in log.columns)
    if "vmaf" not in columns:
        return list(columns)
    return ["vmaf", *(n for n in columns if n != "vmaf" and not _OF_VMAF.match(n))]


def pooled_values(log: Log, pools: Sequence[str]) -> dict[str, dict[str, float]]:
    """Feature to pooling to value, over the frames where the feature is defined.

    Raises:
        UsageError: no such pooling.
    """
    return {
        name: {how: pooled(values, how) for how in pools} for name, values in _defined(log).items()
    }


def mean_intervals(log: Log) -> dict[str, tuple[float, float] | None]:
    """Feature to the 95 % interval of its mean over the frames that are defined.

    The interval is that of `vqa_harness.stats.block_bootstrap.mean_interval` with stretches of a
    second; None where the video is too short for one.
    """
    from vqa_harness.stats.block_bootstrap import mean_interval

    second = log.view.pooling.worst_run_frames or round(ASSUMED_RATE)
    return {name: mean_interval(values, second) for name, values in _defined(log).items()}


def _defined(log: Log) -> dict[str, list[float]]:
    """Feature to its scores in order, over the frames where it is defined; none without any."""
    undefined = log.view.undefined_frames
    result: dict[str, list[float]] = {}
    for name, column in log.columns.items():
        gaps = set(undefined.get(name, ()))
        values = [x for i, x in enumerate(column) if x is not None and i not in gaps]
        if values:
            result[name] = values
    return result
