"""What a search found, as part of the ladder's document; ``docs/search.md`` describes its keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vqa_harness.errors import one_line
from vqa_harness.search.attempts import SearchSource
from vqa_harness.search.goals import Goal
from vqa_harness.search.rung import RungSearch, Tried

Json = dict[str, Any]


def add_searches(
    document: Json,
    goals: Sequence[Goal],
    searches: Sequence[RungSearch],
    sources: Mapping[str, SearchSource],
) -> None:
    """Add to the document of a ladder how its rungs were found.

    Comparisons of series are left out: curves through the rungs found would be short and all about
    one quality, and what the series need for that is in the table.

    Args:
        document: the ladder of the rungs that were found; it is changed.
        goals: the targets.
        searches: the searches, which are over.
        sources: the sources by name.
    """
    document["search"] = {"targets": [str(goal) for goal in goals]}
    document["aggregate"] = []
    for source in document["sources"]:
        source["comparisons"] = []
        places = {rung["file"]: index for index, rung in enumerate(source["rungs"])}
        about = sources[source["name"]]
        source["searched"] = {
            "share": about.share,
            "samples": [list(stretch) for stretch in about.stretches],
            "rungs": [_searched(one, places) for one in searches if one.source == source["name"]],
        }


def _searched(search: RungSearch, places: Mapping[str, int]) -> Json:
    found = search.found
    shown = found or search.nearest
    return {
        "series": search.grid.label,
        "height": search.height,
        "status": search.status,
        "rung": None if found is None else places.get(found.measured.path.name),
        "setting": None if found is None else found.trial.setting,
        "bitrate": None if found is None else found.measured.bitrate,
        "values": None if shown is None else list(shown.measured.values),
        "encodes": len(search.tried),
        "encodes_made": sum(one.measured.made for one in search.tried),
        "next_measured": search.next_measured,
        "notes": notes_of(search),
        "tried": [_tried(one) for one in search.tried],
    }


def _tried(one: Tried) -> Json:
    return {
        "setting": one.trial.setting,
        "on": "whole" if one.trial.whole else "samples",
        "values": list(one.measured.values),
        "bitrate": one.measured.bitrate,
        "holds": one.holds,
    }


def notes_of(search: RungSearch) -> list[str]:
    """What a reader should know of a search, one line each."""
    if search.error is not None:
        return [f"failed: {one_line(search.error)}"]
    nearest = search.nearest
    if search.status == "unreachable" and nearest is not None:
        where = "" if nearest.trial.whole else ", on the samples"
        return [f"not met even at {nearest.trial.setting}, the best allowed{where}"]
    notes = []
    if search.status == "bound":
        notes.append("met at the end of the range, beyond which nothing was tried")
    if search.rises:
        notes.append("quality does not fall evenly: a better setting missed the target")
    return notes
