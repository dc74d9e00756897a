"""The log formats, and writing a log safely to where the user wants it."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from vqa_harness.atomic_file import write_text
from vqa_harness.errors import UsageError
from vqa_harness.hookspecs import hookimpl

if TYPE_CHECKING:
    from vqa_harness.log import Log

STDOUT = "-"
"""Target that stands for standard output."""


@dataclass(frozen=True, slots=True)
class WriterSpec:
    """A log format; the function behind it is imported when a log is written.

    Attributes:
        name: what ``--format`` takes; lower-case letters, digits and ``_``.
        suffixes: file endings that choose this format, such as ``.json``; the first is the usual.
        factory: ``"package.module:function"``, called as ``function(log, file)`` with a `Log` and a
            text file open for writing.
    """

    name: str
    suffixes: tuple[str, ...]
    factory: str

    def load(self) -> Callable[[Log, TextIO], None]:
        """The function that writes.

        Raises:
            UsageError: it cannot be imported.
        """
        module, _, name = self.factory.partition(":")
        try:
            found: Any = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise UsageError(f"log format {self.name!r}: cannot load it: {error}") from None
        return found  # type: ignore[no-any-return]


BUILTIN = (
    WriterSpec("json", (".json",), "vqa_harness.vmaf_json:write_json"),
    WriterSpec("csv", (".csv",), "vqa_harness.vmaf_tables:write_csv"),
    WriterSpec("xml", (".xml",), "vqa_harness.vmaf_tables:write_xml"),
)


@hookimpl
def vqa_register_writers() -> Sequence[WriterSpec]:
    """The formats libvmaf writes that keep what they are given."""
    return BUILTIN


def choose(
    format_name: str | None, target: Path | None, writers: Sequence[WriterSpec] = BUILTIN
) -> WriterSpec:
    """The format of that name; without one, by the target's ending, ``json`` if it has none.

    Raises:
        UsageError: no such format, or an ending that tells none.
    """
    names = ", ".join(writer.name for writer in writers)
    if format_name is not None:
        for writer in writers:
            if writer.name == format_name:
                return writer
        raise UsageError(f"log format {format_name!r}: choose one of {names}")
    suffix = target.suffix.lower() if target is not None else ""
    for writer in writers:
        if suffix in writer.suffixes:
            return writer
    if suffix:
        raise UsageError(f"{target}: {suffix} is no log format; choose one of {names}")
    return choose("json", None, writers)


def suffix_of(
    format_name: str | None, target: Path | None, writers: Sequence[WriterSpec] = BUILTIN
) -> str:
    """The usual file ending of what `choose` finds.

    Raises:
        UsageError: as `choose`.
    """
    return choose(format_name, target, writers).suffixes[0]


def write_log(
    log: Log,
    target: Path | str,
    format_name: str | None = None,
    writers: Sequence[WriterSpec] = BUILTIN,
) -> None:
    """Write a log to a file, or to standard output for ``-``.

    A file appears complete or not at all: it is written beside the target under a temporary name,
    which does not end in a log's suffix, and then takes the target's place. The folder must exist.

    Args:
        log: what to write.
        target: path, or ``"-"``.
        format_name: name of a format; None for `choose` to decide.
        writers: formats to choose from.

    Raises:
        UsageError: an unknown format, or the target cannot be written.
    """
    to_stdout = str(target) == STDOUT
    path = Path(target)
    write = choose(format_name, None if to_stdout else path, writers).load()
    if to_stdout:
        write(log, sys.stdout)
        return
    buffer = io.StringIO()
    write(log, buffer)
    write_text(path, buffer.getvalue())
