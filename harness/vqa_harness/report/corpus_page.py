"""Writes the page of a corpus: one HTML file, and on request one of each of the worst videos."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vqa_harness import __version__
from vqa_harness.batch.store import Store
from vqa_harness.console import clean
from vqa_harness.errors import InputError, one_line
from vqa_harness.files import make_folder, write_text
from vqa_harness.report.corpus import CorpusData, FeatureFacts, load_corpus, quartiles
from vqa_harness.report.corpus_charts import histogram, scatter
from vqa_harness.report.parts import DIRECTIONS, FactCard, PageTable
from vqa_harness.report.write import asset, environment, write_report

if TYPE_CHECKING:
    from vqa_harness.report.thumbnails import Media


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with what stands above it.

    Attributes:
        title: what is shown.
        text: behind the title, in a quieter colour.
        svg: the chart.
    """

    title: str
    text: str
    svg: str


@dataclass(frozen=True, slots=True)
class WorstFile:
    """A row of the table of worst files.

    Attributes:
        file: as the manifest names it.
        value: with its unit.
        frames: that were scored.
        log: where its log lies in the folder.
        link: to that page where it was made; empty elsewhere.
    """

    file: str
    value: str
    frames: str
    log: str
    link: str


def write_corpus(
    folder: Path,
    target: Path,
    *,
    single: int = 0,
    media: Media | None = None,
    title: str | None = None,
) -> list[str]:
    """Write the page of a batch's folder.

    Args:
        folder: of the batch.
        target: the HTML file.
        single: of how many of the worst videos by the first feature pages of their own are made, in
            a folder beside the page.
        media: where videos are, for thumbnails of these.
        title: the heading; None for the folder's name.

    Returns:
        A line for each page that could not be made.

    Raises:
        InputError: the folder is not of a batch, or a row cannot be read.
        MissingBackend: jinja2 is not installed.
        UsageError: the page cannot be written.
    """
    corpus = load_corpus(folder, single)
    made, missing = _singles(corpus, folder, target, single, media)
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = (
        environment()
        .get_template("corpus.html.j2")
        .render(
            title=title or clean(corpus.name),
            created=created,
            version=__version__,
            corpus=corpus,
            folder=clean(shlex.quote(folder.as_posix())),
            cards=_cards(corpus),
            charts=_charts(corpus),
            pooled=_pooled(corpus),
            failures=_failures(corpus),
            worst=[(one, _worst(one, folder, made)) for one in corpus.features if one.worst],
            style="\n".join(map(asset, ("report.css", "corpus.css"))),
            script=asset("theme.js"),
        )
    )
    write_text(target, page)
    return missing


def _singles(
    corpus: CorpusData, folder: Path, target: Path, count: int, media: Media | None
) -> tuple[dict[str, str], list[str]]:
    """Make pages of the worst videos: key of the log to the link, and what could not be made."""
    made: dict[str, str] = {}
    missing: list[str] = []
    worst = next((one.worst for one in corpus.features if one.worst), [])[:count]
    pages = target.with_name(f"{target.stem}-files")
    if worst:
        make_folder(pages)
    for one in worst:
        try:
            path = pages / f"{one.log}.html"
            log = Store(folder).log_path(one.log)
            write_report([log], path, media, title=clean(one.file))
        except InputError as error:
            missing.append(f"{one.file}: {one_line(error)}")
        else:
            made[one.log] = f"{pages.name}/{path.name}"
    return made, missing


def _cards(corpus: CorpusData) -> list[FactCard]:
    cards = [
        FactCard("scored", f"{corpus.done:,}", f"cases, {corpus.frames:,} frames"),
        FactCard(
            "failed",
            f"{corpus.failed:,}",
            "cases; the table below says why" if corpus.failed else "cases",
            "bad" if corpus.failed else "good",
        ),
        FactCard("work", _hours(corpus.seconds), "all cases together, one after another"),
    ]
    for one in corpus.features[:3]:
        facts = quartiles(one.values)
        text = f"median of {len(one.values):,} cases{DIRECTIONS[one.sign]}"
        cards.append(FactCard(one.name, f"{facts['median']:.3f} {one.unit}".strip(), text))
    return cards


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds:.0f} s"


def _titled(one: FeatureFacts) -> str:
    return f"{one.name} [{one.unit}]" if one.unit else one.name


def _charts(corpus: CorpusData) -> list[Chart]:
    charts = [
        Chart(
            _titled(one),
            f"mean of each case{DIRECTIONS[one.sign]}",
            histogram(one.values, one.name),
        )
        for one in corpus.features
    ]
    if corpus.points:
        first, second = corpus.features[:2]
        total = min(len(first.values), len(second.values))
        count = len(corpus.points)
        shown = f", {count:,} of {total:,} cases" if count < total else ""
        label = f"{second.name} against {first.name}"
        charts.append(
            Chart(
                f"{_titled(second)} against {_titled(first)}",
                f"a point for each case{shown}",
                scatter(corpus.points, label),
            )
        )
    return charts


def _pooled(corpus: CorpusData) -> PageTable:
    head = ("feature", "cases", "mean", "median", "5th percentile", "min", "max")
    rows = []
    for one in corpus.features:
        facts: Mapping[str, float] = quartiles(one.values)
        numbers = (f"{facts[name]:.4f}" for name in ("mean", "median", "p5", "min", "max"))
        rows.append([_titled(one), f"{len(one.values):,}", *numbers])
    return PageTable("Scores", head, rows, "Of the means of the cases.")


def _failures(corpus: CorpusData) -> PageTable:
    head = ("cases", "kind", "one of them", "message")
    rows = [
        [f"{one.count:,}", one.kind, clean(one.example), clean(one.message)]
        for one in corpus.failures
    ]
    note = "Messages that differ in names and numbers only are counted as one."
    return PageTable("Failures", head, rows, note)


def _worst(one: FeatureFacts, folder: Path, made: Mapping[str, str]) -> list[WorstFile]:
    return [
        WorstFile(
            file=clean(worst.file),
            value=f"{worst.value:.3f}",
            frames=f"{worst.frames:,}",
            log=Store(folder).log_path(worst.log).relative_to(folder).as_posix(),
            link=made.get(worst.log, ""),
        )
        for worst in one.worst
    ]
