"""The baseline of a gate: pooled scores that were accepted, kept in one small JSON file.

The file is meant to be committed. A log of one video, ours or libvmaf's, may stand in its place
where there is only one case.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from vqa_harness.errors import InputError, UsageError, one_line
from vqa_harness.files import read_bytes, write_text
from vqa_harness.logs.log import Log
from vqa_harness.logs.read import parse_log
from vqa_harness.stats.pooling import pooled

SCHEMA = 1
POOLS = ("mean", "min", "max", "harmonic_mean", "p1", "p5", "p10", "p50")
"""Kept of every feature; those that rules look at are kept as well."""
MAX_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Entry:
    """What was accepted of one case.

    Attributes:
        values: ``FEATURE.POOLING`` to value.
        metrics: label of a metric to its version and what it told of its model.
        bitrate: kbit/s of the video, or None.
        reference: hash of the reference's bytes, or None.
    """

    values: Mapping[str, float]
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bitrate: float | None = None
    reference: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As in the file."""
        return {
            "values": dict(self.values),
            "metrics": dict(self.metrics),
            "bitrate": self.bitrate,
            "reference": self.reference,
        }


def entry_of(
    log: Log, extra: Mapping[str, float] | None = None, bitrate: float | None = None
) -> Entry:
    """What to keep of a log.

    Args:
        log: of the case.
        extra: ``FEATURE.POOLING`` to values to keep beside `POOLS`.
        bitrate: of the video, kbit/s.
    """
    values: dict[str, float] = {}
    for name, given in log.columns.items():
        column = [x for x in given if x is not None]
        for pool in POOLS if column else ():
            stored = log.pooled.get(name, {}).get(pool)
            values[f"{name}.{pool}"] = pooled(column, pool) if stored is None else stored
    return Entry(values | dict(extra or {}), identity(log), bitrate, _reference(log))


def identity(log: Log) -> dict[str, Mapping[str, Any]]:
    """Per metric, what must be equal for two scores to be comparable."""
    return {
        label: {"version": str(entry.version), **_model(entry.info)}
        for label, entry in log.view.metrics.items()
        if entry.told
    }


def difference(before: Entry, log: Log, feature: str) -> str:
    """Why a feature of the log cannot be compared with the baseline; empty if it can."""
    metric = log.view.metric_of(feature)
    label = "" if metric is None else metric.label
    old, new = before.metrics.get(label), identity(log).get(label)
    if old is None or new is None or old == new:
        return ""
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    shown = ", ".join(f"{key} {old.get(key)} is now {new.get(key)}" for key in changed)
    return f"the baseline is of another {label} ({shown}); --update-baseline renews it"


@dataclass(slots=True)
class Baseline:
    """All entries by case.

    Attributes:
        entries: case to what was accepted.
        single: the entry of whatever case there is, where a log stands for the baseline.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    single: Entry | None = None

    def entry(self, case: str) -> Entry | None:
        """Of that case, or None."""
        return self.single or self.entries.get(case)

    def value(self, case: str, name: str) -> tuple[float | None, str]:
        """The accepted value of that name, such as ``vmaf.p5``, and why there is none."""
        entry = self.entry(case)
        if entry is None:
            return None, "the baseline has no such case; --update-baseline adds it"
        if name not in entry.values:
            return None, f"the baseline has no {name}; --update-baseline adds it"
        return entry.values[name], ""


def read_baseline(
    path: Path, cases: int, extra: Callable[[Log], Mapping[str, float]] | None = None
) -> Baseline:
    """Read a baseline, or a log in its place.

    Args:
        path: of the file.
        cases: how many cases the gate has.
        extra: values to take from a log beside `POOLS`.

    Raises:
        InputError: it cannot be read, or is neither.
        UsageError: it is a log and there are several cases.
    """
    text = _text(path)
    document = _object_of(text)
    if document is None or "cases" not in document:
        return Baseline(single=_of_log(path, text, cases, extra))
    if document.get("schema") != SCHEMA:
        raise InputError(
            f"{path}: schema {document.get('schema')!r} is not known, this is {SCHEMA}"
        )
    try:
        entries = {str(name): _entry(given) for name, given in document["cases"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is no baseline: {error}; --update-baseline makes one") from None
    return Baseline(entries)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write the file, complete or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    document = {
        "schema": SCHEMA,
        "cases": {name: entry.to_json() for name, entry in sorted(baseline.entries.items())},
    }
    write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


@dataclass(frozen=True, slots=True)
class Change:
    """One value that an update changes; None where it was not there or is no more."""

    case: str
    value: str
    before: float | None
    after: float | None


def changes(before: Baseline, after: Baseline, shown: Iterable[str] = ()) -> list[Change]:
    """What an update changes: the means, the values in ``shown``, and bitrates."""
    wanted = set(shown)
    found = []
    for case in sorted({*before.entries, *after.entries}):
        old, new = _shown(before.entries.get(case)), _shown(after.entries.get(case))
        for key in {**old, **new}:
            if not (key.endswith(".mean") or key in wanted or key == "bitrate"):
                continue
            a, b = old.get(key), new.get(key)
            if a != b:
                found.append(Change(case, key, a, b))
    return found


def _shown(entry: Entry | None) -> dict[str, float]:
    if entry is None:
        return {}
    rate = {} if entry.bitrate is None else {"bitrate": entry.bitrate}
    return {**entry.values, **rate}


def _of_log(
    path: Path, text: str, cases: int, extra: Callable[[Log], Mapping[str, float]] | None
) -> Entry:
    try:
        log = parse_log(text)
    except (ValueError, OverflowError, RecursionError, ExpatError) as error:
        raise InputError(f"{path}: is neither a baseline nor a log: {one_line(error)}") from None
    if cases != 1:
        raise UsageError(
            f"{path}: is the log of one video, the gate has {cases} cases; "
            "name a baseline file and make it with --update-baseline"
        )
    return entry_of(log, extra(log) if extra is not None else None)


def _entry(given: Any) -> Entry:
    values = {str(name): _finite(value) for name, value in given["values"].items()}
    rate = given.get("bitrate")
    reference = given.get("reference")
    return Entry(
        values,
        {str(label): dict(facts) for label, facts in given.get("metrics", {}).items()},
        None if rate is None else _finite(rate),
        None if reference is None else str(reference),
    )


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _model(info: Mapping[str, Any]) -> dict[str, str]:
    """Of what a metric tells of itself, what its scores depend on."""
    keys = [k for k in info if k.endswith(("sha256", "version")) or k in ("models", "checkpoint")]
    return {key: json.dumps(info[key], sort_keys=True) for key in keys}


def _reference(log: Log) -> str | None:
    stream = log.view.inputs.reference
    return (stream.sha256 or None) if stream is not None else None


def _text(path: Path) -> str:
    missing = "no such baseline; --update-baseline makes it"
    return read_bytes(path, MAX_BYTES, "a baseline", missing=missing).decode("utf-8", "replace")


def _object_of(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
