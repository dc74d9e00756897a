"""Writes a ladder as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vqa_harness.console import markdown, markdown_table
from vqa_harness.destinations import Writing
from vqa_harness.files import write_text
from vqa_harness.ladder import searched

Json = Mapping[str, Any]


NAMES = ("ladder.json", "ladder.csv", "ladder.md")
"""Names of the files that `write_outputs` writes."""


def write_outputs(document: Json, folder: Path, writing: Writing | None = None) -> list[Path]:
    """Write `NAMES`, each complete or not at all, and each whatever becomes of the others.

    Args:
        document: the ladder.
        folder: where they go.
        writing: is left what cannot be written; None to raise it here, when all were tried.

    Returns:
        The files that were written.

    Raises:
        UsageError: without ``writing``, a file cannot be written.
    """
    written, own = [], writing or Writing()
    for name, make in zip(NAMES, (to_json, to_csv, to_markdown), strict=True):
        with own.trying():
            write_text(folder / name, make(document))
            written.append(folder / name)
    if writing is None:
        own.conclude()
    return written


def to_json(document: Json) -> str:
    """The document as JSON text."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def to_csv(document: Json) -> str:
    """The document as CSV with a line per rung.

    Cells that a spreadsheet would take for a formula are quoted with ``'``.
    """
    features = list(document["features"])
    pools = _pools(document)
    head = ["source", "series", "file", "codec", "width", "height", "setting", "bitrate_bps"]
    head += ["peak_bitrate_bps", "bytes", "seconds", "frames"]
    head += [f"{feature}_{pool}" for feature in features for pool in pools]
    head += [f"{feature}_on_{what}" for feature in features for what in ("hull", "front")]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for source in document["sources"]:
        for index, rung in enumerate(source["rungs"]):
            keys = ("series", "file", "codec", "width", "height", "setting")
            row = [source["name"], *(rung[key] for key in keys)]
            row += [round(rung["bitrate"]), round(rung["peak_bitrate"]), rung["bytes"]]
            row += [rung["seconds"], rung["frames"]]
            row += [
                rung["pooled"].get(feature, {}).get(pool) for feature in features for pool in pools
            ]
            for hull in (source["hulls"][feature] for feature in features):
                row += [int(index in hull["rungs"]), int(index in front_of(hull))]
            writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


def to_markdown(document: Json) -> str:
    """The document as Markdown tables: BD-rates over all sources, and the rungs of each."""
    return "\n".join(_markdown(document)) + "\n"


def _markdown(document: Json) -> Iterator[str]:
    pool = document["settings"]["pool"]
    yield "# Encoder ladder"
    if len(document["sources"]) > 1 and document["aggregate"]:
        yield "\n## All sources\n"
        yield from markdown_table(AGGREGATE_HEAD, aggregate_rows(document))
    for source in document["sources"]:
        yield f"\n## {markdown(source['name'])}\n"
        if found := searched.searched_rows(document, source):
            yield from markdown_table(searched.searched_head(document), found)
            yield f"\n{searched.NOTE} {searched.sampled(source)}\n"
        yield from markdown_table(rung_head(document), rung_rows(document, source))
        yield f"\n{pool} over frames; bitrate of the video packets; {MARKS}.\n"
        if source["comparisons"]:
            yield from markdown_table(COMPARISON_HEAD, comparison_rows(source))
        picks = pick_rows(document, source)
        if picks:
            yield ""
            yield from markdown_table(pick_head(source), picks)
        switches = switch_rows(source)
        if switches:
            yield ""
            yield from markdown_table(SWITCH_HEAD, switches)
        for name, one, text in curve_notes(source):
            yield f"\n* {markdown(name)}, {markdown(one)}: {markdown(text)}"
    for failure in document["failed"]:
        yield f"\n* left out: {markdown(failure['file'])}: {markdown(failure['error'])}"


AGGREGATE_HEAD = ("feature", "anchor", "test", "BD-rate", "lowest", "highest", "sources")
COMPARISON_HEAD = ("feature", "anchor", "test", "BD-rate", "BD-quality", "overlap", "notes")
PICK_HEAD = ("feature", "target", "series", "size", "kbit/s", "value")
SWITCH_HEAD = ("feature", "series", "from", "to", "kbit/s", "value")
MARKS = "* on the convex hull, + on the Pareto front only"
"""What the marks of `rung_rows` mean."""


def rung_head(document: Json) -> list[str]:
    """Column titles of `rung_rows`."""
    return [
        "series",
        "size",
        "setting",
        "kbit/s",
        "frames",
        *map(with_unit(document), document["features"]),
    ]


def with_unit(document: Json) -> Any:
    """A function from a feature to its name with its unit."""

    def named(feature: str) -> str:
        unit = document["features"][feature]["unit"]
        return f"{feature} [{unit}]" if unit else feature

    return named


def rung_rows(document: Json, source: Json) -> list[list[str]]:
    """The rungs of a source by series and bitrate, marked as `MARKS` says."""
    pool = document["settings"]["pool"]
    rows = []
    for series, members in source["series"].items():
        for index in members:
            rung = source["rungs"][index]
            row = [series, f"{rung['width']}x{rung['height']}", rung["setting"] or "-"]
            row += [f"{rung['bitrate'] / 1000:.1f}", str(rung["frames"])]
            for feature in document["features"]:
                value = rung["pooled"].get(feature, {}).get(pool)
                mark = _mark(index, source["hulls"][feature])
                row.append("-" if value is None else f"{value:.3f}{mark}")
            rows.append(row)
    return rows


