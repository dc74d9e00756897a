"""Renders a report as one HTML file that needs nothing else: no network, no other file.

Names of files and whatever else stands in logs are untrusted: jinja2 escapes them in markup, and
`embedded_json` in scripts; a content security policy forbids the page every request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa_harness import __version__
from vqa_harness.errors import MissingBackend
from vqa_harness.files import write_text
from vqa_harness.installation import pip_install
from vqa_harness.ladder.output import AGGREGATE_HEAD, aggregate_rows
from vqa_harness.report.data import ReportData, load
from vqa_harness.report.page import build
from vqa_harness.report.parts import SectionPage

if TYPE_CHECKING:
    from jinja2 import Environment

    from vqa_harness.report.thumbnails import Media


SCRIPTS = ("uplot/uPlot.iife.min.js", "common.js", "rate.js", "frames.js", "viewer.js")
STYLES = ("uplot/uPlot.min.css", "report.css")
_UNSAFE = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def embedded_json(value: Any) -> str:
    """The value as JSON for a script element: without ``</script>``, ``<!--`` or U+2028."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.translate(_UNSAFE)


def require_jinja() -> None:
    """Check, before long work, that pages can be made.

    Raises:
        MissingBackend: jinja2 is not installed.
    """
    try:
        import jinja2  # noqa: F401 - only whether it is there
    except ModuleNotFoundError:
        raise MissingBackend(f"reports need jinja2; {pip_install('vqa-harness[report]')}") from None


def render(
    report: ReportData,
    pages: Sequence[SectionPage],
    data: Mapping[str, Any],
    *,
    title: str,
    created: str,
    command: str = "",
) -> str:
    """The page as HTML.

    Args:
        report: everything that is shown.
        pages: the sections of the page.
        data: the data of the charts.
        title: the heading.
        created: when the page was made.
        command: the command line to show; empty for none.

    Raises:
        MissingBackend: jinja2 is not installed.
    """
    require_jinja()
    from markupsafe import Markup

    return (
        environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            created=created,
            command=command,
            version=__version__,
            report=report,
            pages=pages,
            aggregate_head=AGGREGATE_HEAD,
            aggregate_rows=aggregate_rows(report.ladder) if report.ladder else [],
            style=Markup("\n".join(map(asset, STYLES))),
            script=Markup("\n".join(map(asset, SCRIPTS))),
            data=Markup(embedded_json(data)),
        )
    )


def environment() -> Environment:
    """What makes pages from templates: everything that is put in is escaped.

    Raises:
        MissingBackend: jinja2 is not installed.
    """
    require_jinja()
    import jinja2

    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(asset),
    )


def asset(name: str) -> str:
    """The text of a template, style or script that comes with the package."""
    return (files("vqa_harness.report") / "assets" / name).read_text(encoding="utf-8")


def write_report(
    inputs: Sequence[Path],
    target: Path,
    media: Media | None = None,
    *,
    title: str | None = None,
    megabytes: float | None = None,
) -> Path:
    """Write a report to a file, which appears complete or not at all.

    Args:
        inputs: logs, or one ``ladder.json``.
        target: the HTML file; its folder must exist.
        media: where the videos are, for thumbnails; None for no thumbnails.
        title: the heading; None for the name of the source.
        megabytes: how much pictures at full size may take of the page; None for
            `vqa_harness.report.thumbnails.FULL_MEGABYTES`.

    Raises:
        InputError: a file cannot be read, or is neither a log nor a ladder.
        MissingBackend: jinja2 is not installed.
        UsageError: the page cannot be written.
    """
    from vqa_harness.report.thumbnails import FULL_MEGABYTES, add_figures

    require_jinja()
    report = load(inputs)
    pages, data = build(report)
    if media is not None:
        full = FULL_MEGABYTES if megabytes is None else megabytes
        add_figures(pages, report.sections, media, full)
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    heading = title or _title(report)
    write_text(target, render(report, pages, data, title=heading, created=created))
    return target


def _title(report: ReportData) -> str:
    names = [section.name for section in report.sections]
    return names[0] if len(names) == 1 else f"{len(names)} sources"
