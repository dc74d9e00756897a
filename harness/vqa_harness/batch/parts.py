"""Tables written in parts: Parquet where pyarrow is installed, JSON lines elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from vqa_harness.errors import UsageError, one_line

Kind = Literal["str", "int", "float", "bool"]
GROUP_ROWS = 50_000
"""Rows that are held in memory before they are written."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: its name.
        kind: of its values, any of which may be missing.
        unit: such as ``dB``; empty without one.
        source: where its values come from.
    """

    name: str
    kind: Kind
    unit: str = ""
    source: tuple[str, ...] = ()


class Parts(Protocol):
    """A table that grows; rows are written as they come."""

    rows: int

    def add_row(self, cells: Sequence[Any]) -> None:
        """Add a row: a value for each column."""

    def add_columns(self, count: int, columns: Sequence[Sequence[Any]]) -> None:
        """Add several rows at once: for each column its values."""


@contextmanager
def parts_of(
    folder: Path, columns: Sequence[Column], about: Mapping[str, Any], part_rows: int
) -> Iterator[Parts]:
    """Yield a table whose parts are written to a folder that is there and empty.

    Args:
        folder: for the parts.
        columns: of the table.
        about: what the schema says of all of it; JSON-compatible.
        part_rows: how many rows a part has at most, as groups of rows allow.

    Raises:
        OSError: a part cannot be written.
        UsageError: the same, where pyarrow does not say why.
    """
    if find_spec("pyarrow") is None:
        kind: type[_Parquet] | type[_JsonLines] = _JsonLines
    else:
        kind = _Parquet
    parts = kind(folder, columns, about, part_rows)
    try:
        yield parts
        parts.end()
    finally:
        parts.close()


class _Held:
    """Rows that wait until there are enough of them."""

    def __init__(
        self, folder: Path, columns: Sequence[Column], about: Mapping[str, Any], part_rows: int
    ) -> None:
        self.rows = 0
        self._folder, self._columns, self._about = folder, columns, about
        self._part_rows, self._group = part_rows, min(part_rows, GROUP_ROWS)
        self._held: list[list[Any]] = [[] for _ in columns]
        self._parts = self._in_part = 0

    def add_row(self, cells: Sequence[Any]) -> None:
        for held, cell in zip(self._held, cells, strict=True):
            held.append(cell)
        self._added(1)

    def add_columns(self, count: int, columns: Sequence[Sequence[Any]]) -> None:
        for held, values in zip(self._held, columns, strict=True):
            held.extend(values)
        self._added(count)

    def _added(self, count: int) -> None:
        self.rows += count
        if len(self._held[0]) >= self._group:
            self._flush()

    def _flush(self) -> None:
        count = len(self._held[0])
        if self._in_part and self._in_part + count > self._part_rows:
            self.close()
            self._parts, self._in_part = self._parts + 1, 0
        self._write(self._held)
        self._in_part += count
        self._held = [[] for _ in self._columns]

    def end(self) -> None:
        """Write what is held back; a table without rows has one part, too."""
        if self._held[0] or not self.rows:
            self._flush()

    def _path(self, ending: str) -> Path:
        return self._folder / f"part-{self._parts:05}.{ending}"

    def _write(self, columns: list[list[Any]]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End the part that is open, if there is one."""
        raise NotImplementedError


class _Parquet(_Held):
    _file: Any = None
    _schema: Any = None

    def _write(self, columns: list[list[Any]]) -> None:
        import pyarrow
        from pyarrow import parquet

        try:
            if self._file is None:
                self._schema = self._schema or self._make_schema()
                self._file = parquet.ParquetWriter(
                    self._path("parquet"), self._schema, compression="zstd"
                )
            self._file.write_table(pyarrow.table(columns, schema=self._schema))
        except pyarrow.ArrowException as error:
            raise UsageError(f"cannot write a table: {one_line(error)}") from None

    def _make_schema(self) -> Any:
        import pyarrow

        types = {
            "str": pyarrow.string(),
            "int": pyarrow.int64(),
            "float": pyarrow.float64(),
            "bool": pyarrow.bool_(),
        }
        fields = [
            pyarrow.field(c.name, types[c.kind], metadata={"unit": c.unit} if c.unit else None)
            for c in self._columns
        ]
        return pyarrow.schema(fields, metadata={"vqa_harness": json.dumps(self._about)})

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _JsonLines(_Held):
    _file: Any = None

    def _write(self, columns: list[list[Any]]) -> None:
        if self._file is None:
            self._file = self._path("jsonl").open("w", encoding="utf-8")
            if not self._parts:
                units = {c.name: {"kind": c.kind, "unit": c.unit} for c in self._columns}
                text = json.dumps({"columns": units, "vqa_harness": self._about}, indent=2)
                (self._folder / "schema.json").write_text(text + "\n", encoding="utf-8")
        names = [column.name for column in self._columns]
        for cells in zip(*columns, strict=True):
            row = dict(zip(names, cells, strict=True))
            self._file.write(json.dumps(row, separators=(",", ":")) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
