"""What a log says of its metrics, features and pooling: a part of `vqa_harness.logs.view`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FeatureEntry:
    """What a log says of a feature.

    Attributes:
        higher_is_better: its direction; None also for a feature that has none.
        lo: the smallest value possible; None also if unbounded.
        hi: the largest value possible; None also if unbounded.
        unit: its unit, such as ``dB``; empty without one.
    """

    higher_is_better: bool | None = None
    lo: float | None = None
    hi: float | None = None
    unit: str = ""

    @property
    def best(self) -> float | None:
        """The best value possible; None if unbounded, or without a direction."""
        if self.higher_is_better is None:
            return None
        return self.hi if self.higher_is_better else self.lo


@dataclass(frozen=True, slots=True)
class WindowEntry:
    """A stretch of frames that a clip metric scored at once.

    Attributes:
        start: the first frame.
        stop: one past the last frame.
        start_seconds: time in seconds at which the window begins.
        stop_seconds: time in seconds at which the window ends.
        frames: the frames that the metric looked at.
        scores: feature to score; None where undefined.
    """

    start: int
    stop: int
    start_seconds: float | None = None
    stop_seconds: float | None = None
    frames: tuple[int, ...] = ()
    scores: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """What a log says of a metric that was asked for.

    Attributes:
        label: its key in the log: the metric's name with the suffix of its parameters.
        metric: the metric's name.
        provider: the distribution that provides it, with its version.
        version: the version of the algorithm.
        kind: ``frame``, ``clip``, ``stream`` or ``file``.
        features: the features it gave, by the names of the log's columns.
        parameters: all parameters, defaults included; any JSON values.
        info: what the metric says of itself (model, hash of weights, device); any JSON values.
        temporal: ``frame``: a score per frame; ``window`` or ``clip``: one per window, or one for
            the whole video.
        undefined_frames: feature to the frames (indices, ascending in our logs) that hold another
            frame's score.
        diagnostics: features that describe rather than score, by name: a value per frame.
        aggregate: numbers about the whole stream.
        warnings: what a reader should know of the scores, a line each.
        error: why the metric gave nothing; None if it worked.
        seconds: how long the metric was busy, summed over threads.
        score: for a clip metric, the mean of its windows' scores (first feature).
        windows: for a clip metric, its windows in order.
    """

    label: str
    metric: str | None = None
    provider: str | None = None
    version: str | None = None
    kind: str | None = None
    features: Mapping[str, FeatureEntry] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    temporal: str | None = None
    undefined_frames: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    diagnostics: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    aggregate: Mapping[str, float | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: str | None = None
    seconds: float | None = None
    score: float | None = None
    windows: tuple[WindowEntry, ...] = ()

    @property
    def described(self) -> bool:
        """Whether the log says anything of the metric beside its label."""
        return self != MetricEntry(self.label)


@dataclass(frozen=True, slots=True)
class WorstRun:
    """The contiguous frames, about a second, with the worst mean.

    Attributes:
        start: the first frame.
        stop: one past the last frame.
        score: the mean over these frames, in the feature's unit.
    """

    start: int
    stop: int
    score: float


@dataclass(frozen=True, slots=True)
class PooledEntry:
    """Pooled values of a feature beside libvmaf's four, which are in ``Log.pooled``.

    Attributes:
        percentiles: ``p1``, ``p5``, ``p10``, ``p50``, ``p90``, ``p95``, ``p99`` to value.
        std: the standard deviation of the population.
        worst_run: the second with the worst mean; None also for a feature without a direction.
        defined_frames: for a feature with undefined frames, how many are defined.
        mean_of_defined: for such a feature, the mean over the frames that are defined.
    """

    percentiles: Mapping[str, float | None] = field(default_factory=dict)
    std: float | None = None
    worst_run: WorstRun | None = None
    defined_frames: int | None = None
    mean_of_defined: float | None = None


@dataclass(frozen=True, slots=True)
class Pooling:
    """How scores were pooled.

    Attributes:
        worst_run_frames: the length of a worst run, about a second; at least 1.
        harmonic_mean_replaced: features whose harmonic mean is undefined, so that the mean stands
            in its place.
        features: further pooled values of each feature, by the names of the log's columns.
    """

    worst_run_frames: int | None = None
    harmonic_mean_replaced: tuple[str, ...] = ()
    features: Mapping[str, PooledEntry] = field(default_factory=dict)
