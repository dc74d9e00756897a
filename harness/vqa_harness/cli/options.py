"""The options that mean the same in every command that has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

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
Threads = Annotated[
    int, typer.Option("--threads", min=0, help="Threads for metrics; 0: one per processor.")
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
