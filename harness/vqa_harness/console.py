"""All that is written to standard output and standard error; no other file writes there.

What is shown to people is cleaned here, wherever it comes from: nothing in a file name, a log, a
configuration or a plugin's message is obeyed by a terminal or taken for a command by a runner of CI
jobs. Where standard output is no terminal a table becomes tab-separated lines with a header, so
that it can be piped.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vqa_harness import system
from vqa_harness.errors import UsageError

if TYPE_CHECKING:
    import rich.progress

_REPLACED = "\N{REPLACEMENT CHARACTER}"
"""Stands for what a terminal or a runner would obey."""
_HASHES = re.compile(r"##(?=\w*\[)")
"""The start of ``##[...]`` and ``##vso[...]``: GitHub, Azure and TeamCity find it inside a line."""
_COLONS = re.compile(r"^(\s*):(?=:)")
"""The start of ``::...``, which GitHub takes for a command at the start of a line."""
_SUSPECT = re.compile(r"[^\n -~]|##\w*\[|^ *::", re.MULTILINE)
"""Finds any text that cleaning may change."""
_UNSEEN = re.compile(r"[^\n\r\t -~]")
_lost: list[OSError] = []
"""Why standard output took no more, until `finish_output` has told it."""

_MARKUP = str.maketrans(
    {**{c: f"\\{c}" for c in r"\`*_{}[]#|~"}, "<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"}
)

Progress = Callable[[int, int | None], None]
"""Called with frames done, and frames expected (None if unknown)."""


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Write rows below a header: boxed on a terminal, tab-separated elsewhere."""
    if not sys.stdout.isatty():
        show(*("\t".join(printable(cell) for cell in row) for row in (columns, *rows)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(clean(title)) if title else None, title_justify="left")
    for column in columns:
        numeric = rows and all(_is_number(row[columns.index(column)]) for row in rows)
        table.add_column(Text(clean(column)), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    with _standard_output():
        Console().print(table)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text == "-"
    return True


def show(*lines: str) -> None:
    """Write lines for people to standard output, each cleaned; tabs stay."""
    with _standard_output():
        sys.stdout.writelines(f"{_clean_line(line)}\n" for line in lines)


def put_document(text: str, *, json: bool = False) -> None:
    """Write a document for programs to standard output, such as a log.

    Args:
        text: the document, of one line or several.
        json: whether it is JSON. Then what could be obeyed is written as an escape, and means the
            same; in other documents it is replaced.
    """
    if _SUSPECT.search(text):
        text = _escaped(text) if json else "\n".join(map(_clean_line, text.split("\n")))
    with _standard_output():
        sys.stdout.write(text)


def put_commands(lines: Sequence[str], *, aside: bool = False) -> None:
    """Write lines that a runner of CI jobs is to obey; who made them has escaped their data.

    Args:
        lines: the commands.
        aside: write to standard error, because a document goes to standard output.
    """
    text = "".join(f"{_HASHES.sub(_REPLACED + '#', line)}\n" for line in lines)
    if aside:
        _tell(text)
        return
    with _standard_output():
        sys.stdout.write(text)
        sys.stdout.flush()


def flush() -> None:
    """Show at once what was written, for lines that appear while work goes on."""
    with _standard_output():
        sys.stdout.flush()


def finish_output() -> None:
    """Write what standard output still holds back, when a command has ended.

    Raises:
        UsageError: not all could be written, since the command began. That whoever read it has
            gone is no error.
    """
    flush()
    if _lost:
        why = _lost[0].strerror or _lost[0]
        _lost.clear()
        raise UsageError(f"cannot write to standard output: {why}; what it should show is lost")


@contextmanager
def _standard_output() -> Iterator[None]:
    """Go on where standard output takes no more: files are still written, `finish_output` tells."""
    try:
        yield
    except OSError as error:
        if not system.reader_has_left(error):
            _lost.append(error)
        system.discard(sys.stdout)


def _tell(text: str) -> None:
    """Write to standard error; where that is not possible, nobody can be told."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        system.discard(sys.stderr)


def clean(text: str) -> str:
    """The text as one line that neither a terminal nor a runner of CI jobs obeys.

    Control characters, escapes, marks that turn the direction of text and lone surrogates are
    replaced, and so are the first character of ``::`` at the start and of ``##[``.
    """
    return _HASHES.sub(_REPLACED + "#", _COLONS.sub(r"\1" + _REPLACED, printable(text)))


