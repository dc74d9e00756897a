"""Makes tables of a batch: ``cases/`` has a row for each case, ``frames/`` one for each frame.

Rows are read one after another, and written in parts; memory does not grow with their number. The
columns are known only when all rows have been seen, so rows go through a file in between.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from vqa_harness import __version__
from vqa_harness.batch.parts import Column, Kind, Parts, parts_of
from vqa_harness.batch.row import Row
from vqa_harness.batch.store import Store
from vqa_harness.errors import InputError, UsageError
from vqa_harness.leftovers import partial_file
from vqa_harness.logs.log import Log

PART_ROWS = 1_000_000
"""Rows of a part of a table."""
_OWN: dict[str, Kind] = {
    "key": "str",
    "file": "str",
    "reference": "str",
    "status": "str",
    "exit_code": "int",
    "message": "str",
    "log": "str",
    "frames": "int",
    "warnings": "int",
    "seconds": "float",
    "host": "str",
    "attempt": "int",
    "finished": "str",
    "undivided": "str",
}
"""The columns of ``cases/`` that every batch has."""
_UNITS = {"seconds": "s", "time": "s"}
_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")


@dataclass(slots=True)
class Collected:
    """What a collection made.

    Attributes:
        cases: rows of ``cases/``.
        frames: rows of ``frames/``.
        others: rows of earlier settings, such as other metrics or versions, which were left out.
    """

    cases: int = 0
    frames: int = 0
    others: int = 0


def collect(out: Path | str, part_rows: int = PART_ROWS) -> Collected:
    """Make the tables of a batch, in place of those that are there.

    Args:
        out: the batch's folder, or its address in a store of objects.
        part_rows: rows of a part.

    Raises:
        InputError: the folder is not of a batch, or a row or a log cannot be read.
        UsageError: the tables cannot be written.
    """
    store = Store(out)
    digest, settings = store.settings()
    made = Collected()
    rows = _current(store.rows(), digest, made)
    try:
        with (
            store.place.workshop("cases", "frames") as folder,
            _spooled(rows, folder / "collect") as spool,
            _replacing(folder / "cases") as place,
        ):
            about = about_table(settings, digest)
            made.cases = _write_cases(spool, place, about, part_rows)
            with _replacing(folder / "frames") as frames:
                made.frames = _write_frames(spool, store, frames, about, part_rows)
    except OSError as error:
        raise UsageError(f"cannot write tables in {out}: {error.strerror or error}") from None
    return made


def about_table(settings: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """What the schema of a table says of all of it: versions, metrics, units of features."""
    return {
        "vqa_harness": __version__,
        "settings": digest,
        "scored_with": settings.get("vqa_harness"),
        "metrics": settings.get("metrics", []),
        "features": settings.get("features", {}),
        "facts": settings.get("facts", {}),
    }


def _current(rows: Iterable[Row], digest: str, made: Collected) -> Iterator[Row]:
    for row in rows:
        if row.settings == digest:
            yield row
        else:
            made.others += 1


@dataclass(slots=True)
class Spool:
    """Rows on their way into a table, and what columns they need.

    Attributes:
        path: the file that holds them.
        columns: manifest's columns and their kinds; None for one without any value so far.
        features: feature to poolings.
    """

    path: Path
    columns: dict[str, Kind | None] = field(default_factory=dict)
    features: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, row: Row, file: TextIO) -> None:
        """Take a row."""
        for name, value in row.columns.items():
            self.columns[name] = _common(self.columns.get(name), kind_of(value))
        for name, values in row.pooled.items():
            self.features.setdefault(name, {}).update(dict.fromkeys(values))
        file.write(row.to_text())

    def rows(self) -> Iterator[Row]:
        """The rows again."""
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                yield Row.of_text(line)


def _common(one: Kind | None, other: Kind | None) -> Kind | None:
    """The kind of a column that holds both; truth values and numbers have only text in common."""
    if one is None or other is None or one == other:
        return one or other
    return "float" if {one, other} == {"int", "float"} else "str"


def kind_of(value: Any) -> Kind | None:
    """The kind of a manifest's value; text that is a plain number counts as a number.

    ``007`` and ``1,5`` stay text. None for a value that is empty.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) < 1 << 63 else "str"
    if isinstance(value, float):
        return "float"
    if _INT.fullmatch(value):
        return "int"
    return "float" if _FLOAT.fullmatch(value) else "str"


