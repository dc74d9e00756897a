"""The options that mean the same in every command that has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from vqa_harness import interruption, memory
from vqa_harness.console import put_document
from vqa_harness.destinations import STDOUT
from vqa_harness.errors import UsageError
from vqa_harness.files import write_text


def _json_target(value: str | None) -> str | None:
    """Refuse what names no JSON file: after ``--json`` it may have been meant as an input."""
    if value is not None and value != STDOUT and Path(value).suffix.lower() != ".json":
        raise UsageError(
            f"--json {value}: names no .json file; write --json FILE.json, or --json - for "
            "standard output"
        )
    return value


Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        "-m",
        help="Metrics, each NAME or NAME:param=value,... ; separate them by commas, or repeat it.",
    ),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write the result as JSON; - for standard output, instead of tables.",
        callback=_json_target,
    ),
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", min=1, max=256, help="How many files are processed at once.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="ADDRESS", help="Dask scheduler to use, such as tcp://host:8786."
    ),
]
SchedulerFile = Annotated[
    Path | None,
    typer.Option("--scheduler-file", metavar="FILE", help="What a Dask scheduler wrote."),
]
Threads = Annotated[
    int, typer.Option("--threads", min=0, help="Threads for metrics; 0: one per processor.")
]


def _deadline(context: typer.Context, seconds: float | None) -> None:
    """Let the whole command end after a time."""
    if seconds is not None:
        text = f"took longer than the {seconds:g} seconds of --timeout; raise it"
        context.with_resource(interruption.deadline(seconds, f"vqa-harness: error: {text}"))


def _memory(size: str | None) -> None:
    """Hold the process to a size of memory: that of the option, or of the environment."""
    if size is not None:
        memory.bound(memory.parse(size))
    else:
        memory.take_bound()


Deadline = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        min=0.001,
        metavar="SECONDS",
        help="End with exit code 3 what takes longer than this.",
        callback=_deadline,
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        help="Memory to take at most, such as 2G; more ends with exit code 3. Default: the "
        "variable VQA_HARNESS_MEMORY, or pictures of 1 GiB.",
        callback=_memory,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        metavar="SECONDS",
        help="Give up a case, a rung or a file that takes longer than this.",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress, only what needs attention.")
]
FullSize = Annotated[
    float | None,
    typer.Option(
        "--full-size",
        min=0,
        max=1000,
        metavar="MB",
        help="Megabytes of the page for the worst frames at full size; default: 6, 0 for thumbnails"
        " only.",
    ),
]
Schema = Annotated[
    bool, typer.Option("--schema", help="Print the JSON Schema of the configuration.")
]


def put_json(target: str, document: Any) -> None:
    """Write a document to a file, which appears complete or not at all, or to standard output.

    Args:
        target: path of a ``.json`` file, or ``-``.
        document: what `json` can write; no NaN and no infinity.

    Raises:
        UsageError: the file cannot be written.
    """
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    put_text(target, text, is_json=True)


def put_text(target: str, text: str, *, is_json: bool = False) -> None:
    """Write text to a file, which appears complete or not at all, or to standard output.

    Args:
        target: path of the file, or ``-``.
        text: what to write.
        is_json: whether the text is JSON.

    Raises:
        UsageError: the file cannot be written.
    """
    if target == STDOUT:
        put_document(text, json=is_json)
    else:
        write_text(Path(target), text)
