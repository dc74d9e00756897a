"""Prepares the data of a report's charts: rate-quality points, and scores per frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from vqa_harness.ladder.output import front_of
from vqa_harness.report import packing as columns
from vqa_harness.report.data import ReportItem, Section, rate_of, times_of

Json = dict[str, Any]
SHOWN_LINES = 6
"""Most videos that a chart shows at first."""

MAX_SPREAD = 1000
"""Most places of the grid per frame that a log has."""
MAX_GRID = 10_000_000
"""Most places of the grid."""
EXTRA_SHARE = 0.35
"""Part of the page's values that features have which are folded away."""


def leading_features(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first feature of each metric; if no log says which, VMAF or else the first feature."""
    names = dict.fromkeys(name for one in facts for name in one)
    leading = [n for n in names if any(one.get(n, {}).get("leading") for one in facts)]
    return leading or (["vmaf"] if "vmaf" in names else list(names)[:1])


def rate_chart(
    feature: str, about: Mapping[str, Any], source: Mapping[str, Any], pool: str
) -> Json:
    """The points of a rate-quality chart: one list per series, and which are on hull and front.

    Args:
        feature: the name of the feature.
        about: its entry in the ladder's ``features``.
        source: an entry of the ladder's ``sources``.
        pool: the pooled value that is drawn.
    """
    series = []
    for name, members in source["series"].items():
        curve = set(source["curves"][feature][name]["rungs"])
        points = [
            {
                "rung": index,
                "kbps": source["rungs"][index]["bitrate"] / 1000,
                "value": source["rungs"][index]["pooled"][feature][pool],
                "size": f"{source['rungs'][index]['width']}x{source['rungs'][index]['height']}",
                "height": source["rungs"][index]["height"],
                "setting": source["rungs"][index]["setting"],
                "curve": index in curve,
            }
            for index in members
            if feature in source["rungs"][index]["pooled"]
        ]
        series.append({"name": name, "points": points})
    hull = source["hulls"][feature]
    return {
        "unit": about["unit"],
        "lower": about["direction"] == "lower",
        "pool": pool,
        "series": series,
        "hull": hull["rungs"],
        "front": front_of(hull),
    }


def frame_charts(section: Section, facts: Sequence[Json], budget: int) -> Json:
    """The data of the charts over time.

    Leading features share one grid of frames, and the others another.

    Args:
        section: the source whose videos are drawn.
        facts: what `facts_of` gives for each of its logs.
        budget: how many values the charts may hold.
    """
    lead = leading_features(facts)
    names = list(dict.fromkeys(name for one in facts for name in one))
    others = [name for name in names if name not in lead]
    slots = [_slots(item) for item in section.items]
    frames = max((max(s) + 1 for s in slots if s), default=0)
    main = round(budget * (1 - EXTRA_SHARE)) if others else budget
    result: Json = {"videos": _videos(section), "grids": [], "features": {}}
    for group, share in ((lead, main), (others, budget - main)):
        if not group:
            continue
        grid = columns.plan_grid(frames, len(group) * len(section.items), share)
        result["grids"].append(_grid(grid, section.items))
        for name in group:
            one = next(f[name] for f in facts if name in f)
            result["features"][name] = {
                "grid": len(result["grids"]) - 1,
                "unit": one["unit"],
                "leading": name in lead,
                "sign": one["sign"],
                "columns": [
                    _packed(i, s, name, grid) for i, s in zip(section.items, slots, strict=True)
                ],
            }
    return result


def _grid(grid: columns.ChartGrid, items: Sequence[ReportItem]) -> Json:
    rate = next((r for item in items if (r := rate_of(item.log))), None)
    start = next((t for item in items for t in times_of(item.log)[:1] if t is not None), 0.0)
    return {
        "count": len(grid.positions),
        "bucket": grid.bucket,
        "seconds": 1 / rate if rate else None,
        "start": start,
    }


def _slots(item: ReportItem) -> list[int]:
    """The position of each frame on the common grid: by its time, its number or its place.

    A log may leave out frames, and so few may be left that the grid would be nearly all gaps.
    """
    numbers = item.log.frame_numbers
    ends = max(numbers, default=0)
    if ends >= min(MAX_GRID, MAX_SPREAD * len(numbers)):
        numbers = list(range(len(numbers)))
    times, rate = times_of(item.log), rate_of(item.log)
    if rate is None or any(time is None for time in times):
        return numbers
    first = times[0] or 0.0
    slots = [round(((time or 0.0) - first) * rate) for time in times]
    good = all(b > a for a, b in pairwise(slots)) and slots[-1] < 4 * len(slots)
    return slots if good else numbers


def _packed(item: ReportItem, slots: Sequence[int], name: str, grid: columns.ChartGrid) -> Any:
    if name not in item.log.columns or not slots:
        return None
    scores = columns.column(item.log.columns[name], item.log.view.undefined_frames.get(name, ()))
    spread = columns.column([None] * (max(slots) + 1))
    spread[list(slots)] = scores
    return columns.pack(columns.thin(spread, grid))


def _videos(section: Section) -> list[Json]:
    """The label and the style of each video, and whether it is shown at first.

    Those that are shown have the first colours.
    """
    shown = _shown(section)
    order = sorted(range(len(section.items)), key=lambda i: i not in shown)
    style = {index: rank for rank, index in enumerate(order)}
    return [
        {"label": item.label, "shown": index in shown, "style": style[index]}
        for index, item in enumerate(section.items)
    ]


def _shown(section: Section) -> set[int]:
    """The videos a chart shows at first: few enough to tell apart, on the hull if possible."""
    if len(section.items) <= SHOWN_LINES:
        return set(range(len(section.items)))
    hull: Sequence[int] = next((h["rungs"] for h in section.ladder.get("hulls", {}).values()), [])
    chosen = [i for i, item in enumerate(section.items) if item.rung in hull]
    chosen = chosen or list(range(len(section.items)))
    step = (len(chosen) - 1) / (SHOWN_LINES - 2) if len(chosen) >= SHOWN_LINES else 1
    return {chosen[round(k * step)] for k in range(min(SHOWN_LINES - 1, len(chosen)))}
