"""Gathers what a report shows from logs, or from the document of a ladder.

Everything here comes from files that may be anybody's: nothing is taken to be there or of the right
kind that was not checked, and nothing is escaped here; `vqa_harness.report.write` does that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa_harness.errors import InputError, one_line
from vqa_harness.files import read_bytes
from vqa_harness.logs.features import features_of, pooled_values
from vqa_harness.logs.log import Log
from vqa_harness.logs.notes import Note, notes_path, read_notes
from vqa_harness.logs.read import MORE, log_bytes, read_log
from vqa_harness.logs.view import Role

Json = Mapping[str, Any]


@dataclass(slots=True)
class ReportItem:
    """One scored video.

    Attributes:
        label: the name of the video in charts.
        log: its scores.
        rung: its index in the ladder's source; None outside a ladder.
        notes: what people noted on its frames, see `vqa_harness.logs.notes`.
    """

    label: str
    log: Log
    rung: int | None = None
    notes: Sequence[Note] = ()


@dataclass(slots=True)
class Section:
    """One source with everything measured on it.

    Attributes:
        name: the name of the source.
        items: its scored videos.
        ladder: its entry in the ladder's ``sources``; empty outside a ladder.
    """

    name: str
    items: list[ReportItem]
    ladder: Json = field(default_factory=dict)


@dataclass(slots=True)
class ReportData:
    """Everything a page shows.

    Attributes:
        sections: the sources.
        ladder: the ladder's document; empty for plain logs.
        missing: a line for each log that could not be read.
    """

    sections: list[Section]
    ladder: Json = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def load(paths: Sequence[Path]) -> ReportData:
    """Read one ``ladder.json``, or any number of logs.

    Raises:
        InputError: a file cannot be read, or is neither.
    """
    if len(paths) == 1:
        document = _ladder(paths[0])
        if document is not None:
            return _load_ladder(paths[0], document)
    missing: list[str] = []
    items = [ReportItem(path.stem, read_log(path), None, _notes(path, missing)) for path in paths]
    for item, path in zip(items, paths, strict=True):
        item.label = name_of(item.log, "distorted") or path.stem
    reference = next((n for i in items if (n := name_of(i.log, "reference"))), None)
    name = items[0].label if len(items) == 1 else reference or f"{len(items)} videos"
    return ReportData([Section(name, items)], missing=missing)


def _notes(log: Path, missing: list[str]) -> list[Note]:
    """The notes beside a log; a line is added to what is missing where they cannot be read."""
    try:
        return read_notes(notes_path(log))
    except InputError as error:
        missing.append(one_line(error))
        return []


def name_of(log: Log, role: Role) -> str | None:
    """The name of a log's ``distorted`` or ``reference`` file."""
    stream = log.view.inputs.stream(role)
    return None if stream is None else stream.name


def times_of(log: Log) -> list[float | None]:
    """The time of each frame in seconds; None where unknown."""
    times = log.view.frame_times
    return list(times) if len(times) == len(log) else [None] * len(log)


def rate_of(log: Log) -> float | None:
    """Frames per second of the distorted video; None if unknown."""
    stream = log.view.inputs.distorted
    return float(stream.rate) if stream is not None and stream.rate is not None else None


def facts_of(log: Log) -> dict[str, Any]:
    """Pooled values, direction and unit of every feature, by its name."""
    about = features_of(log)
    values = pooled_values(log, ("mean", "min", "max", "p5", "harmonic_mean"))
    pooling = log.view.pooling.features
    return {
        name: {
            "pooled": values.get(name, {}),
            "sign": about[name].sign if name in about else 0,
            "unit": about[name].unit if name in about else "",
            "leading": name in about and about[name].leading,
            "metric": about[name].metric if name in about else "",
            "worst_run": pooling[name].worst_run if name in pooling else None,
        }
        for name in dict.fromkeys((*about, *log.columns))  # in the order of the metrics
    }


def _ladder(path: Path) -> dict[str, Any] | None:
    """The document of a ladder; None if the file does not hold one."""
    data = read_bytes(path, log_bytes(), "a log", more=MORE)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None  # a log in another format
    if not isinstance(document, dict) or document.get("kind") != "ladder":
        return None
    from vqa_harness.ladder.document import checked_ladder

    return checked_ladder(document, str(path))


def _load_ladder(path: Path, document: dict[str, Any]) -> ReportData:
    report = ReportData([], document)
    for source in document["sources"]:
        items = []
        for index in (i for members in source["series"].values() for i in members):
            rung = source["rungs"][index]
            if rung["log"] is None:
                continue
            try:
                of = _beside(path, rung["log"])
                log = read_log(of)
            except InputError as error:
                report.missing.append(one_line(error))
                continue
            notes = _notes(of, report.missing)
            items.append(ReportItem(rung_label(rung), log, index, notes))
        report.sections.append(Section(source["name"], items, source))
    return report


def _beside(path: Path, name: str) -> Path:
    """The path of a file that a ladder names, which must lie within the ladder's folder."""
    folder = path.resolve().parent
    try:
        named = (folder / name).resolve()
    except (OSError, ValueError) as error:  # a character that no path has, or too long a name
        raise InputError(f"{path.name}: {name!r} is no path ({one_line(error)})") from None
    if not named.is_relative_to(folder):
        raise InputError(f"{path.name}: {name} lies outside its folder and is not read")
    return named


def rung_label(rung: Json) -> str:
    """The label of a rung in charts, such as ``x265 medium 720p crf 28 · 850 kbit/s``."""
    words = [rung["series"], f"{rung['height']}p", rung["setting"]]
    rate = f"{rung['bitrate'] / 1000:.0f} kbit/s"
    return " ".join(str(w) for w in words if w) + f" · {rate}"
