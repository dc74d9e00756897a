"""What a log says of its metrics, features and pooling: a part of `vqa_harness.logs.view`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FeatureEntry:
    """What a log says of a feature.

    Attributes:
        higher_is_better: None also for a feature that has no direction.
        lo: smallest value possible; None also if unbounded.
        hi: largest value possible; None also if unbounded.
        unit: such as ``dB``; empty without one.
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
        start: first frame.
        stop: one past its last frame.
        start_seconds: when it begins.
        stop_seconds: when it ends.
        frames: those looked at.
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
        metric: its name.
        provider: distribution that provides it, with its version.
        version: of the algorithm.
        kind: ``frame``, ``clip``, ``stream`` or ``file``.
        features: what it gave, by the names of the log's columns.
        parameters: all of them, defaults included; any JSON values.
        info: what it says of itself (model, hash of weights, device); any JSON values.
        temporal: ``frame``: a score per frame; ``window`` or ``clip``: one per window, or one for
            the whole video.
        undefined_frames: feature to the frames (indices, ascending in our logs) that hold another
            frame's score.
        diagnostics: features that describe rather than score, by name: a value per frame.
        aggregate: numbers about the whole stream.
        warnings: a line each.
        error: why it gave nothing; None if it worked.
        seconds: it was busy, summed over threads.
        score: of a clip metric, the mean of its windows' scores (first feature).
        windows: of a clip metric.
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
    def told(self) -> bool:
        """Whether the log says anything of it beside its label."""
        return self != MetricEntry(self.label)


@dataclass(frozen=True, slots=True)
class WorstRun:
    """The contiguous frames, about a second, with the worst mean.

    Attributes:
        start: first frame.
        stop: one past its last frame.
        score: mean over these frames, in the feature's unit.
    """

    start: int
    stop: int
    score: float


@dataclass(frozen=True, slots=True)
class PooledEntry:
    """Pooled values of a feature beside libvmaf's four, which are in ``Log.pooled``.

    Attributes:
        percentiles: ``p1``, ``p5``, ``p10``, ``p50``, ``p90``, ``p95``, ``p99`` to value.
        std: standard deviation of the population.
        worst_run: None also for a feature without a direction.
        defined_frames: of a feature with undefined frames, how many are defined.
        mean_of_defined: of such a feature, the mean over these.
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
        worst_run_frames: length of a worst run, about a second; at least 1.
        harmonic_mean_replaced: features whose harmonic mean is undefined, so that the mean stands
            in its place.
        features: by the names of the log's columns.
    """

    worst_run_frames: int | None = None
    harmonic_mean_replaced: tuple[str, ...] = ()
    features: Mapping[str, PooledEntry] = field(default_factory=dict)
