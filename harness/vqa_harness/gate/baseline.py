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
"""Version of the layout of a baseline file."""

POOLS = ("mean", "min", "max", "harmonic_mean", "p1", "p5", "p10", "p50")
"""Pooled values kept of every feature, beside those that rules look at."""

MAX_BYTES = 1 << 28
"""Size in bytes of the largest file that is read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was accepted of one case.

    Attributes:
        values: ``FEATURE.POOLING`` to value.
        metrics: label of a metric to its version and what it says of its model.
        bitrate: kbit/s of the video, or None.
        reference: hash of the reference's bytes, or None.
    """

    values: Mapping[str, float]
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bitrate: float | None = None
    reference: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry as it stands in the file."""
        return {
            "values": dict(self.values),
            "metrics": dict(self.metrics),
            "bitrate": self.bitrate,
            "reference": self.reference,
        }


def entry_of(
    log: Log, extra: Mapping[str, float] | None = None, bitrate: float | None = None
) -> Entry:
    """The entry of a case that accepts the scores of its log.

    Args:
        log: the log of the case.
        extra: ``FEATURE.POOLING`` to values to keep beside `POOLS`.
        bitrate: of the video in kbit/s, or None.
    """
    values: dict[str, float] = {}
    for name, column in log.columns.items():
        defined = [x for x in column if x is not None]
        for pool in POOLS if defined else ():
            stored = log.pooled.get(name, {}).get(pool)
            values[f"{name}.{pool}"] = pooled(defined, pool) if stored is None else stored
    return Entry(values | dict(extra or {}), identity(log), bitrate, _reference(log))


def identity(log: Log) -> dict[str, Mapping[str, Any]]:
    """What must be equal for two scores to be comparable, by label of the metric."""
    return {
        label: {"version": str(entry.version), **_model(entry.info)}
        for label, entry in log.view.metrics.items()
        if entry.described
    }


def difference(before: Entry, log: Log, feature: str) -> str:
    """The reason why a feature of the log cannot be compared with the baseline; empty if it can."""
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
    """All accepted scores of a gate.

    Attributes:
        entries: case to what was accepted.
        single: the entry of the only case, where a log stands for the baseline.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    single: Entry | None = None

    def entry(self, case: str) -> Entry | None:
        """The entry of a case; None where there is none."""
        return self.single or self.entries.get(case)

    def value(self, case: str, name: str) -> tuple[float | None, str]:
        """The accepted value of that name, such as ``vmaf.p5``; with None, the reason."""
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
        path: the file.
        cases: how many cases the gate has.
        extra: gives the values to take from a log beside `POOLS`; None for no others.

    Raises:
        InputError: the file cannot be read, or is neither a baseline nor a log.
        UsageError: it is a log and there are several cases.
    """
    text = _text(path)
    document = _object_of(text)
    if document is None or "cases" not in document:
        return Baseline(single=_of_log(path, text, cases, extra))
    if document.get("schema") != SCHEMA:
        raise InputError(
            f"{path}: schema {document.get('schema')!r} is not known; this version reads {SCHEMA}"
        )
    try:
        entries = {str(name): _entry(entry) for name, entry in document["cases"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: is not a baseline: {error}; --update-baseline makes one"
        ) from None
    return Baseline(entries)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline to a file, which appears complete or not at all.

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
    """One value that an update changes.

    Attributes:
        case: name of the case.
        value: ``FEATURE.POOLING``, or ``bitrate``.
        before: the value accepted before; None where there was none.
        after: the value accepted now; None where there is none any more.
    """

    case: str
    value: str
    before: float | None
    after: float | None


def changes(before: Baseline, after: Baseline, shown: Iterable[str] = ()) -> list[Change]:
    """What an update changes of the means, the bitrates, and the values named in ``shown``."""
    named = set(shown)
    differences = []
    for case in sorted({*before.entries, *after.entries}):
        old, new = _with_bitrate(before.entries.get(case)), _with_bitrate(after.entries.get(case))
        for key in {**old, **new}:
            if not (key.endswith(".mean") or key in named or key == "bitrate"):
                continue
            a, b = old.get(key), new.get(key)
            if a != b:
                differences.append(Change(case, key, a, b))
    return differences


def _with_bitrate(entry: Entry | None) -> dict[str, float]:
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


def _entry(document: Any) -> Entry:
    values = {str(name): _finite(value) for name, value in document["values"].items()}
    rate = document.get("bitrate")
    reference = document.get("reference")
    return Entry(
        values,
        {str(label): dict(facts) for label, facts in document.get("metrics", {}).items()},
        None if rate is None else _finite(rate),
        None if reference is None else str(reference),
    )


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _model(info: Mapping[str, Any]) -> dict[str, str]:
    """The facts that a metric's scores depend on, of all that it says of itself."""
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
