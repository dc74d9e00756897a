"""Tables of opinion scores: which rows can be used, and what is wrong with the others."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vqa_harness.bench.bad_rows import NO_NAME, BadRow, already_in, read_opinion
from vqa_harness.errors import UsageError

MAX_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class TableForm:
    """How a table is read.

    Attributes:
        file_column: Header of the column with file names.
        score_column: Header of the column with mean opinion scores.
        scale: Worst and best score of the scale.
        root: Folder that file names start from; None for the table's own.
        suffix: Text added to every file name, such as ``.mp4``.
        group_column: Header of the column that tells contents apart; empty for none.
    """

    file_column: str = "file"
    score_column: str = "score"
    scale: tuple[float, float] = (1.0, 5.0)
    root: Path | None = None
    suffix: str = ""
    group_column: str = ""

    def __post_init__(self) -> None:
        """Check the scale.

        Raises:
            UsageError: The scale does not rise, or is not finite.
        """
        low, high = self.scale
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise UsageError(f"--scale {low:g} {high:g}: needs the worst and the best score")


@dataclass(frozen=True, slots=True)
class OpinionRow:
    """One row of a table: a file and what people think of it.

    Attributes:
        name: Name of the file as in the table.
        path: Where the file is.
        score: Mean opinion score on the table's scale, higher is better.
        group: Name of the file's content; empty where the table does not say.
        line: Line of the table, from 1.
    """

    name: str
    path: Path
    score: float
    group: str
    line: int


def read_table(path: Path, form: TableForm) -> tuple[list[OpinionRow], list[BadRow]]:
    """Read a CSV table with a header.

    Args:
        path: The table.
        form: How to read it.

    Returns:
        Rows whose file exists and whose score is on the scale, and the other rows. If a file is
        listed twice, its first row counts.

    Raises:
        UsageError: The table cannot be read, or lacks a column.
    """
    good: dict[Path, OpinionRow] = {}
    bad: list[BadRow] = []
    root = path.parent if form.root is None else form.root
    for line, row in _rows(path, form):
        name = (row.get(form.file_column) or "").strip()
        try:
            opinion = _opinion(line, name, row, root, form)
            if opinion.path in good:
                raise ValueError(already_in(good[opinion.path].line))
            good[opinion.path] = opinion
        except ValueError as error:
            bad.append(BadRow(path.name, line, name, str(error)))
    return list(good.values()), bad


def _rows(path: Path, form: TableForm) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            _check_header(path, reader.fieldnames or (), form)
            for row in islice(reader, MAX_ROWS):
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path.name}: cannot be read as a CSV table ({error})") from None


def _check_header(path: Path, header: object, form: TableForm) -> None:
    names = list(header) if isinstance(header, list | tuple) else []
    for flag, column in (
        ("--file-column", form.file_column),
        ("--score-column", form.score_column),
        ("--split-by", form.group_column),
    ):
        if column and column not in names:
            header_text = ", ".join(names)[:120] or "it is empty"
            raise UsageError(
                f"{path.name}: no column {column!r} ({header_text}); name it with {flag}"
            )


def _opinion(
    line: int, name: str, row: Mapping[str, str | None], root: Path, form: TableForm
) -> OpinionRow:
    """Interpret a row.

    Raises:
        ValueError: The row cannot be used; the message says why.
    """
    if not name:
        raise ValueError(NO_NAME)
    score = read_opinion(row.get(form.score_column) or "")
    low, high = form.scale
    if not low <= score <= high:
        raise ValueError(f"score {score:g} is outside the scale {low:g} to {high:g}")
    path = root / (name + form.suffix)
    if not path.is_file():
        raise ValueError("no such file")
    group = (row.get(form.group_column) or "").strip() if form.group_column else ""
    return OpinionRow(name, path.resolve(), score, group, line)
