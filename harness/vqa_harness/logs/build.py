"""Lays the results of a run out as a log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vqa_harness import __version__
from vqa_harness.errors import InputError, MetricError
from vqa_harness.logs.log import VERSION_PREFIX, Log
from vqa_harness.logs.metadata import Repairs
from vqa_harness.stats.pooling import LARGEST, pool

if TYPE_CHECKING:
    from vqa_harness.result import MetricResult, RunResult


def build_log(result: RunResult, *, command: str = "", created: str | None = None) -> Log:
    """Lay out what a run gave as a log.

    A value that is None, NaN, infinite or not below `LARGEST` is replaced by that of the nearest
    earlier frame that has one (of the first later one at the start), which is recorded; a feature
    undefined on every frame is left out. Pooled values are those of the values written.

    Args:
        result: what the run gave.
        command: the command line to record; folders of absolute paths are taken out.
        created: time of the run, ISO 8601; None for now, in UTC.

    Raises:
        InputError: no frame was scored.
        MetricError: a metric gave another number of values than there are frames, or two metrics
            gave a feature of the same name.
    """
    from vqa_harness.logs.metadata import metadata

    count = len(result.frame_times)
    if count == 0:
        raise InputError(f"{result.distorted.name}: no frame was scored, so there is no log")
    columns: dict[str, list[float | None]] = {}
    repairs = [_collect(metric, count, columns) for metric in result.metrics]
    if "vmaf" in columns:  # some readers take the last value of a line
        columns["vmaf"] = columns.pop("vmaf")
    stamp = created or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Log(
        version=_version(result.metrics),
        fps=count / result.cpu_seconds if result.cpu_seconds > 0 else None,
        frame_numbers=list(range(count)),
        columns=columns,
        pooled={name: dict(pool(_numbers(column))) for name, column in columns.items()},
        extra=metadata(result, repairs, columns, command=command, created=stamp),
        size=(result.distorted.width, result.distorted.height),
    )


def _collect(metric: MetricResult, count: int, columns: dict[str, list[float | None]]) -> Repairs:
    """Add the metric's columns with a finite number everywhere, and say what was repaired."""
    repairs = Repairs()
    for name, values in metric.columns.items():
        if len(values) != count:
            raise MetricError(
                f"metric {metric.spec.name!r} gave {len(values)} values of {name!r} "
                f"for {count} frames; it must give one for each"
            )
        if name in columns:
            raise MetricError(
                f"metric {metric.spec.name!r}: feature {name!r} is in the log already; "
                "leave one of the metrics out"
            )
        undefined = [i for i, x in enumerate(values) if x is None or not abs(x) < LARGEST]
        if len(undefined) == count:
            repairs.left_out.append(name)
            continue
        if undefined:
            repairs.undefined[name] = undefined
        columns[name] = _held(values, undefined)
    return repairs


def _held(values: list[float | None], undefined: list[int]) -> list[float | None]:
    """The column with each undefined value replaced by the last defined one, or the first."""
    column = [x if x is None else float(x) for x in values]
    if not undefined:
        return column
    gaps = set(undefined)
    last = next(x for i, x in enumerate(column) if i not in gaps)
    for i, x in enumerate(column):
        if i in gaps:
            column[i] = last
        else:
            last = x
    return column


def _numbers(column: list[float | None]) -> list[float]:
    return [x for x in column if x is not None]


def _version(metrics: list[MetricResult]) -> str:
    versions = (metric.info.get("libvmaf_version") for metric in metrics)
    return next((str(text) for text in versions if text), f"{VERSION_PREFIX}{__version__}")