def _mark(rung: int, hull: Json) -> str:
    if rung in hull["rungs"]:
        return "*"
    return "+" if rung in front_of(hull) else ""


def front_of(hull: Json) -> Sequence[int]:
    """The rungs on the Pareto front; those on the hull where an older version wrote it."""
    front: Sequence[int] = hull.get("front", hull["rungs"])
    return front


def comparison_rows(source: Json) -> list[list[str]]:
    """The comparisons of a source, as rows below `COMPARISON_HEAD`."""
    return [
        [
            one["feature"],
            one["anchor"],
            one["test"],
            percent(one["bd_rate"]),
            "-" if one["bd_quality"] is None else f"{one['bd_quality']:+.3f}",
            "-" if one["overlap"] is None else f"{one['overlap']:.0%}",
            comparison_note(one),
        ]
        for one in source["comparisons"]
    ]


def comparison_note(one: Json) -> str:
    """One line with the remarks on a comparison; ``-`` where there are none."""
    if one["refused"]:
        what = "refused" if one["bd_quality"] is None else "BD-rate refused"
        return f"{what}: {one['refused']}"
    crossing = [f"cross at {x:.4g}" for x in one["crossings"]]
    return "; ".join([*one["notes"], *crossing]) or "-"


def aggregate_rows(document: Json) -> list[list[str]]:
    """Mean BD-rates over all sources, as rows below `AGGREGATE_HEAD`."""
    return [
        [
            one["feature"],
            one["anchor"],
            one["test"],
            percent(one["bd_rate"]),
            percent(one["bd_rate_min"]),
            percent(one["bd_rate_max"]),
            str(one["sources"]) + (f" (+{one['left_out']} refused)" if one["left_out"] else ""),
        ]
        for one in document["aggregate"]
    ]


def pick_head(source: Json) -> list[str]:
    """Column titles of `pick_rows`: `PICK_HEAD`, and one for the curve of each series."""
    return [*PICK_HEAD, *(f"curve of {series}" for series in source["series"])]


def pick_rows(document: Json, source: Json) -> list[list[str]]:
    """The rung to take for each target, and where the curve of each series meets the target.

    For a quality that is a bitrate, and for a bitrate a quality; ``-`` where no curve goes.
    """
    pool = document["settings"]["pool"]
    rows = []
    for feature, hull in source["hulls"].items():
        for pick in hull["picks"]:
            if "bitrate" in pick:
                target = f"at most {pick['bitrate'] / 1000:g} kbit/s"
            else:
                sign = ">=" if document["features"][feature]["direction"] == "higher" else "<="
                target = f"{feature} {sign} {pick['quality']:g}"
            curves = [_meeting(pick, series) for series in source["series"]]
            if pick["rung"] is None:
                rows.append([feature, target, "none reaches it", "-", "-", "-", *curves])
                continue
            rung = source["rungs"][pick["rung"]]
            size = f"{rung['width']}x{rung['height']}"
            value = f"{rung['pooled'][feature][pool]:.3f}"
            rate = f"{rung['bitrate'] / 1000:.1f}"
            rows.append([feature, target, rung["series"], size, rate, value, *curves])
    return rows


def _meeting(pick: Json, series: str) -> str:
    rate = pick.get("bitrate_at", {}).get(series)
    if rate is not None:
        return f"{rate / 1000:.1f} kbit/s"
    quality = pick.get("quality_at", {}).get(series)
    return "-" if quality is None else f"{quality:.3f}"


def switch_rows(source: Json) -> list[list[str]]:
    """Where a series goes over to another resolution, as rows below `SWITCH_HEAD`."""
    return [
        [
            feature,
            one["series"],
            "x".join(map(str, one["lower"])),
            "x".join(map(str, one["upper"])),
            f"{one['bitrate'] / 1000:.1f}",
            f"{one['quality']:.3f}",
        ]
        for feature, hull in source["hulls"].items()
        for one in hull.get("switches", ())
    ]


def curve_notes(source: Json) -> list[tuple[str, str, str]]:
    """The notes on curves, and on steps too small to be seen, as (feature, series, note)."""
    notes = [
        (feature, series, note)
        for feature, curves in source["curves"].items()
        for series, one in curves.items()
        for note in one["notes"]
    ]
    for feature, one in source["hulls"].items():
        small = [step for step in one["steps"] if step["below_jnd"]]
        if small:
            text = (
                f"{len(small)} of {len(one['steps'])} steps are below a just noticeable difference"
            )
            notes.append((feature, "hull", text))
    return notes


def percent(value: float | None) -> str:
    """A signed percentage, ``-`` for None."""
    return "-" if value is None else f"{value:+.2f} %"


def _pools(document: Json) -> list[str]:
    for source in document["sources"]:
        for rung in source["rungs"]:
            for values in rung["pooled"].values():
                return list(values)
    return []
