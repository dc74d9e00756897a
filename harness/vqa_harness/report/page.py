"""Lays out a report: the content of the page's tables, and the data of its charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vqa_harness.ladder import output as tables
from vqa_harness.report import packing as columns
from vqa_harness.report.alignment import Timeline, timeline
from vqa_harness.report.charts import frame_charts, leading_features, rate_chart
from vqa_harness.report.data import ReportData, ReportItem, Section, facts_of

Json = dict[str, Any]
MINUS = "\N{MINUS SIGN}"
DIRECTIONS = {1: ", higher is better", -1: ", lower is better", 0: ""}


@dataclass(slots=True)
class FactCard:
    """One number of the summary.

    Attributes:
        title: above the number.
        value: the number with its unit.
        text: what it means, below the number.
        tone: ``good`` or ``bad`` to colour it; empty for neither.
    """

    title: str
    value: str
    text: str
    tone: str = ""


@dataclass(slots=True)
class PageTable:
    """A table of texts.

    Attributes:
        title: above the table.
        head: titles of the columns.
        rows: the cells.
        note: below the table; empty for none.
        folded: whether only the title shows until somebody opens it.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    folded: bool = False


@dataclass(slots=True)
class Figure:
    """A frame that scored badly, with the frame it was compared with.

    Attributes:
        video: the label of the video.
        frame: the number of the frame.
        seconds: its time; None if unknown.
        score: the feature and its value.
        distorted: the frame as a ``data:`` URI.
        reference: the frame of the reference as a ``data:`` URI; None if it is not shown.
    """

    video: str
    frame: int
    seconds: float | None
    score: str
    distorted: str
    reference: str | None = None


@dataclass(slots=True)
class SectionPage:
    """One source on the page.

    Attributes:
        id: the identifier of its charts.
        name: the name of the source.
        facts: (name, value) of each fact about its streams.
        cards: the numbers of the summary.
        rate_features: features with a rate-quality chart: (name, unit, direction).
        frame_features: features with a chart over time: (name, unit, direction, leading).
        tables: the tables in their order.
        timelines: (video, strip) of each alignment that is not plain.
        clean: how many videos have every frame paired with the next one of the reference, if they
            are not in ``timelines``.
        figures: the worst frames.
        figures_note: how the worst frames were chosen.
        warnings: what a reader should know, a line each.
    """

    id: str
    name: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    cards: list[FactCard] = field(default_factory=list)
    rate_features: list[tuple[str, str, str]] = field(default_factory=list)
    frame_features: list[tuple[str, str, str, bool]] = field(default_factory=list)
    tables: list[PageTable] = field(default_factory=list)
    timelines: list[tuple[str, Timeline]] = field(default_factory=list)
    clean: int = 0
    figures: list[Figure] = field(default_factory=list)
    figures_note: str = ""
    warnings: list[str] = field(default_factory=list)


def build(report: ReportData) -> tuple[list[SectionPage], Json]:
    """The sections of the page, and the data of its charts."""
    budget = columns.VALUES // max(len(report.sections), 1)
    pages, charts = [], []
    for number, section in enumerate(report.sections):
        page = SectionPage(f"s{number}", section.name)
        facts = [facts_of(item.log) for item in section.items]
        chart: Json = {"id": page.id, "rate": {}, "frames": None}
        _facts(page, section)
        if section.ladder:
            _ladder_part(page, chart, section, report)
        else:
            _cards_of_run(page, section.items, facts)
            _pooled_table(page, section.items, facts)
        if section.items:
            frames = frame_charts(section, facts, budget)
            page.frame_features = [
                (name, one["unit"], DIRECTIONS[one["sign"]], one["leading"])
                for name, one in frames["features"].items()
            ]
            chart["frames"] = frames
        _alignment(page, section.items)
        _warnings(page, section.items)
        pages.append(page)
        charts.append(chart)
    return pages, {"sections": charts}


def _facts(page: SectionPage, section: Section) -> None:
    if not section.items:
        return
    inputs = section.items[0].log.view.inputs
    for role, stream in (("reference", inputs.reference), ("distorted", inputs.distorted)):
        if stream is not None and (role == "reference" or len(section.items) == 1):
            size = f"{stream.width} x {stream.height}"
            text = " · ".join(
                str(w) for w in (stream.codec, size, stream.pix_fmt, stream.rate) if w
            )
            page.facts.append((role, f"{stream.name or '-'} ({text} fps)"))
    frames = sorted({len(item.log) for item in section.items})
    shown = f"{frames[0]:,}" if len(frames) == 1 else f"{frames[0]:,} to {frames[-1]:,}"
    page.facts.append(("frames scored", shown))
    if len(section.items) > 1:
        page.facts.append(("videos", str(len(section.items))))


def _cards_of_run(page: SectionPage, items: Sequence[ReportItem], facts: Sequence[Json]) -> None:
    if len(items) > 1:
        return
    for name in leading_features(facts)[:4]:
        one = facts[0].get(name)
        if not one or "mean" not in one["pooled"]:
            continue
        pooled = one["pooled"]
        text = f"mean; 5 % of frames below {pooled['p5']:.3f}"
        if one["sign"] < 0:
            text = f"mean; worst frame {pooled['max']:.3f}"
        page.cards.append(FactCard(name, _with_unit(f"{pooled['mean']:.3f}", one["unit"]), text))
        if one["worst_run"]:
            run = one["worst_run"]
            text = f"mean of the worst second, frames {run.start} to {run.stop - 1}"
            page.cards.append(FactCard(name, _with_unit(f"{run.score:.3f}", one["unit"]), text))


