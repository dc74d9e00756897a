"""Writes a log as libvmaf's CSV and XML.

CSV has scores of frames only. XML has all of the JSON log: ``vqa_harness`` is an element after
``aggregate_metrics`` whose text is JSON. Differences from libvmaf: undefined values are ``nan``
also where libvmaf would write ``inf``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TextIO
from xml.sax.saxutils import escape

from vqa_harness.errors import UsageError
from vqa_harness.log import Log
from vqa_harness.log_numbers import number, printable

_UNDEFINED = "nan"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_RESERVED = ("Frame", "frameNum", "name")


def write_csv(log: Log, file: TextIO) -> None:
    """Write frame numbers and scores; every line ends with a comma, as libvmaf's do.

    Raises:
        UsageError: a feature's name cannot stand in the header.
    """
    file.writelines(_csv_lines(log))


def write_xml(log: Log, file: TextIO) -> None:
    """Write the whole log; only ASCII characters.

    Raises:
        UsageError: a feature's name cannot be an attribute.
    """
    file.writelines(_xml_lines(log))


def _csv_lines(log: Log) -> Iterator[str]:
    _check_names(log)
    formats, cells = printable(log.columns, _UNDEFINED)
    template = "".join(f"{form}," for form in ("%d", *formats)) + "\n"
    yield "".join(f"{name}," for name in ("Frame", *log.columns)) + "\n"
    for row in zip(log.frame_numbers, *cells, strict=True):
        yield template % row


def _xml_lines(log: Log) -> Iterator[str]:
    _check_names(log)
    yield f"<VMAF version={_quoted(log.version)}>\n"
    if log.size is not None:
        width, height = log.size
        yield f'  <params qualityWidth="{width}" qualityHeight="{height}" />\n'
    fps = _UNDEFINED if number(log.fps) == "null" else f"{log.fps:.2f}"
    yield f'  <fyi fps="{fps}" />\n  <frames>\n'
    formats, cells = printable(log.columns, _UNDEFINED)
    named = zip(log.columns, formats, strict=True)
    attributes = "".join(f'{name}="{form}" ' for name, form in named)
    template = f'    <frame frameNum="%d" {attributes}/>\n'
    for row in zip(log.frame_numbers, *cells, strict=True):
        yield template % row
    yield "  </frames>\n  <pooled_metrics>\n"
    for name, values in log.pooled.items():
        yield f'    <metric name="{name}" {_attributes(values)}/>\n'
    yield f"  </pooled_metrics>\n  <aggregate_metrics {_attributes(log.aggregate)}/>\n"
    if log.extra:
        text = escape(json.dumps(log.extra, allow_nan=False), {'"': "&quot;"})
        yield f"  <vqa_harness>{text}</vqa_harness>\n"
    yield "</VMAF>\n"


def _attributes(values: Mapping[str, float | None]) -> str:
    return "".join(f'{name}="{number(x, _UNDEFINED)}" ' for name, x in values.items())


def _quoted(text: str) -> str:
    plain = re.sub(r"[^ -~]", "?", text)
    return f'"{escape(plain, {chr(34): "&quot;"})}"'


def _check_names(log: Log) -> None:
    for name in (*log.columns, *log.pooled, *log.aggregate):
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise UsageError(
                f"feature name {name!r} cannot stand in a CSV or XML log; write json instead"
            )
