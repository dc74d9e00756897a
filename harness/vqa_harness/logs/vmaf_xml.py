"""libvmaf's XML logs, written and read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TextIO
from xml.parsers import expat
from xml.sax.saxutils import escape

from vqa_harness.logs.log import Log
from vqa_harness.logs.values import (
    UNDEFINED,
    check_names,
    columns_of,
    frame_number,
    number,
    number_of,
    numbers_of,
    pool_columns,
    printable,
)


def parse_xml(text: str) -> Log:
    """Read the log in an XML text.

    Raises:
        ValueError: it is not a VMAF log, or has a document type.
        ExpatError: it is broken XML.
    """
    reader = _XmlReader()
    reader.parse(text)
    columns = columns_of(reader.rows)
    return Log(
        version=reader.version or "",
        fps=reader.fps,
        frame_numbers=reader.numbers,
        columns=columns,
        pooled=reader.pooled or pool_columns(columns),
        aggregate=reader.aggregate,
        extra=reader.extra(),
        size=reader.size,
    )


class _XmlReader:
    """Collects elements as they go by, so that no tree is built."""

    def __init__(self) -> None:
        self.version: str | None = None
        self.fps: float | None = None
        self.size: tuple[int, int] | None = None
        self.numbers: list[int] = []
        self.rows: list[dict[str, float | None]] = []
        self.pooled: dict[str, dict[str, float | None]] = {}
        self.aggregate: dict[str, float | None] = {}
        self._extra: list[str] = []
        self._inside_extra = False

    def parse(self, text: str) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(text, True)

    def extra(self) -> dict[str, Any]:
        if not self._extra:
            return {}
        extra = json.loads("".join(self._extra))
        if not isinstance(extra, dict):
            raise ValueError("'vqa_harness' is not an object")
        json.dumps(extra, allow_nan=False)
        return extra

    def _doctype(self, *_: object) -> None:
        raise ValueError("has a document type, which no VMAF log has, so it is not read")

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        if self.version is None:
            if element != "VMAF":
                raise ValueError(f"is XML but not a VMAF log: it begins with <{element[:40]}>")
            self.version = attributes.get("version", "")
        elif element == "frame":
            self.numbers.append(frame_number(attributes.pop("frameNum", "")))
            self.rows.append(numbers_of(attributes))
        elif element == "metric":
            name = attributes.pop("name", "")
            self.pooled[name] = numbers_of(attributes)
        elif element == "aggregate_metrics":
            self.aggregate = numbers_of(attributes)
        elif element == "params":
            self.size = _size(attributes)
        elif element == "fyi":
            self.fps = number_of(attributes.get("fps", attributes.get("execFps", "nan")))
        self._inside_extra = element == "vqa_harness"

    def _end(self, element: str) -> None:
        self._inside_extra = False

    def _characters(self, text: str) -> None:
        if self._inside_extra:
            self._extra.append(text)


def _size(attributes: Mapping[str, str]) -> tuple[int, int] | None:
    try:
        return int(attributes["qualityWidth"]), int(attributes["qualityHeight"])
    except (KeyError, ValueError):
        return None


def write_xml(log: Log, file: TextIO) -> None:
    """Write the whole log; only ASCII characters.

    Raises:
        UsageError: a feature's name cannot be an attribute.
    """
    file.writelines(_xml_lines(log))


def _xml_lines(log: Log) -> Iterator[str]:
    check_names(log)
    yield f"<VMAF version={_quoted(log.version)}>\n"
    if log.size is not None:
        width, height = log.size
        yield f'  <params qualityWidth="{width}" qualityHeight="{height}" />\n'
    fps = UNDEFINED if number(log.fps) == "null" else f"{log.fps:.2f}"
    yield f'  <fyi fps="{fps}" />\n  <frames>\n'
    formats, cells = printable(log.columns, UNDEFINED)
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
    return "".join(f'{name}="{number(x, UNDEFINED)}" ' for name, x in values.items())


def _quoted(text: str) -> str:
    plain = re.sub(r"[^ -~]", "?", text)
    return f'"{escape(plain, {chr(34): "&quot;"})}"'
