"""The command line: sub-commands, and the one place where errors become a line and an exit code.

Exit codes: 0 pass, 1 gate failed, 2 usage or configuration, 3 input or decoding, 4 alignment,
5 metric or plugin, 6 missing back-end or model, 7 partial results, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import re
import warnings
from typing import Annotated, Any

import typer
from typer.exceptions import Abort, TyperException

from vqa_harness import __version__, console, interruption, memory, system
from vqa_harness.errors import InputError, MetricError, UsageError, VqaError, one_line
from vqa_harness.registry import PluginWarning, Registry

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""
_SHOWN = 200
"""Characters of a path that are shown where it may be the path that is wrong."""


COMMANDS = {
    "run": "run",
    "align": "align",
    "qc": "qc",
    "gate": "gate",
    "compare": "compare",
    "batch": "batch",
    "bench": "bench",
    "ladder": "ladder",
    "report": "report",
    "view": "view",
    "metrics": "metrics",
    "plugins": "metrics",
    "warmup": "warmup",
}
"""Our sub-commands by name, and the module of each."""


def build_app(registry: Registry, only: str = "") -> typer.Typer:
    """The application with its sub-commands.

    Args:
        registry: knows the plugins, whose sub-commands are added.
        only: build no other sub-command than this one, which starts faster. If it is not one of
            `COMMANDS`, all are built.
    """
    app = typer.Typer(
        name="vqa-harness",
        help="Score video quality: many metrics in one decoding pass, VMAF-compatible logs.",
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_top)
    for name in [only] if only in COMMANDS else COMMANDS:
        module = importlib.import_module(f"vqa_harness.cli.{COMMANDS[name]}")
        app.command(name)(getattr(module, f"{name}_command"))
    if only not in COMMANDS:
        for _ in registry.call("vqa_add_commands", app=app):
            pass
    return app


def keep_brackets(command: Any) -> None:
    """Let help texts say ``[tool.vqa-harness]``: rich would take that for markup and drop it."""
    for param in command.params:
        if getattr(param, "help", None):
            param.help = _escaped(param.help)
    command.help = _escaped(command.help) if command.help else command.help
    for sub in getattr(command, "commands", {}).values():
        keep_brackets(sub)


def _escaped(text: str) -> str:
    lines = (console.clean(line) for line in text.split("\n"))
    return re.sub(r"\\*\[(?=[a-z#/@])", r"\\[", "\n".join(lines))


def _print_version(asked: bool) -> None:
    if asked:
        console.show(f"vqa-harness {__version__}")
        raise typer.Exit


def _top(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Take the options that need no sub-command."""


def run_cli(arguments: list[str]) -> int:
    """Run one command line and return its exit code; no exception leaves.

    ``VQA_HARNESS_DEBUG=1`` lets unexpected exceptions through with their traceback.
    """
    code = _run(arguments)
    try:
        console.finish_output()
    except VqaError as error:
        console.fail(one_line(error))
        return code or error.exit_code
    return code


def _run(arguments: list[str]) -> int:
    warnings.showwarning = _show_warning
    warnings.simplefilter("always", PluginWarning)
    try:
        registry = Registry.installed()
        words = arguments or ["--help"]
        command = typer.main.get_command(build_app(registry, only=words[0]))
        keep_brackets(command)
        with interruption.watched():
            code = command.main(words, prog_name="vqa-harness", standalone_mode=False, obj=registry)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, Abort):
        console.interrupted(interruption.text())
        return interruption.exit_code()
    except VqaError as error:
        return _fail(one_line(error), error.exit_code)
    except TyperException as error:
        message = " ".join(error.format_message().split())
        return _fail(message, UsageError.exit_code) if message else UsageError.exit_code
    except MemoryError as error:
        return _fail(str(memory.short(error)), InputError.exit_code)
    except Exception as error:
        return _unforeseen(error)


def _unforeseen(error: Exception) -> int:
    """Say what no other place foresaw, and return the exit code.

    Raises:
        Exception: it is to be seen with its traceback.
    """
    if system.reader_has_left(error):
        return 0
    if short := system.what_is_short(error):
        return _fail(short, InputError.exit_code)
    if system.place_is_full(error):
        why = getattr(error, "strerror", error)
        return _fail(f"cannot write: {why}; make room or name another place", UsageError.exit_code)
    if os.environ.get("VQA_HARNESS_DEBUG"):
        raise error
    if isinstance(error, OSError) and error.filename is not None:
        name = str(error.filename)
        shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
        return _fail(f"{shown}: {error.strerror}; check the path", InputError.exit_code)
    text = f"unexpected {type(error).__name__}: {one_line(error)} (VQA_HARNESS_DEBUG=1 shows where)"
    return _fail(text, MetricError.exit_code)


def _fail(text: str, code: int) -> int:
    console.fail(text)
    return code


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if issubclass(category, PluginWarning) or os.environ.get("VQA_HARNESS_DEBUG"):
        console.warn(str(message))
