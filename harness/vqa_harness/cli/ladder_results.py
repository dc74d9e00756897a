"""Shows and writes what ``vqa-harness ladder`` found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa_harness.cli.ladder_checks import REPORT
from vqa_harness.cli.options import put_json
from vqa_harness.destinations import STDOUT, Writing
from vqa_harness.errors import GateFailed, PartialResult, VqaError, about

if TYPE_CHECKING:
    from vqa_harness.ladder.config import LadderConfig


def show_ladder(document: dict[str, Any], json_target: str | None, writing: Writing) -> None:
    """Show the tables of a ladder, or give its document to whoever asked for JSON."""
    from vqa_harness.console import print_table
    from vqa_harness.ladder import output as outputs

    if json_target is not None:
        with writing.trying():
            put_json(json_target, document)
    if json_target == STDOUT:
        return
    for source in document["sources"]:
        _show_found(document, source)
        if source["rungs"] or not source.get("searched"):
            _show_rungs(document, source)
    if len(document["sources"]) > 1 and document["aggregate"]:
        print_table(outputs.AGGREGATE_HEAD, outputs.aggregate_rows(document), "all sources")


def _show_found(document: dict[str, Any], source: dict[str, Any]) -> None:
    """The settings that were searched for, if any were."""
    from vqa_harness.console import print_table
    from vqa_harness.ladder import searched

    if found := searched.searched_rows(document, source):
        title = ": ".join(filter(None, (source["name"], searched.sampled(source))))
        print_table(searched.searched_head(document), found, title)


def _show_rungs(document: dict[str, Any], source: dict[str, Any]) -> None:
    from vqa_harness.console import print_table, warn
    from vqa_harness.ladder import output as outputs

    head, rows = outputs.rung_head(document), outputs.rung_rows(document, source)
    print_table(head, rows, f"{source['name']} ({outputs.MARKS})")
    if source["comparisons"]:
        print_table(outputs.COMPARISON_HEAD, outputs.comparison_rows(source))
    picks = outputs.pick_rows(document, source)
    if picks:
        print_table(outputs.pick_head(source), picks, "rungs to take")
    switches = outputs.switch_rows(source)
    if switches:
        print_table(outputs.SWITCH_HEAD, switches, "resolution switch points")
    for feature, series, text in outputs.curve_notes(source):
        warn(f"{source['name']}: {feature}, {series}: {text}")


def write_ladder(
    document: dict[str, Any],
    folder: Path,
    shown: LadderConfig | None,
    full_size: float | None,
    writing: Writing,
) -> None:
    """Write the results, and a report with the videos of ``shown``."""
    from vqa_harness.console import note
    from vqa_harness.files import make_folder
    from vqa_harness.ladder.output import write_outputs

    with writing.trying():
        make_folder(folder)
    written = write_outputs(document, folder, writing)
    if shown is not None:
        from vqa_harness.report.thumbnails import Media
        from vqa_harness.report.write import write_report

        rungs = [path for source in shown.sources for one in source.series for path in one.rungs]
        references = [source.reference for source in shown.sources if source.reference is not None]
        media = Media([*rungs, folder / "rungs"], references)
        with writing.trying():
            paths = [folder / "ladder.json"]
            written.append(write_report(paths, folder / REPORT, media, megabytes=full_size))
    if written:
        note(f"wrote {', '.join(path.name for path in written)} to {folder}")


def failure_of(document: dict[str, Any]) -> VqaError | None:
    """What the command ends with where rungs failed, or cannot meet the targets."""
    if document["failed"]:
        first = document["failed"][0]
        return PartialResult(
            f"{len(document['failed'])} rungs failed: {about(first['file'], first['error'])}"
        )
    missed = [
        f"{source['name']}, {one['series']}, {one['height']} lines"
        for source in document["sources"]
        for one in (source.get("searched") or {"rungs": ()})["rungs"]
        if one["status"] == "unreachable"
    ]
    if not missed:
        return None
    targets = ", ".join(document["search"]["targets"])
    what = "1 rung" if len(missed) == 1 else f"{len(missed)} rungs"
    return GateFailed(f"{what} cannot meet {targets}: {'; '.join(missed)}")
