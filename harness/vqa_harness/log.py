"""The log of a run: scores per frame, pooled scores, and how they came about.

`Log` is what every writer writes and `vqa_harness.read_log.read_log` returns. It is laid out as
libvmaf's log, with everything libvmaf has no place for in ``extra``. ``docs/log-format.md``
describes each field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vqa_harness import __version__
from vqa_harness.errors import InputError, MetricError
from vqa_harness.pooling import pool

if TYPE_CHECKING:
    from vqa_harness.result import MetricResult, RunResult

VERSION_PREFIX = "vqa-harness "
"""How ``version`` begins in a log without VMAF."""

LARGEST = 1e100
"""A score of this magnitude or above is no score: sums over frames must stay finite."""


@dataclass(slots=True)
class Log:
    """Scores of one distorted video.

    Attributes:
        version: libvmaf's version where VMAF was run, else ``vqa-harness X.Y.Z``.
        fps: frames scored per second of processor time; None if unknown. Not the clip's rate.
        frame_numbers: number of each frame, ascending from 0.
        columns: feature name to one value per frame. None where a log read has none, or has null,
            NaN or infinity; a log that was built has none of these.
        pooled: feature name to ``min``, ``max``, ``mean`` and ``harmonic_mean``.
        aggregate: libvmaf's numbers about the whole stream; empty in a log that was built.
        extra: the ``vqa_harness`` object, JSON-compatible; empty for another program's log.
        size: (width, height) scored, pixels; None if unknown. Only XML has a place for it.
    """

    version: str
    fps: float | None = None
    frame_numbers: list[int] = field(default_factory=list)
    columns: dict[str, list[float | None]] = field(default_factory=dict)
    pooled: dict[str, dict[str, float | None]] = field(default_factory=dict)
    aggregate: dict[str, float | None] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None

    def __len__(self) -> int:
        """How many frames were scored."""
        return len(self.frame_numbers)

    def frames(self) -> Iterator[tuple[int, dict[str, float | None]]]:
        """Yield (frame number, feature name to value)."""
        for i, number in enumerate(self.frame_numbers):
            yield number, {name: column[i] for name, column in self.columns.items()}


@dataclass(slots=True)
class Repairs:
    """What was done to the columns of one metric so that the log has a number everywhere.

    Attributes:
        undefined: feature to the frames whose value is that of a neighbour.
        left_out: features that were undefined on every frame.
    """

    undefined: dict[str, list[int]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def build_log(result: RunResult, *, command: str = "", created: str | None = None) -> Log:
    """Lay out what a run gave as a log.

    A value that is None, NaN, infinite or not below `LARGEST` is replaced by that of the nearest
    earlier frame that has one (of the first later one at the start), which is recorded; a feature
    undefined on every frame is left out. Pooled values are those of the values written.

    Args:
        result: of the run.
        command: the command line, for the record; folders of absolute paths are taken out.
        created: time of the run, ISO 8601; None for now, in UTC.

    Raises:
        InputError: no frame was scored.
        MetricError: a metric gave another number of values than there are frames, or two metrics
            gave a feature of the same name.
    """
    from vqa_harness.log_metadata import metadata

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
    """Add the metric's columns, every value a finite number."""
    repairs = Repairs()
    for name, given in metric.columns.items():
        if len(given) != count:
            raise MetricError(
                f"metric {metric.spec.name!r} gave {len(given)} values of {name!r} "
                f"for {count} frames; it must give one for each"
            )
        if name in columns:
            raise MetricError(
                f"metric {metric.spec.name!r}: feature {name!r} is in the log already; "
                "leave one of the metrics out"
            )
        undefined = [i for i, x in enumerate(given) if x is None or not abs(x) < LARGEST]
        if len(undefined) == count:
            repairs.left_out.append(name)
            continue
        if undefined:
            repairs.undefined[name] = undefined
        columns[name] = _held(given, undefined)
    return repairs


def _held(given: list[float | None], undefined: list[int]) -> list[float | None]:
    """The column with each undefined value replaced by the last defined one, or the first."""
    column = [x if x is None else float(x) for x in given]
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
    found = (metric.info.get("libvmaf_version") for metric in metrics)
    return next((str(text) for text in found if text), f"{VERSION_PREFIX}{__version__}")
