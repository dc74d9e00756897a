"""What a ladder adds to the section of a source: BD-rates, rungs to take, tables, charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vqa_harness.ladder import output as tables
from vqa_harness.ladder import searched
from vqa_harness.report.charts import rate_chart
from vqa_harness.report.data import Section
from vqa_harness.report.parts import DIRECTIONS, MINUS, FactCard, PageTable, SectionPage

Document = Mapping[str, Any]
Json = dict[str, Any]


def add_ladder(page: SectionPage, chart: Json, section: Section, document: Document) -> None:
    """Add the numbers, tables and rate-quality charts of one source of a ladder.

    Args:
        page: what the section shows.
        chart: the data of its charts.
        section: the source.
        document: the ladder's document.
    """
    source = section.ladder
    pool = document["settings"]["pool"]
    for feature, about in document["features"].items():
        sign = 1 if about["direction"] == "higher" else -1
        page.rate_features.append((feature, about["unit"], DIRECTIONS[sign]))
        chart["rate"][feature] = rate_chart(feature, about, source, pool)
    if source.get("searched"):
        _add_search(page, source, document)
    for one in source["comparisons"]:
        page.cards.append(_comparison_card(one, source, pool))
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
        note = (
            "The cheapest rung that is good enough, the best that is cheap enough. Curve: where "
            "that of a series meets the target, between its rungs."
        )
        page.tables.append(PageTable("Rungs to take", tables.pick_head(source), picks, note))
    switches = tables.switch_rows(source)
    if switches:
        note = "From this bitrate on the second size is the better one of its series."
        page.tables.append(
            PageTable("Resolution switch points", tables.SWITCH_HEAD, switches, note)
        )
    note = f"{pool} over frames. ● on the convex hull over all rungs, ○ on the Pareto front only."
    rows = [[*row[:5], *map(_marked, row[5:])] for row in tables.rung_rows(document, source)]
    page.tables.append(PageTable("Rungs", tables.rung_head(document), rows, note))
    steps = list(_step_rows(source))
    if steps:
        head = ("feature", "from", "to", "gain", "bitrate", "visible")
        page.tables.append(PageTable("Steps along the hull", head, steps, folded=True))
    page.warnings += [f"{f}, {s}: {text}" for f, s, text in tables.curve_notes(source)]


def _add_search(page: SectionPage, source: Document, document: Document) -> None:
    """Add the rungs that were searched for, and folded away what was tried for them."""
    note = f"{searched.NOTE} {searched.sampled(source)}".strip()
    head, rows = searched.searched_head(document), searched.searched_rows(document, source)
    page.tables.append(PageTable("Settings that meet the targets", head, rows, note))
    head, rows = searched.tried_head(document), searched.tried_rows(source)
    page.tables.append(PageTable("Encodings tried", head, rows, folded=True))


def _marked(cell: str) -> str:
    """A value with the signs of the page for the marks of the tables."""
    return cell.replace("*", " ●").replace("+", " ○")


def _step_rows(source: Document) -> Iterator[list[str]]:
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


def _comparison_card(one: Document, source: Document, pool: str) -> FactCard:
    feature, rate = one["feature"], one["bd_rate"]
    title = f"{one['test']} against {one['anchor']}"
    if one["refused"]:
        text = f"bitrate for equal {feature} (BD-rate): refused"
        if one["bd_quality"] is not None:
            gain = f"{one['bd_quality']:+.2f}".replace("-", MINUS)
            text += f"; at equal bitrate {gain} (BD-quality)"
        return FactCard(title, "\N{EN DASH}", text, caveat=one["refused"])
    reached = [
        [source["rungs"][i]["pooled"][feature][pool] for i in source["curves"][feature][n]["rungs"]]
        for n in (one["anchor"], one["test"])
    ]
    low, high = max(map(min, reached)), min(map(max, reached))
    text = (
        f"bitrate for equal {feature} (BD-rate), {low:.1f} to {high:.1f}, "
        f"{one['overlap']:.0%} of what both series cover"
    )
    tone = "good" if rate < 0 else "bad" if rate > 0 else ""
    return FactCard(title, f"{rate:+.1f} %".replace("-", MINUS), text, tone, _caveat(one))


def _caveat(one: Document) -> str:
    """What an average over curves hides: that they share little, or cross."""
    parts = list(one["notes"])
    if one["crossings"]:
        places = ", ".join(f"{x:.4g}" for x in one["crossings"])
        parts.append(f"the curves cross at {places}: which series is better depends on the quality")
    return "; ".join(parts)
