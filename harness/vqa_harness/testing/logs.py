"""Checks that a log keeps what readers of VMAF logs rely on: the rules of ``docs/log-format.md``.

For tests, and for the testing kit of metric packages: `build_log` does not call it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from vqa_harness.logs.log import VERSION_PREFIX, Log
from vqa_harness.stats.pooling import pool

POOLED = ("min", "max", "mean", "harmonic_mean")
"""Keys of each pooled entry, in libvmaf's order."""

_ALIASES = (("psnr", "psnr_y"), ("ms_ssim", "float_ms_ssim"))
"""Pairs of feature names that some readers take for the same."""

_TOLERANCE = 5e-6
"""Largest error of a pooled value: logs have six decimals."""

_ABSOLUTE = re.compile(r"""(?:^|[\s"'=:,(])(?:/[\w.-]+/|[A-Za-z]:\\)""")
"""An absolute path of Unix or Windows within a text."""


def check_contract(log: Log) -> list[str]:
    """The faults of a log, a line each that begins with the rule it breaks; empty if none."""
    return [*_frames(log), *_values(log), *_pooled(log), *_names(log), *_top(log), *_extra(log)]


def _frames(log: Log) -> Iterator[str]:
    numbers = log.frame_numbers
    if not numbers:
        yield "R2: there is no frame"
        return
    if any(type(n) is not int or n < 0 for n in numbers):
        yield "R7: a frame number is not a whole number from 0"
        return
    if numbers[0] != 0:
        yield f"R7: the first frame is {numbers[0]}, not 0"
    steps = {b - a for a, b in pairwise(numbers)}
    if len(steps) > 1 or any(step < 1 for step in steps):
        yield "R7: frame numbers do not ascend in equal steps"


def _values(log: Log) -> Iterator[str]:
    for name, column in log.columns.items():
        if len(column) != len(log):
            yield f"R6: {name!r} has {len(column)} values for {len(log)} frames"
        if any(isinstance(x, bool) or not isinstance(x, int | float | None) for x in column):
            yield f"R3: {name!r} has a value that is not a number"
        elif any(x is None or not math.isfinite(x) for x in column):
            yield f"R4: {name!r} has an undefined value"


def _pooled(log: Log) -> Iterator[str]:
    if list(log.pooled) != list(log.columns):
        yield "R6: pooled metrics are not those of the frames, in their order"
    for name, entry in log.pooled.items():
        if tuple(entry) != POOLED:
            yield f"R5: pooled {name!r} has the keys {', '.join(entry)}"
        elif any(x is None or not math.isfinite(x) for x in entry.values()):
            yield f"R5: pooled {name!r} has an undefined value"
        else:
            yield from _repooled(log, name)


def _repooled(log: Log, name: str) -> Iterator[str]:
    column = log.columns.get(name, [])
    values = [x for x in column if isinstance(x, int | float) and math.isfinite(x)]
    if not values or len(values) < len(column):  # found by another rule
        return
    for key, computed in pool(values).items():
        logged = log.pooled[name][key]
        if logged is None or not math.isclose(logged, computed, rel_tol=1e-6, abs_tol=_TOLERANCE):
            yield f"R15: pooled {name!r} has {key} {logged}, the frames give {computed}"
    replaced = log.view.pooling.harmonic_mean_replaced
    if log.extra and min(values) <= -1.0 and name not in replaced:
        yield f"R15: {name!r} has no harmonic mean, and nothing records what stands in its place"


def _names(log: Log) -> Iterator[str]:
    if "n" in log.columns:
        yield "R10: a feature is called n"
    for old, new in _ALIASES:
        if old in log.columns and new in log.columns:
            yield f"R10: both {old!r} and {new!r} are there, and some readers take either"
    if "vmaf" in log.columns and list(log.columns)[-1] != "vmaf":
        yield "R14: 'vmaf' is not the last feature"
    if log.extra or log.version.startswith(VERSION_PREFIX):
        real = _vmaf_features(log)
        for name in log.columns:
            if "vmaf" in name.lower() and name not in real:
                rule = "R8" if name == "vmaf" else "R9"
                yield f"{rule}: {name!r} is named after VMAF but is not a score of libvmaf"


def _vmaf_features(log: Log) -> set[str]:
    names: set[str] = set()
    for metric in log.view.metrics.values():
        if metric.metric == "vmaf" or metric.info.get("libvmaf_version"):
            names.update(metric.features)
    return names


def _top(log: Log) -> Iterator[str]:
    if log.aggregate:
        yield "R11: aggregate_metrics is not empty"
    if not isinstance(log.version, str) or not log.version:
        yield "R12: version is not a text"
    if log.fps is not None and not math.isfinite(log.fps):
        yield "R12: fps is not a number"


def _extra(log: Log) -> Iterator[str]:
    try:
        json.dumps(log.extra, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (TypeError, ValueError) as error:
        yield f"R1: vqa_harness cannot be written as JSON: {error}"
        return
    for text in _texts(log.extra):
        if _ABSOLUTE.search(text):
            yield f"vqa_harness holds a path of this machine: {text[:80]!r}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
