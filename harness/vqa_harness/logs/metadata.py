"""The ``vqa_harness`` object of a log: what was scored, how, and what a reader should know.

Everything here is JSON-compatible and free of the machine's folders: absolute paths are cut down to
their last part.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from vqa_harness import __version__
from vqa_harness.frames import ASSUMED_RATE, StreamInfo
from vqa_harness.request import Request
from vqa_harness.result import MetricResult, RunResult, WindowScore
from vqa_harness.spec import Feature
from vqa_harness.stats.pooling import (
    PERCENTILES,
    harmonic_mean,
    percentiles,
    standard_deviation,
    worst_run,
)

SCHEMA = 1
"""Version of the layout; raised when a field changes its meaning or goes away."""

_FOLDERS = re.compile(r"""(?<![\w/.~-])(?:[A-Za-z]:)?[\\/](?:[^\s\\/"'<>|:]+[\\/])+""")
"""The folders of an absolute path within a text."""


def metadata(
    result: RunResult,
    repairs: Sequence[Repairs],
    columns: Mapping[str, list[float | None]],
    *,
    command: str,
    created: str,
) -> dict[str, Any]:
    """The ``vqa_harness`` object for the log of a run.

    Args:
        result: what the run gave.
        repairs: what was done to the columns of each metric.
        columns: the columns of the log as they are written.
        command: the command line.
        created: the time of the run, ISO 8601.
    """
    metrics = {
        _label(metric): _metric(metric, repair, result)
        for metric, repair in zip(result.metrics, repairs, strict=True)
    }
    directions = {
        name: feature.higher_is_better
        for metric in result.metrics
        for name, feature in _logged(metric).items()
    }
    document = {
        "schema": SCHEMA,
        "harness_version": __version__,
        "created": created,
        "command": command,
        "inputs": {
            "distorted": _stream(result.distorted, "distorted", result),
            "reference": None
            if result.reference is None
            else _stream(result.reference, "reference", result),
        },
        "reading": result.reading,
        "alignment": result.alignment,
        "metrics": metrics,
        "pooling": _pooling(columns, directions, _second(result), repairs),
        "frame_times": [_seconds(time) for time in result.frame_times],
        "warnings": result.warnings,
        "errors": {_label(m): m.error for m in result.metrics if m.error is not None},
        "seconds": {**result.seconds, "cpu": result.cpu_seconds},
    }
    if result.qc:  # not in other logs, which would have a section that says nothing
        document["qc"] = result.qc
    return {key: plain(value) for key, value in document.items()}


def plain(value: Any) -> Any:
    """The value as JSON has it: no NaN or infinity (None), no fraction (text), no folder."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {without_folders(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a NumPy array or scalar
        return plain(value.tolist())
    if isinstance(value, PurePath):
        return without_folders(value.name)
    return without_folders(str(value))


def without_folders(text: str) -> str:
    """The text with each absolute path cut to its last part, and as valid Unicode.

    A path that holds spaces is cut only up to its last space-free part.
    """
    return _FOLDERS.sub("", text).encode("utf-8", "replace").decode("utf-8")


def _request(metric: MetricResult) -> Request:
    return Request(metric.spec, metric.params)


def _label(metric: MetricResult) -> str:
    return _request(metric).label


def _logged(metric: MetricResult) -> dict[str, Feature]:
    """The features that the metric declares, by their names in the log."""
    return {feature.name: feature for feature in _request(metric).features}


def _stream(info: StreamInfo, role: str, result: RunResult) -> dict[str, Any]:
    colour = info.colour
    reading = result.reading.get(role)
    return {
        "name": info.name,
        "sha256": result.sha256.get(role),
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "pix_fmt": info.pix_fmt,
        "depth": info.depth,
        "chroma": info.chroma,
        "rate": info.rate,
        "frames": reading.get("frames") if isinstance(reading, Mapping) else None,
        "expected_frames": info.expected_frames,
        "duration": _seconds(info.duration),
        "rotation": info.rotation,
        "mirrored": info.mirrored,
        "sar": f"{info.sar.numerator}:{info.sar.denominator}",
        "interlaced": info.interlaced,
        "still": info.still,
        "colour": {
            "range": "full" if colour.full_range else "limited",
            "matrix": colour.matrix,
            "transfer": colour.transfer,
            "primaries": colour.primaries,
            "guessed": [name.removeprefix("full_") for name in colour.guessed],
        },
    }


def _metric(metric: MetricResult, repairs: Repairs, result: RunResult) -> dict[str, Any]:
    declared = _logged(metric)
    first = next((f for f in _request(metric).declared if not f.diagnostic), None)
    names = list(metric.columns)
    if _label(metric) not in names:
        # Readers then take the first feature with a direction for the metric's score. The declared
        # ones stand in their order, behind undeclared ones, which have no direction.
        place = {name: number for number, name in enumerate(declared)}
        names.sort(key=lambda name: place.get(name, -1))
    warnings = list(metric.warnings)
    warnings += [f"{name}: undefined on every frame, left out" for name in repairs.left_out]
    entry = {
        "metric": metric.spec.name,
        "provider": metric.provider,
        "version": metric.spec.version,
        "kind": metric.spec.kind,
        "direction": _direction(first),
        "range": _range(first),
        "features": {name: _feature(declared.get(name)) for name in names},
        "parameters": metric.params,
        "info": metric.info,
        "temporal": "frame",
        "diagnostics": metric.diagnostics,
        "undefined_frames": repairs.undefined,
        "aggregate": metric.aggregate,
        "warnings": warnings,
        "error": metric.error,
        "seconds": metric.seconds,
    }
    if metric.spec.kind == "clip":
        entry |= _windows(metric, first, result)
    return entry


def _feature(feature: Feature | None) -> dict[str, Any]:
    unit = feature.unit if feature else ""
    return {"direction": _direction(feature), "range": _range(feature), "unit": unit}


def _direction(feature: Feature | None) -> str | None:
    if feature is None or feature.higher_is_better is None:
        return None
    return "higher" if feature.higher_is_better else "lower"


def _range(feature: Feature | None) -> list[float | None]:
    return [feature.lo, feature.hi] if feature else [None, None]


def _windows(metric: MetricResult, first: Feature | None, result: RunResult) -> dict[str, Any]:
    scores = [] if first is None else [w.scores.get(first.name) for w in metric.windows]
    defined = [x for x in scores if x is not None and math.isfinite(x)]
    count = len(result.frame_times)
    whole = len(metric.windows) == 1 and metric.windows[0].stop >= count
    inside = len({i for w in metric.windows for i in range(w.start, min(w.stop, count))})
    # said only where windows leave something out, as all logs without a longer hop were before
    part = {"share_in_windows": round(inside / count, 6)} if 0 < inside < count else {}
    return part | {
        "temporal": "clip" if whole and metric.windows[0].start == 0 else "window",
        "broadcast": True,
        "score": math.fsum(defined) / len(defined) if defined else None,
        "windows": [_window(window, result) for window in metric.windows],
    }


def _window(window: WindowScore, result: RunResult) -> dict[str, Any]:
    return {
        "start": window.start,
        "end": window.stop,
        "start_time": _seconds(_time(window.start, result)),
        "end_time": _seconds(_time(window.stop, result)),
        "frames": window.indices,
        "scores": window.scores,
    }


def _time(frame: int, result: RunResult) -> Fraction | None:
    """The time at which a frame begins; one past the last frame begins when that ends."""
    times = result.frame_times
    if frame < len(times):
        return times[frame]
    if times[-1] is None or not result.distorted.rate:
        return None
    return times[-1] + 1 / result.distorted.rate


def _seconds(time: Fraction | None) -> float | None:
    return None if time is None else round(float(time), 6)


def _second(result: RunResult) -> int:
    """The number of frames in about one second."""
    times = result.frame_times
    rate = result.distorted.rate
    if not rate and len(times) > 1 and times[0] is not None and times[-1] is not None:
        span = times[-1] - times[0]
        rate = (len(times) - 1) / span if span > 0 else None
    return max(1, round(rate or ASSUMED_RATE))


def _pooling(
    columns: Mapping[str, list[float | None]],
    directions: Mapping[str, bool | None],
    length: int,
    repairs: Sequence[Repairs],
) -> dict[str, Any]:
    undefined = {name: set(at) for repair in repairs for name, at in repair.undefined.items()}
    features: dict[str, Any] = {}
    replaced: list[str] = []
    for name, column in columns.items():
        values = [x for x in column if x is not None]
        if harmonic_mean(values) is None:
            replaced.append(name)
        features[name] = _statistics(values, directions.get(name), length)
        if name in undefined:
            defined = [x for i, x in enumerate(values) if i not in undefined[name]]
            features[name]["defined_frames"] = len(defined)
            features[name]["mean_of_defined"] = math.fsum(defined) / len(defined)
    return {
        "percentiles": "linear interpolation between closest ranks",
        "std": "population",
        "worst_run_frames": length,
        "harmonic_mean_replaced": replaced,
        "features": features,
    }


def _statistics(values: list[float], higher_is_better: bool | None, length: int) -> dict[str, Any]:
    ranks = zip(PERCENTILES, percentiles(values), strict=True)
    entry: dict[str, Any] = {f"p{q}": x for q, x in ranks}
    entry["std"] = standard_deviation(values)
    if higher_is_better is not None:
        run = worst_run(values, length, higher_is_better=higher_is_better)
        entry["worst_run"] = {"start": run.start, "stop": run.stop, "score": run.mean}
    return entry


@dataclass(slots=True)
class Repairs:
    """What was done to the columns of one metric so that the log has a number everywhere.

    Attributes:
        undefined: feature to the frames whose value is that of a neighbour.
        left_out: features that were undefined on every frame.
    """

    undefined: dict[str, list[int]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
