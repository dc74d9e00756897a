"""The scores of a run, before they become a log: one `RunResult` per distorted input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from vqa_harness.frames import StreamInfo
from vqa_harness.spec import MetricSpec, ParamValue


@dataclass(frozen=True, slots=True)
class WindowScore:
    """One score of a clip metric.

    Attributes:
        start: first frame of the window.
        stop: one past the last frame of the window.
        indices: the frames sampled.
        scores: feature name to value; None where undefined.
    """

    start: int
    stop: int
    indices: tuple[int, ...]
    scores: Mapping[str, float | None]


@dataclass(slots=True)
class MetricResult:
    """The scores of one metric, and what else it reported.

    Attributes:
        spec: the metric.
        params: all its parameters, defaults included.
        columns: feature name as logged to one value per frame; None where undefined. All columns
            have one entry per scored frame.
        diagnostics: the same for diagnostic features, which are never pooled.
        aggregate: numbers about the whole stream.
        windows: the windows of a clip metric with their scores; empty for others.
        info: facts about the metric (weights' hash, device, ...).
        provider: distribution and version that provides it.
        warnings: what the user should know of these scores.
        notes: what the user asked the metric to report, line by line.
        seconds: busy time of the metric, summed over threads.
        error: why the metric gave nothing; None if it worked.
    """

    spec: MetricSpec
    params: dict[str, ParamValue]
    columns: dict[str, list[float | None]] = field(default_factory=dict)
    diagnostics: dict[str, list[float | None]] = field(default_factory=dict)
    aggregate: dict[str, float] = field(default_factory=dict)
    windows: list[WindowScore] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)
    provider: str = ""
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None


@dataclass(slots=True)
class RunResult:
    """Everything that one pass over one distorted input gave.

    Attributes:
        distorted: the stream scored.
        reference: the stream it was compared with, or None.
        frame_times: seconds of each scored frame, None where the stream does not tell.
        metrics: in the order asked for.
        reading: per stream (``"distorted"``, ``"reference"``) what decoding lost, JSON-compatible.
        alignment: how frames were paired, JSON-compatible; empty without a reference.
        warnings: what the user should know, one line each.
        seconds: wall time, by part: ``total``, ``decode`` (waiting for frames), ...
        cpu_seconds: CPU time of this process during the run; an equal part of it where it did other
            runs at the same time.
        sha256: SHA-256 of each stream's file.
        qc: the events of the distorted input, JSON-compatible; empty where nobody looked for any.
    """

    distorted: StreamInfo
    reference: StreamInfo | None = None
    frame_times: list[Fraction | None] = field(default_factory=list)
    metrics: list[MetricResult] = field(default_factory=list)
    reading: dict[str, Any] = field(default_factory=dict)
    alignment: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    sha256: dict[str, str] = field(default_factory=dict)
    qc: dict[str, Any] = field(default_factory=dict)
