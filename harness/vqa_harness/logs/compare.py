"""Compares two logs: pooled values, differences of frames, the frames that differ most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vqa_harness.logs.features import asked_for
from vqa_harness.logs.log import Log
from vqa_harness.logs.view import Inputs, MetricEntry
from vqa_harness.stats.pooling import POOLS

_STREAM_FACTS = ("width", "height", "pix_fmt", "rate", "frames")
_METRIC_FACTS = ("version", "provider")
_METRIC_OBJECTS = ("parameters", "info")
_MACHINE = {"device", "n_threads", "threads"}
"""Facts of a metric that describe the machine, not the scores."""


@dataclass(frozen=True, slots=True)
class FrameDifference:
    """The scores of one frame in both logs.

    Attributes:
        frame: the number of the frame.
        a: its score in the first log.
        b: its score in the second log.
        difference: ``b - a``.
    """

    frame: int
    a: float
    b: float
    difference: float


@dataclass(frozen=True, slots=True)
class FeatureComparison:
    """What became of one feature from the first log to the second.

    Attributes:
        name: the name of the feature.
        higher_is_better: its direction; None where neither log gives one.
        pooled: pooling to the values in (first log, second log); None where undefined.
        frames: how many frames have a value in both logs.
        equal_frames: how many of these have the same value in both.
        mean_difference: the mean of ``b - a`` over these frames; None without any.
        mean_absolute_difference: the mean of the magnitude of ``b - a``; None without any frames.
        asked_for: whether it is the feature that its metric was asked for, and not an inner one.
        largest: the frames that got worst, or without a direction those that differ most; frames
            that are equal or better are not listed.
    """

    name: str
    higher_is_better: bool | None
    pooled: Mapping[str, tuple[float | None, float | None]]
    frames: int
    equal_frames: int
    mean_difference: float | None
    mean_absolute_difference: float | None
    asked_for: bool = True
    largest: Sequence[FrameDifference] = ()


@dataclass(frozen=True, slots=True)
class LogComparison:
    """The differences of two logs.

    Attributes:
        features: the features in both logs: those asked for, then the others as in the first.
        only_a: names of the features of the first log alone.
        only_b: names of the features of the second log alone.
        notes: reasons why the two may not be comparable, a line each.
    """

    features: Sequence[FeatureComparison]
    only_a: Sequence[str] = ()
    only_b: Sequence[str] = ()
    notes: Sequence[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The comparison, JSON-compatible; pooled values are ``{"a", "b", "difference"}``."""
        features = {}
        for feature in self.features:
            entry = asdict(feature)
            entry["pooled"] = {
                pool: {"a": a, "b": b, "difference": minus(b, a)}
                for pool, (a, b) in feature.pooled.items()
            }
            del entry["name"]
            features[feature.name] = entry
        return {
            "schema": 1,
            "features": features,
            "only_a": list(self.only_a),
            "only_b": list(self.only_b),
            "notes": list(self.notes),
        }


def compare_logs(a: Log, b: Log, *, worst: int = 5) -> LogComparison:
    """Compare two logs; frames are paired by their number.

    Args:
        a: the log to compare with, such as that of yesterday's encoder.
        b: the log that is compared with it.
        worst: how many frames to list for each feature.
    """
    both = [name for name in a.columns if name in b.columns]
    leading = [name for name in asked_for(a, b) if name in both] or both
    order = dict.fromkeys((*leading, *both))
    return LogComparison(
        [_feature(name, a, b, worst, asked_for=name in leading) for name in order],
        [name for name in a.columns if name not in b.columns],
        [name for name in b.columns if name not in a.columns],
        list(_notes(a, b)),
    )


def minus(b: float | None, a: float | None) -> float | None:
    """``b - a``; None where either of them is None."""
    return None if a is None or b is None else b - a


def _feature(name: str, a: Log, b: Log, worst: int, *, asked_for: bool) -> FeatureComparison:
    higher = _direction(a, name)
    if higher is None:
        higher = _direction(b, name)
    differences = list(_differences(name, a, b))
    values = [d.difference for d in differences]
    return FeatureComparison(
        name,
        higher,
        {p: (a.pooled.get(name, {}).get(p), b.pooled.get(name, {}).get(p)) for p in POOLS},
        len(values),
        values.count(0.0),
        math.fsum(values) / len(values) if values else None,
        math.fsum(map(abs, values)) / len(values) if values else None,
        asked_for,
        _largest(differences, higher)[:worst],
    )


def _differences(name: str, a: Log, b: Log) -> Iterator[FrameDifference]:
    others = dict(zip(b.frame_numbers, b.columns[name], strict=True))
    for number, x in zip(a.frame_numbers, a.columns[name], strict=True):
        y = others.get(number)
        if x is not None and y is not None:
            yield FrameDifference(number, x, y, y - x)


def _largest(differences: Sequence[FrameDifference], higher: bool | None) -> list[FrameDifference]:
    def loss(d: FrameDifference) -> float:
        return abs(d.difference) if higher is None else -d.difference if higher else d.difference

    return sorted((d for d in differences if loss(d) > 0), key=loss, reverse=True)


def _direction(log: Log, name: str) -> bool | None:
    metric = log.view.metric_of(name)
    return None if metric is None else metric.features[name].higher_is_better


def _notes(a: Log, b: Log) -> Iterator[str]:
    """Yield what a reader should know before trusting a difference."""
    if len(a) != len(b):
        yield f"{len(a)} frames against {len(b)}; frames of one number are compared"
    if a.version != b.version:
        yield f"made by {a.version or 'an unknown version'} and {b.version or 'an unknown version'}"
    yield from _stream_notes(a, b)
    for label, metric in a.view.metrics.items():
        if label in b.view.metrics:
            yield from _metric_notes(metric, b.view.metrics[label])
    if a.extra and b.extra:
        for option, x, y in _changed(a.view.alignment.options, b.view.alignment.options):
            yield f"alignment: {option} {x} against {y}"


def _stream_notes(a: Log, b: Log) -> Iterator[str]:
    inputs_a, inputs_b = a.view.inputs, b.view.inputs
    one, other = inputs_a.distorted, inputs_b.distorted
    if one and other:
        for fact in _STREAM_FACTS:
            x, y = getattr(one, fact), getattr(other, fact)
            if x != y:
                yield f"distorted: {fact} {x} against {y}"
        if one.sha256 and one.sha256 == other.sha256:
            yield "both are of the same distorted file"
    hashes = [x.reference and x.reference.sha256 for x in (inputs_a, inputs_b)]
    if inputs_a != Inputs() and inputs_b != Inputs() and hashes[0] != hashes[1]:
        yield "the references differ"


def _metric_notes(one: MetricEntry, other: MetricEntry) -> Iterator[str]:
    if not one.described or not other.described:
        return
    for fact in _METRIC_FACTS:
        x, y = getattr(one, fact), getattr(other, fact)
        if x != y:
            yield f"{one.label}: {fact} {x} against {y}"
    for fact in _METRIC_OBJECTS:
        for key, left, right in _changed(getattr(one, fact), getattr(other, fact)):
            if key not in _MACHINE:
                yield f"{one.label}: {key} {left} against {right}"


def _changed(x: Mapping[str, Any], y: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in {**x, **y}:
        if x.get(key) != y.get(key):
            yield key, x.get(key), y.get(key)
