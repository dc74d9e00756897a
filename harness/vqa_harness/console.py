"""What people see: tables on standard output, progress and warnings on standard error.

Where standard output is no terminal a table becomes tab-separated lines with a header, so that it
can be piped.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass  # RFX


Progress = Callable[[int, int | None], None]
"""Called with frames done, and frames expected (None if unknown)."""


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Write rows below a header: boxed on a terminal, tab-separated elsewhere."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            sys.stdout.write("\t".join(clean(cell) for cell in row) + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title) if title else None, title_justify="left")
    for column in columns:
        numeric = rows and all(_is_number(row[columns.index(column)]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    Console().print(table)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text == "-"
    return True


def clean(text: str) -> str:
    """The text without control characters, which a file name may hold."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def warn(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"vqa-harness: warning: {clean(text)}\n")


def note(text: str) -> None:
    """One line on standard error, for what takes long or may surprise."""
    sys.stderr.write(f"vqa-harness: {clean(text)}\n")


@contextmanager
def progress_bar(label: str, *, quiet: bool = False) -> Iterator[Progress | None]:
    """A bar with frames per second and the time left; None where standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.fields[expected]} frames"),
        TextColumn("{task.fields[fps]:.0f} fps"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(clean(label), total=None, expected="?", fps=0.0)

        def advance(done: int, expected: int | None) -> None:
            if done % 8 == 0 or done == expected:
                elapsed = bar.tasks[0].elapsed or 1e-9
                shown = "?" if expected is None else str(expected)
                rate = done / elapsed
                bar.update(task, completed=done, total=expected, expected=shown, fps=rate)

        yield advance


@contextmanager
def files_bar(label: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[], None]]:
    """Yield what is to be called after every file; silent where standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(clean(label), total=total)
        yield lambda: bar.advance(task)


def command_line() -> str:
    """What was typed, with folders left out."""
    words = [Path(word).name if "/" in word or "\\" in word else word for word in sys.argv[1:]]
    return shlex.join(["vqa-harness", *words])


@contextmanager
def stage_bar() -> Iterator[Callable[[str, int, int, str], None]]:
    """A bar on standard error for one stage after another; none where that is no terminal.

    What is given is called with the name of the stage, what is done, what there is to do, and a
    note.
    """
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None, note="")
        shown = ""

        def advance(stage: str, done: int, total: int, note: str) -> None:
            nonlocal shown
            if stage != shown:
                shown = stage
                bars.reset(task, description=stage, total=total, note=note)
            bars.update(task, completed=done, total=total, note=note)

        yield advance
