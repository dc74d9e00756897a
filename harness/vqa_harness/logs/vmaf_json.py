"""Writes and reads libvmaf's JSON logs: its layout byte for byte, with ``vqa_harness`` as last key.

Differences from libvmaf: an undefined value stands on a line of its own (libvmaf forgets the line
break), and there is the ``vqa_harness`` object where the log has one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from vqa_harness.logs.log import Log
from vqa_harness.logs.values import (
    MAX_FRAME,
    columns_of,
    finite,
    number,
    pool_columns,
    printable,
)

EXTRA_KEY = "vqa_harness"
"""The only key that libvmaf does not have."""

_BARE = re.compile(r"(?<=:)\s*-?(?:nan(?:\(\w*\))?|inf(?:inity)?|1\.#\w+)(?=\s*[,}\]])", re.I)
"""NaN and infinity as values, which JSON does not allow."""

_LEADING_COMMA = re.compile(r'("frames"\s*:\s*\[)\s*,')
"""A comma before the first frame, which some old libvmafs wrote."""

_POOLED = ("min", "max", "mean", "harmonic_mean")
"""Keys of pooled values in a log of libvmaf 2.0.0."""


def write_json(log: Log, file: TextIO) -> None:
    """Write the log; only ASCII characters."""
    file.writelines(_chunks(log))


def to_json(log: Log) -> dict[str, Any]:
    """The log as `json.load` would give it, but with scores in full precision."""
    document: dict[str, Any] = {
        "version": log.version,
        "fps": log.fps,
        "frames": [{"frameNum": n, "metrics": metrics} for n, metrics in log.frames()],
        "pooled_metrics": {name: dict(values) for name, values in log.pooled.items()},
        "aggregate_metrics": dict(log.aggregate),
    }
    if log.extra:
        document[EXTRA_KEY] = log.extra
    return document


def _chunks(log: Log) -> Iterator[str]:
    fps = "null" if number(log.fps) == "null" else f"{log.fps:.2f}"
    yield f'{{\n  "version": {json.dumps(log.version)},\n  "fps": {fps},\n  "frames": ['
    yield from _frames(log)
    yield "\n  ],\n"
    yield '  "pooled_metrics": {'
    yield ",".join(
        f"\n    {json.dumps(name)}: {{{_members(values, 6)}\n    }}"
        for name, values in log.pooled.items()
    )
    yield f'\n  }},\n  "aggregate_metrics": {{{_members(log.aggregate, 4)}\n  }}'
    if log.extra:
        yield f",\n  {json.dumps(EXTRA_KEY)}: {_pretty(log.extra, 2)}"
    yield "\n}\n"


def _frames(log: Log) -> Iterator[str]:
    formats, cells = printable(log.columns, "null")
    lines = [
        f"        {json.dumps(name).replace('%', '%%')}: {form}"
        for name, form in zip(log.columns, formats, strict=True)
    ]
    body = ",\n".join(lines) + "\n" if lines else ""
    template = f'\n    {{\n      "frameNum": %d,\n      "metrics": {{\n{body}      }}\n    }}'
    comma = ""
    for row in zip(log.frame_numbers, *cells, strict=True):
        yield comma + template % row
        comma = ","


def _members(values: Mapping[str, float | None], indent: int) -> str:
    pad = "\n" + " " * indent
    return ",".join(f"{pad}{json.dumps(name)}: {number(x)}" for name, x in values.items())


def _pretty(value: Any, indent: int) -> str:
    """JSON text with objects spread over lines and each array on one line."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, allow_nan=False)
    pad = "\n" + " " * (indent + 2)
    members = (f"{pad}{json.dumps(k)}: {_pretty(v, indent + 2)}" for k, v in value.items())
    return f"{{{','.join(members)}\n{' ' * indent}}}"


