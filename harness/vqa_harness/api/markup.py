"""Shows a result to people: lines for a console, a table for a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from vqa_harness.console import clean
from vqa_harness.logs.features import features_of
from vqa_harness.stats.pooling import POOLS

if TYPE_CHECKING:
    from vqa_harness.api.result import Result

LISTED = 20
"""Most features that are shown."""


def result_text(result: Result) -> str:
    """A result as text: a table of pooled scores, then a line for each warning and error."""
    if result.error is not None:
        return clean(f"{result.name}: {result.error}")
    rows = [("", *POOLS), *_rows(result)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(POOLS) + 1)]
    lines = [result.title]
    for first, *cells in rows:
        numbers = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *numbers]))
    return "\n".join(clean(line) for line in [*lines, *_remarks(result)])


def result_html(result: Result) -> str:
    """A result as HTML; every text is escaped, because file names may hold anything."""
    if result.error is not None:
        return f"<p><b>{escape(result.name)}</b>: {escape(str(result.error))}</p>"
    head = "".join(f"<th>{name}</th>" for name in ("feature", *POOLS))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in _rows(result)
    )
    remarks = "".join(f"<li>{escape(text)}</li>" for text in _remarks(result))
    return (
        f"<table><caption>{escape(result.title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>" + (f"<ul>{remarks}</ul>" if remarks else "")
    )


def _rows(result: Result) -> list[tuple[str, ...]]:
    """The rows of features that have a direction, or of all where none has; at most `LISTED`."""
    directed = features_of(result.log)
    shown = [name for name in result if name in directed] or list(result)
    rows = [
        (name, *(_number(result.pooled[name].get(how)) for how in POOLS))
        for name in shown[-LISTED:]
    ]
    more = len(result) - len(rows)
    return [*rows, (f"({more} more)", *[""] * len(POOLS))] if more else rows


def _remarks(result: Result) -> list[str]:
    errors = [f"error: {label}: {text}" for label, text in result.errors.items()]
    return errors + [f"warning: {text}" for text in result.warnings]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