def printable(text: str) -> str:
    """The text without characters that cannot be seen, which a file name may hold."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _REPLACED for c in text)


def _clean_line(line: str) -> str:
    """One line of a text that may have tabs, and ends with a carriage return where that is so."""
    end = "\r" if line.endswith("\r") else ""
    seen = "\t".join(printable(part) for part in line.removesuffix("\r").split("\t"))
    return _HASHES.sub(_REPLACED + "#", _COLONS.sub(r"\1" + _REPLACED, seen)) + end


def _escaped(text: str) -> str:
    """JSON that means the same, in ASCII and without the start of a command."""
    import json

    ascii_only = _UNSEEN.sub(lambda found: json.dumps(found.group())[1:-1], text)
    return _HASHES.sub(r"\\u0023#", ascii_only)


def markdown(text: str) -> str:
    """One line of text that Markdown and HTML show as it is: a file name may hold either."""
    return printable(" ".join(text.split())).translate(_MARKUP)


def markdown_row(cells: Sequence[str]) -> str:
    """One line of a Markdown table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table that shows the text of its cells as it is."""
    shown = [markdown_row([markdown(cell) for cell in row]) for row in (columns, *rows)]
    return [shown[0], markdown_row(["---"] * len(columns)), *shown[1:]]


def warn(text: str) -> None:
    """Write a warning on standard error, as one line."""
    _tell(f"vqa-harness: warning: {clean(text)}\n")


def note(text: str) -> None:
    """Write a line on standard error, about what takes long or may surprise."""
    _tell(f"vqa-harness: {clean(text)}\n")


def fail(text: str) -> None:
    """Write on standard error why a command ends, as one line."""
    _tell(f"vqa-harness: error: {clean(text)}\n")


def interrupted(text: str = "interrupted") -> None:
    """Say on standard error, below whatever stands there, that the user ended the command."""
    _tell(f"\n{clean(text)}\n")


@contextmanager
def _bar(*columns: str, quiet: bool = False) -> Iterator[rich.progress.Progress | None]:
    """A bar on standard error that goes away at its end; None where that is no terminal.

    Args:
        columns: ``bar``, ``count`` ("3/10"), ``left`` (the time), or the template of a text. A text
            may hold anything, as file names do, so it is shown without Rich's markup.
        quiet: show none in any case.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    kinds: dict[str, type[progress.ProgressColumn]] = {
        "bar": progress.BarColumn,
        "count": progress.MofNCompleteColumn,
        "left": progress.TimeRemainingColumn,
    }
    shown = [
        kinds[column]() if column in kinds else progress.TextColumn(column, markup=False)
        for column in columns
    ]
    with progress.Progress(*shown, console=Console(stderr=True), transient=True) as bar:
        yield bar


@contextmanager
def progress_bar(label: str, *, quiet: bool = False) -> Iterator[Progress | None]:
    """A bar with frames per second and the time left; None where standard error is no terminal."""
    frames = "{task.completed:.0f}/{task.fields[expected]} frames"
    columns = ("{task.description}", "bar", frames, "{task.fields[fps]:.0f} fps", "left")
    with _bar(*columns, quiet=quiet) as bar:
        if bar is None:
            yield None
            return
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
    """Yield a function to call after every file; silent where standard error is no terminal."""
    with _bar("{task.description}", "bar", "count", "files", "left", quiet=quiet) as bar:
        if bar is None:
            yield lambda: None
            return
        task = bar.add_task(clean(label), total=total)
        yield lambda: bar.advance(task)


@contextmanager
def stage_bar() -> Iterator[Callable[[str, int, int, str], None]]:
    """A bar on standard error for one stage after another; none where that is no terminal.

    It yields a function that takes the name of the stage, how much is done, how much there is to
    do, and a note.
    """
    with _bar("{task.description}", "bar", "count", "left", "{task.fields[note]}") as bar:
        if bar is None:
            yield lambda *_: None
            return
        task = bar.add_task("", total=None, note="")
        shown = ""

        def advance(stage: str, done: int, total: int, note: str) -> None:
            nonlocal shown
            if stage != shown:
                shown = stage
                bar.reset(task, description=clean(stage), total=total, note=clean(note))
            bar.update(task, completed=done, total=total, note=clean(note))

        yield advance


@contextmanager
def live_table(*, quiet: bool = False) -> Iterator[Callable[[list[tuple[str, str]]], None] | None]:
    """Yield a function that shows names and texts on standard error, in place of those before.

    None where that is no terminal. Any text may be shown: it is cleaned, and cut where it is long.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    def show(lines: list[tuple[str, str]]) -> None:
        table = Table(show_header=False, box=None, padding=(0, 1), expand=True)
        table.add_column(justify="right", style="bold", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for name, text in lines:
            table.add_row(Text(clean(name)), Text(clean(text)))
        live.update(table, refresh=True)

    screen = Console(stderr=True)
    with Live(console=screen, transient=True, auto_refresh=False, redirect_stdout=False) as live:
        yield show


def command_line(arguments: Sequence[str] | None = None) -> str:
    """The command as it was typed, for the record, with folders left out.

    Args:
        arguments: the words after the program's name; None for those of this process.
    """
    words = sys.argv[1:] if arguments is None else arguments
    return shlex.join(["vqa-harness", *map(_without_folders, words)])


def _without_folders(word: str) -> str:
    """An argument with the last part of every path; in ``NAME:param=value`` values may be paths.

    ``open_clip:ARCHITECTURE/TAG`` names weights of the package open_clip, and stays; where a path
    stands for TAG, its last part does.
    """
    if word.startswith("open_clip:"):
        architecture, slash, weights = word.partition("/")
        return f"{architecture}{slash}{_last_part(weights)}"
    if option := re.match(r"--[a-z-]+=", word):
        return option[0] + _without_folders(word[option.end() :])
    if re.match(r"(\w+,)*\w+:\w+=", word):
        pairs = (part.partition("=") for part in word.split(","))
        return ",".join(
            f"{_last_part(name)}{equals}{'+'.join(map(_last_part, value.split('+')))}"
            for name, equals, value in pairs
        )
    return _last_part(word)


def _last_part(word: str) -> str:
    """The part of a path after the last slash that has something behind it."""
    return re.split(r"[\\/]", word.rstrip("\\/"))[-1] or word