@contextmanager
def _spooled(rows: Iterable[Row], beside: Path) -> Iterator[Spool]:
    with partial_file(beside) as path:
        spool = Spool(path)
        with path.open("w", encoding="utf-8") as file:
            for row in rows:
                spool.add(row, file)
        yield spool


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Yield a folder to write to that takes the place of another when the block ends well."""
    with partial_file(folder) as fresh, partial_file(folder) as old:
        fresh.mkdir()
        try:
            yield fresh
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
        finally:
            for one in (fresh, old):
                shutil.rmtree(one, ignore_errors=True)


def case_columns(spool: Spool, about: Mapping[str, Any]) -> list[Column]:
    """The columns of ``cases/``: our own, the manifest's, and ``FEATURE.POOLING``."""
    columns = [Column(name, kind, _UNITS.get(name, "")) for name, kind in _OWN.items()]
    taken = {column.name for column in columns}
    for name, kind in spool.columns.items():
        shown = name
        while shown in taken:
            shown = f"manifest_{shown}"
        taken.add(shown)
        columns.append(Column(shown, kind or "str", source=("columns", name)))
    for feature, poolings in spool.features.items():
        unit = unit_of(feature, about)
        columns += [
            Column(f"{feature}.{p}", "float", unit, source=("pooled", feature, p)) for p in poolings
        ]
    return columns


def unit_of(feature: str, about: Mapping[str, Any]) -> str:
    """The unit of a feature; empty where nothing is known of it."""
    known = about["features"].get(feature)
    return str(known.get("unit", "")) if isinstance(known, dict) else ""


def _write_cases(spool: Spool, place: Path, about: Mapping[str, Any], part_rows: int) -> int:
    columns = case_columns(spool, about)
    with parts_of(place, columns, about, part_rows) as parts:
        for row in spool.rows():
            parts.add_row([_cell(row, column) for column in columns])
        return parts.rows


def _cell(row: Row, column: Column) -> Any:
    match column.source:
        case ("columns", name):
            return as_kind(row.columns.get(name), column.kind)
        case ("pooled", feature, pooling):
            return row.pooled.get(feature, {}).get(pooling)
        case _:
            return getattr(row, column.name)


def as_kind(value: Any, kind: Kind) -> Any:
    """A manifest's value as the column's kind has it; text where the column is mixed."""
    if value is None or (value == "" and kind != "str"):
        return None
    if kind == "str" and not isinstance(value, str):
        return json.dumps(value)
    if kind == "str":
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return {"bool": bool, "int": int, "float": float}[kind](value)


def _write_frames(
    spool: Spool, store: Store, place: Path, about: Mapping[str, Any], part_rows: int
) -> int:
    columns = [Column("case", "str"), Column("frame", "int"), Column("time", "float", "s")]
    columns += [Column(name, "float", unit_of(name, about)) for name in spool.features]
    with parts_of(place, columns, about, part_rows) as parts:
        for row, log in store.with_logs(row for row in spool.rows() if row.log is not None):
            if log is None:
                raise InputError(
                    f"{store.log_place(row.log or '')}: the log of {row.file} cannot be read; call "
                    "batch again, which makes it anew"
                )
            _add_frames(parts, row, log, list(spool.features))
        return parts.rows


def _add_frames(parts: Parts, row: Row, log: Log, features: list[str]) -> None:
    times: list[float | None] = list(log.view.frame_times)
    if len(times) != len(log):
        times = [None] * len(log)
    parts.add_columns(
        len(log),
        [[row.key] * len(log), log.frame_numbers, times, *(_scores(log, n) for n in features)],
    )


def _scores(log: Log, feature: str) -> list[float | None]:
    """The scores of a feature, None where the frame has none of its own."""
    column = log.columns.get(feature)
    if column is None:
        return [None] * len(log)
    if not (gaps := set(log.view.undefined_frames.get(feature, ()))):
        return column
    return [None if i in gaps else x for i, x in enumerate(column)]
