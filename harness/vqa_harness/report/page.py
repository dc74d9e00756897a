"""Lays out a report: the content of the page's tables, and the data of its charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vqa_harness.report import packing as columns
from vqa_harness.report.alignment import timeline
from vqa_harness.report.charts import frame_charts, leading_features
from vqa_harness.report.data import ReportData, ReportItem, Section, facts_of
from vqa_harness.report.events import event_bands
from vqa_harness.report.ladder import add_ladder
from vqa_harness.report.parts import DIRECTIONS, FactCard, PageTable, SectionPage

Json = dict[str, Any]


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
            add_ladder(page, chart, section, report.ladder)
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
        _notes_table(page, section.items)
        _events(page, section.items)
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


def _notes_table(page: SectionPage, items: Sequence[ReportItem]) -> None:
    """Add what people noted on frames while they looked at them."""
    rows = [
        [item.label, str(note.frame), note.mark or "-", note.text]
        for item in items
        for note in item.notes
    ]
    if rows:
        page.tables.append(PageTable("Notes", ("video", "frame", "mark", "note"), rows))


def _with_unit(text: str, unit: str, form: str = " {}") -> str:
    return text + (form.format(unit) if unit else "")


def _events(page: SectionPage, items: Sequence[ReportItem]) -> None:
    for item in items:
        bands = event_bands(item.log.view.qc)
        if bands is not None:
            page.events.append((item.label, bands))


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
