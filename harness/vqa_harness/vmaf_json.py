"""Writes a log as libvmaf's JSON, byte for byte its layout, with ``vqa_harness`` as the last key.

Differences from libvmaf: an undefined value stands on a line of its own (libvmaf forgets the line
break), and there is the ``vqa_harness`` object where the log has one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from vqa_harness.log import Log
from vqa_harness.log_numbers import number, printable

EXTRA_KEY = "vqa_harness"
"""The one key libvmaf does not have."""


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