def _pooled_table(page: SectionPage, items: Sequence[ReportItem], facts: Sequence[Json]) -> None:
    """Add the features with a direction, and folded away those that only describe."""
    pools = ("mean", "harmonic_mean", "p5", "min", "max")
    rows: dict[bool, list[list[str]]] = {True: [], False: []}
    for item, features in zip(items, facts, strict=True):
        for name, one in features.items():
            row = [item.label, _with_unit(name, one["unit"], " [{}]")]
            row += [f"{one['pooled'][p]:.4f}" if p in one["pooled"] else "-" for p in pools]
            rows[bool(one["sign"])].append([*row, DIRECTIONS[one["sign"]].removeprefix(", ")])
    head = (
        "video",
        "feature",
        "mean",
        "harmonic mean",
        "5th percentile",
        "min",
        "max",
        "direction",
    )
    page.tables.append(PageTable("Pooled scores", head, rows[True] or rows[False]))
    if rows[True] and rows[False]:
        page.tables.append(PageTable("More pooled scores", head, rows[False], folded=True))


def _with_unit(text: str, unit: str, form: str = " {}") -> str:
    return text + (form.format(unit) if unit else "")


def _ladder_part(page: SectionPage, chart: Json, section: Section, report: ReportData) -> None:
    document, source = report.ladder, section.ladder
    pool = document["settings"]["pool"]
    for feature, about in document["features"].items():
        sign = 1 if about["direction"] == "higher" else -1
        page.rate_features.append((feature, about["unit"], DIRECTIONS[sign]))
        chart["rate"][feature] = rate_chart(feature, about, source, pool)
    for one in source["comparisons"]:
        page.cards += _comparison_card(one, source, pool)
    if source["comparisons"]:
        note = (
            "BD-rate: bitrate of the test series relative to the anchor at equal quality; negative "
            f"saves. Overlap: shared part of the joint quality range. "
            f"{document['settings']['method'].upper()} over log bitrate."
        )
        rows = tables.comparison_rows(source)
        page.tables.append(PageTable("Between series", tables.COMPARISON_HEAD, rows, note))
    picks = tables.pick_rows(document, source)
    if picks:
        page.tables.append(PageTable("Rungs to take", tables.PICK_HEAD, picks))
    note = f"{pool} over frames. ● on the convex hull over all rungs."
    rows = [[cell.replace("*", " ●") for cell in row] for row in tables.rung_rows(document, source)]
    page.tables.append(PageTable("Rungs", tables.rung_head(document), rows, note))
    steps = list(_step_rows(source))
    if steps:
        head = ("feature", "from", "to", "gain", "bitrate", "visible")
        page.tables.append(PageTable("Steps along the hull", head, steps, folded=True))
    page.warnings += [f"{f}, {s}: {text}" for f, s, text in tables.curve_notes(source)]


def _step_rows(source: Mapping[str, Any]) -> Iterator[list[str]]:
    for feature, one in source["hulls"].items():
        for step in one["steps"]:
            lower, upper = (source["rungs"][step[end]] for end in ("lower", "upper"))
            seen = {None: "-", True: "below a JND", False: "yes"}[step["below_jnd"]]
            yield [
                feature,
                *(
                    f"{r['series']} {r['height']}p {r['bitrate'] / 1000:.0f} kbit/s"
                    for r in (lower, upper)
                ),
                f"{step['gain']:+.2f}",
                f"x {step['bitrate_ratio']:.2f}",
                seen,
            ]


def _comparison_card(
    one: Mapping[str, Any], source: Mapping[str, Any], pool: str
) -> Iterator[FactCard]:
    if one["refused"]:
        return
    feature, rate = one["feature"], one["bd_rate"]
    reached = [
        [source["rungs"][i]["pooled"][feature][pool] for i in source["curves"][feature][n]["rungs"]]
        for n in (one["anchor"], one["test"])
    ]
    low, high = max(map(min, reached)), min(map(max, reached))
    text = f"bitrate for equal {feature}, {low:.1f} to {high:.1f} (BD-rate)"
    title = f"{one['test']} against {one['anchor']}"
    tone = "good" if rate < 0 else "bad" if rate > 0 else ""
    yield FactCard(title, f"{rate:+.1f} %".replace("-", MINUS), text, tone)


def _alignment(page: SectionPage, items: Sequence[ReportItem]) -> None:
    for item in items:
        strip = timeline(item.log.view.alignment, len(item.log))
        if strip is None:
            continue
        if strip.clean and len(items) > 1:
            page.clean += 1
        else:
            page.timelines.append((item.label, strip))


def _warnings(page: SectionPage, items: Sequence[ReportItem]) -> None:
    for item in items:
        page.warnings += [f"{item.label}: {text}" for text in item.log.view.warnings]
