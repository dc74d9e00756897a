"""Two logs side by side: pooled values, differences of frames, the frames that differ most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vqa_harness.logs.log import Log
from vqa_harness.logs.view import as_object, metric_entry

POOLS = ("mean", "min", "max", "harmonic_mean")
_STREAM_FACTS = ("width", "height", "pix_fmt", "rate", "frames")
_METRIC_FACTS = ("version", "provider", "parameters", "info")
_MACHINE = {"device", "n_threads", "threads"}
"""Facts of a metric that tell of the machine, not of the scores."""


@dataclass(frozen=True, slots=True)
class FrameDifference:
    """One frame of both logs.

    Attributes:
        frame: its number.
        a: score in the first log.
        b: score in the second.
        difference: ``b - a``.
    """

    frame: int
    a: float
    b: float
    difference: float


@dataclass(frozen=True, slots=True)
class FeatureComparison:
    """One feature of both logs.

    Attributes:
        name: of the feature.
        higher_is_better: None where neither log tells.
        pooled: pooling to (first log, second log); None where undefined.
        frames: frames that have a value in both.
        equal_frames: of these, those with the same value.
        mean_difference: of ``b - a`` over these frames; None without any.
        mean_absolute_difference: likewise of its magnitude.
        largest: the frames that differ most: those that got worst, or without a direction those of
            the largest magnitude; frames that are equal or better are not listed.
    """

    name: str
    higher_is_better: bool | None
    pooled: Mapping[str, tuple[float | None, float | None]]
    frames: int
    equal_frames: int
    mean_difference: float | None
    mean_absolute_difference: float | None
    largest: Sequence[FrameDifference] = ()


@dataclass(frozen=True, slots=True)
class LogComparison:
    """Two logs.

    Attributes:
        features: those in both, in the order of the first log.
        only_a: features of the first log alone.
        only_b: features of the second log alone.
        notes: why the two may not be comparable, one line each.
    """

    features: Sequence[FeatureComparison]
    only_a: Sequence[str] = ()
    only_b: Sequence[str] = ()
    notes: Sequence[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; pooled values are ``{"a", "b", "difference"}``."""
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
    """Put two logs side by side; frames are paired by their number.

    Args:
        a: the log compared with, such as that of yesterday's encoder.
        b: the log in question.
        worst: how many frames to list for each feature.
    """
    both = [name for name in a.columns if name in b.columns]
    return LogComparison(
        [_feature(name, a, b, worst) for name in both],
        [name for name in a.columns if name not in b.columns],
        [name for name in b.columns if name not in a.columns],
        list(_notes(a, b)),
    )


def minus(b: float | None, a: float | None) -> float | None:
    """``b - a``; None where either is."""
    return None if a is None or b is None else b - a


def _feature(name: str, a: Log, b: Log, worst: int) -> FeatureComparison:
    higher = _direction(a, name)
    if higher is None:
        higher = _direction(b, name)
    found = list(_differences(name, a, b))
    values = [d.difference for d in found]
    return FeatureComparison(
        name,
        higher,
        {p: (a.pooled.get(name, {}).get(p), b.pooled.get(name, {}).get(p)) for p in POOLS},
        len(values),
        values.count(0.0),
        math.fsum(values) / len(values) if values else None,
        math.fsum(map(abs, values)) / len(values) if values else None,
        _largest(found, higher)[:worst],
    )


def _differences(name: str, a: Log, b: Log) -> Iterator[FrameDifference]:
    others = dict(zip(b.frame_numbers, b.columns[name], strict=True))
    for number, x in zip(a.frame_numbers, a.columns[name], strict=True):
        y = others.get(number)
        if x is not None and y is not None:
            yield FrameDifference(number, x, y, y - x)


def _largest(found: Sequence[FrameDifference], higher: bool | None) -> list[FrameDifference]:
    def loss(d: FrameDifference) -> float:
        return abs(d.difference) if higher is None else -d.difference if higher else d.difference

    return sorted((d for d in found if loss(d) > 0), key=loss, reverse=True)


def _direction(log: Log, name: str) -> bool | None:
    _, entry = metric_entry(log, name)
    told = as_object(as_object(entry.get("features")).get(name)).get("direction")
    return True if told == "higher" else False if told == "lower" else None


def _notes(a: Log, b: Log) -> Iterator[str]:
    """What a reader should know before trusting a difference."""
    if len(a) != len(b):
        yield f"{len(a)} frames against {len(b)}; frames of one number are compared"
    if a.version != b.version:
        yield f"made by {a.version or 'an unknown version'} and {b.version or 'an unknown version'}"
    yield from _stream_notes(a, b)
    metrics_a, metrics_b = as_object(a.extra.get("metrics")), as_object(b.extra.get("metrics"))
    for label in (name for name in metrics_a if name in metrics_b):
        yield from _metric_notes(label, metrics_a[label], metrics_b[label])
    if a.extra and b.extra:
        for option, x, y in _changed(
            as_object(as_object(a.extra.get("alignment")).get("options")),
            as_object(as_object(b.extra.get("alignment")).get("options")),
        ):
            yield f"alignment: {option} {x} against {y}"


def _stream_notes(a: Log, b: Log) -> Iterator[str]:
    inputs_a, inputs_b = as_object(a.extra.get("inputs")), as_object(b.extra.get("inputs"))
    one, other = as_object(inputs_a.get("distorted")), as_object(inputs_b.get("distorted"))
    for fact in _STREAM_FACTS:
        if one and other and one.get(fact) != other.get(fact):
            yield f"distorted: {fact} {one.get(fact)} against {other.get(fact)}"
    if one and one.get("sha256") and one.get("sha256") == other.get("sha256"):
        yield "both are of the same distorted file"
    hashes = [as_object(x.get("reference")).get("sha256") for x in (inputs_a, inputs_b)]
    if inputs_a and inputs_b and hashes[0] != hashes[1]:
        yield "the references differ"


def _metric_notes(label: str, one: Any, other: Any) -> Iterator[str]:
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return
    for fact in _METRIC_FACTS:
        x, y = one.get(fact), other.get(fact)
        if isinstance(x, Mapping) and isinstance(y, Mapping):
            for key, left, right in _changed(x, y):
                if key not in _MACHINE:
                    yield f"{label}: {key} {left} against {right}"
        elif x != y:
            yield f"{label}: {fact} {x} against {y}"


def _changed(x: Mapping[str, Any], y: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in {**x, **y}:
        if x.get(key) != y.get(key):
            yield key, x.get(key), y.get(key)
