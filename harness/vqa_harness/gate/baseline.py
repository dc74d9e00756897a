"""The baseline of a gate: pooled scores that were accepted, kept in one small JSON file.

The file is meant to be committed. A log of one video, ours or libvmaf's, may stand in its place
where there is only one case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from vqa_harness.errors import InputError, UsageError, one_line
from vqa_harness.files import read_bytes, write_text
from vqa_harness.gate.conditions import Conditions, conditions_of, difference, read_conditions
from vqa_harness.logs.lenient import as_number, shown
from vqa_harness.logs.log import Log
from vqa_harness.logs.read import parse_log
from vqa_harness.stats.pooling import pooled

SCHEMA = 1
"""Version of the layout of a baseline file."""

POOLS = ("mean", "min", "max", "harmonic_mean", "p1", "p5", "p10", "p50")
"""Pooled values kept of a feature, beside those that rules look at."""

MAX_BYTES = 1 << 28
"""Size in bytes of the largest file that is read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was accepted of one case.

    Attributes:
        values: ``FEATURE.POOLING`` to value.
        conditions: what the values were measured on, and how.
        bitrate: kbit/s of the video, or None.
        group: the group of the case; empty where an older baseline does not say it.
    """

    values: Mapping[str, float]
    conditions: Conditions = field(default_factory=Conditions)
    bitrate: float | None = None
    group: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry as it stands in the file."""
        return {
            "group": self.group,
            "values": dict(self.values),
            "bitrate": self.bitrate,
            "reference": self.conditions.reference,
            "measured": self.conditions.to_json(),
            "metrics": dict(self.conditions.metrics),
        }


def entry_of(
    log: Log,
    extra: Mapping[str, float] | None = None,
    bitrate: float | None = None,
    group: str = "",
    features: Collection[str] | None = None,
) -> Entry:
    """The entry of a case that accepts the scores of its log.

    Args:
        log: the log of the case.
        extra: ``FEATURE.POOLING`` to values to keep beside `POOLS`.
        bitrate: of the video in kbit/s, or None.
        group: the group of the case.
        features: those whose `POOLS` are kept; None for all of the log.
    """
    values: dict[str, float] = {}
    for name, column in log.columns.items():
        if features is not None and name not in features:
            continue
        defined = [x for x in column if x is not None]
        for pool in POOLS if defined else ():
            stored = log.pooled.get(name, {}).get(pool)
            values[f"{name}.{pool}"] = pooled(defined, pool) if stored is None else stored
    return Entry(values | dict(extra or {}), conditions_of(log), bitrate, group)


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

    def difference(self, case: str, log: Log, feature: str, pool: str) -> tuple[str, str]:
        """Whether the accepted values of a case can be compared with those of a log.

        Args:
            case: name of the case.
            log: its log.
            feature: the feature, as in the log.
            pool: how it is pooled.

        Returns:
            Why not, empty where they can; and what a reader should know besides, mostly empty.
        """
        entry = self.entry(case)
        if entry is None:
            return "", ""
        foreign = self.single is not None and not entry.conditions.told
        reason = difference(entry.conditions, log, feature, pool, trusting=foreign)
        note = "the baseline, another program's log, does not tell its reference and options"
        return reason, note if foreign and not reason and conditions_of(log).told else ""

    def gone(self, cases: Collection[str]) -> dict[str, Entry]:
        """The entries of cases that are none of these; a log that stands for it has none."""
        return {name: entry for name, entry in self.entries.items() if name not in cases}


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
            f"{path}: schema {shown(document.get('schema'))[:40]} is not known; "
            f"this version reads {SCHEMA}"
        )
    try:
        entries = {str(name): _entry(entry) for name, entry in document["cases"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: is not a baseline: {one_line(error)}; --update-baseline makes one"
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
    return Entry(
        values,
        read_conditions(document),
        None if rate is None else _finite(rate),
        str(document.get("group", "")),
    )


def _finite(value: Any) -> float:
    number = as_number(value)
    if number is None:
        raise ValueError(f"{shown(value)[:40]!r} is not a number, or too large")
    return number


def _text(path: Path) -> str:
    missing = "no such baseline; --update-baseline makes it"
    return read_bytes(path, MAX_BYTES, "a baseline", missing=missing).decode("utf-8", "replace")


def _object_of(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