def parse_json(text: str) -> Log:
    """Read the log in a JSON text.

    Raises:
        ValueError: it is not JSON, or not a VMAF log.
    """
    document = _load(text)
    if not isinstance(document, dict):
        raise ValueError("is JSON but not a VMAF log: the top level is not an object")
    if "executorId" in document:
        raise ValueError(
            "is a result of the Python package of VMAF (run_vmaf), another layout; "
            "have the vmaf tool or ffmpeg's libvmaf filter write the log"
        )
    numbers, columns = _parsed_frames(document.get("frames"))
    pooled = document.get("pooled_metrics")
    log = Log(
        version=str(document.get("version", "")),
        fps=_number(document.get("fps", document.get("ExecFps")), "fps"),
        frame_numbers=numbers,
        columns=columns,
        pooled=pool_columns(columns) if pooled is None else _pooled(pooled),
        aggregate=_numbers(document.get("aggregate_metrics", {}), "aggregate_metrics"),
        extra=_extra(document.get(EXTRA_KEY, {})),
    )
    stream = log.view.inputs.distorted
    log.size = None if stream is None else stream.size
    return log


def _load(text: str) -> Any:
    """The document; what old libvmafs wrote against the rules of JSON is put right first."""
    try:
        return json.loads(text, parse_constant=_undefined)
    except json.JSONDecodeError:
        mended = _LEADING_COMMA.sub(r"\1", _BARE.sub(" null", text))
        return json.loads(mended, parse_constant=_undefined)


def _undefined(_name: str) -> None:
    return None


def _parsed_frames(frames: Any) -> tuple[list[int], dict[str, list[float | None]]]:
    if not isinstance(frames, list):
        raise ValueError("is JSON but not a VMAF log: it has no array 'frames'")
    numbers: list[int] = []
    rows: list[Mapping[str, Any]] = []
    for frame in frames:
        number = frame.get("frameNum") if isinstance(frame, dict) else None
        if type(number) is not int or number < 0:
            raise ValueError(f"frame {len(numbers)} has no frameNum that is a whole number from 0")
        if number > MAX_FRAME:
            raise ValueError(f"frame {len(numbers)} has a frameNum that is too large")
        metrics = frame.get("metrics")
        if not isinstance(metrics, dict):
            raise ValueError(f"frame {number} has no object 'metrics'")
        numbers.append(number)
        rows.append(metrics)
    columns = columns_of(rows)
    return numbers, {name: _column(name, column) for name, column in columns.items()}


def _column(name: str, column: Sequence[Any]) -> list[float | None]:
    return [x if type(x) is float and x - x == 0 else _number(x, name) for x in column]


def _number(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name!r} has a value that is not a number: {str(value)[:40]!r}")
    return finite(float(value))


def _numbers(values: Any, where: str) -> dict[str, float | None]:
    if not isinstance(values, dict):
        raise ValueError(f"{where!r} is not an object")
    return {name: _number(value, f"{where}.{name}") for name, value in values.items()}


def _pooled(entries: Any) -> dict[str, dict[str, float | None]]:
    if isinstance(entries, list):  # libvmaf 2.0.0
        entries = _from_array(entries)
    if not isinstance(entries, dict):
        raise ValueError("'pooled_metrics' is not an object")
    return {name: _numbers(values, f"pooled_metrics.{name}") for name, values in entries.items()}


def _from_array(entries: list[Any]) -> dict[str, Any]:
    pooled: dict[str, Any] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("metric"), str):
            raise ValueError("'pooled_metrics' has an entry without the name of its metric")
        methods = entry.get("pooling_methods", entry)
        if not isinstance(methods, dict):
            raise ValueError("'pooling_methods' is not an object")
        pooled[entry["metric"]] = {key: methods[key] for key in _POOLED if key in methods}
    return pooled


def _extra(extra: Any) -> dict[str, Any]:
    if not isinstance(extra, dict):
        raise ValueError(f"{EXTRA_KEY!r} is not an object")
    json.dumps(extra, allow_nan=False)  # a number such as 1e999 is read as infinity
    return extra
