"""The log formats, and writing a log safely to where the user wants it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vqa_harness.console import put_document
from vqa_harness.destinations import STDOUT
from vqa_harness.errors import MetricError, UsageError, VqaError, one_line, refuse_twice
from vqa_harness.files import make_folder, write_text
from vqa_harness.hookspecs import hookimpl
from vqa_harness.spec import WriterSpec

if TYPE_CHECKING:
    from vqa_harness.logs.log import Log

BUILTIN = (
    WriterSpec("json", (".json",), "vqa_harness.logs.vmaf_json:write_json"),
    WriterSpec("csv", (".csv",), "vqa_harness.logs.vmaf_csv:write_csv"),
    WriterSpec("xml", (".xml",), "vqa_harness.logs.vmaf_xml:write_xml"),
)


Target = Path | str
"""A path, or `STDOUT`."""


@hookimpl
def vqa_register_writers() -> Sequence[WriterSpec]:
    """The formats of libvmaf that have a place for all that a log holds."""
    return BUILTIN


def choose(
    format_name: str | None, target: Path | None, writers: Sequence[WriterSpec] = BUILTIN
) -> WriterSpec:
    """Choose a log format by its name, or without one by the target's ending.

    Args:
        format_name: the name of the format; None to go by the ending.
        target: the path of the log; without an ending, or if None, the format is ``json``.
        writers: the formats to choose from.

    Raises:
        UsageError: there is no such format, or none with this ending.
    """
    if not writers:
        raise UsageError(
            "no log format is there: VQA_HARNESS_ONLY or VQA_HARNESS_BLOCK leaves out the plugin"
            " that has them; add writers to VQA_HARNESS_ONLY"
        )
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
        raise UsageError(f"{target}: {suffix} is not a log format; choose one of {names}")
    return choose("json", None, writers)


def suffix_of(
    format_name: str | None, target: Path | None, writers: Sequence[WriterSpec] = BUILTIN
) -> str:
    """The usual file ending of the format that `choose` finds.

    Raises:
        UsageError: as `choose`.
    """
    return choose(format_name, target, writers).suffixes[0]


def write_log(
    log: Log,
    target: Path | str,
    format_name: str | None = None,
    writers: Sequence[WriterSpec] | None = None,
) -> None:
    """Write a log to a file, or to standard output for ``-``.

    A file appears complete or not at all: it is written beside the target under a temporary name,
    which does not end in a log's suffix, and then takes the target's place. The folder must exist.

    Args:
        log: the log to write.
        target: a path, or ``"-"``.
        format_name: the name of a format; None for the one of the target's ending, or ``json`` if
            it has none.
        writers: the formats to choose from; None for ours and those of installed plugins.

    Raises:
        UsageError: an unknown format, or the target cannot be written.
        MetricError: the plugin that writes this format failed.
    """
    path = None if str(target) == STDOUT else Path(target)
    writer = _choose(format_name, path, writers)
    text = _text(log, writer)
    if path is None:
        put_document(text, json=".json" in writer.suffixes)
    else:
        write_text(path, text)


def _choose(
    format_name: str | None, path: Path | None, writers: Sequence[WriterSpec] | None
) -> WriterSpec:
    """Choose as `choose` does; without ``writers``, plugins are asked only if ours do not fit."""
    from vqa_harness.registry import Registry

    if writers is not None:
        return choose(format_name, path, writers)
    try:
        return choose(format_name, path)
    except UsageError:
        return choose(format_name, path, Registry.installed().writers())


def _text(log: Log, writer: WriterSpec) -> str:
    """The whole text, so that nothing is left half written if the plugin fails.

    Raises:
        MetricError: the plugin raises, or writes what no file can hold.
    """
    write, buffer = writer.load(), io.StringIO()
    try:
        write(log, buffer)
        text = buffer.getvalue()
        text.encode("utf-8")
    except VqaError:
        raise
    except Exception as error:
        raise MetricError(
            f"log format {writer.name!r} failed: {type(error).__name__}: {one_line(error)}"
        ) from error
    return text


def log_targets(
    inputs: list[Path],
    output: str | None,
    log_format: str | None,
    writers: Sequence[WriterSpec],
) -> dict[Path, Target]:
    """The target of each input's log; empty where none is written. Folders are made.

    Two inputs of one stem get numbered names.

    Args:
        inputs: the videos.
        output: a file, a folder for several inputs, or ``-``; None for no logs.
        log_format: the name of a format; None to go by the ending of ``output``.
        writers: the formats to choose from.

    Raises:
        UsageError: several inputs and one file, an unknown format, or a folder that cannot be made.
    """
    if output is None:
        suffix_of(log_format, None, writers)
        return {}
    refuse_twice("input", inputs)
    target = Path(output)
    folder = output.endswith(("/", "\\")) or target.is_dir()
    if len(inputs) == 1 and not folder:
        suffix_of(log_format, None if output == STDOUT else target, writers)
        if output != STDOUT:
            make_folder(target.parent)
        return {inputs[0]: STDOUT if output == STDOUT else target}
    if output == STDOUT or (target.suffix and not folder) or target.is_file():
        raise UsageError(
            f"-o {output}: {len(inputs)} inputs need a folder; write -o {target.stem}/"
        )
    make_folder(target)
    return _in_folder(inputs, target, suffix_of(log_format, None, writers))


def _in_folder(inputs: list[Path], folder: Path, suffix: str) -> dict[Path, Target]:
    targets: dict[Path, Target] = {}
    for path in inputs:
        name, number = path.stem, 1
        while folder / f"{name}{suffix}" in targets.values():
            number += 1
            name = f"{path.stem}-{number}"
        targets[path] = folder / f"{name}{suffix}"
    return targets
