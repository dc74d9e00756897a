"""What a search for targets found, as rows of tables; from the document of the ladder alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

NOTE = (
    "The last setting, from the best quality down, that meets every target on the whole video. "
    "Encodes: how many the search took, of samples and of the whole."
)
"""What `searched_rows` shows."""


def searched_head(document: Json) -> list[str]:
    """Column titles of `searched_rows`: one column for each target."""
    targets = document["search"]["targets"]
    return ["series", "lines", "setting", "kbit/s", *targets, "encodes", "notes"]


def searched_rows(document: Json, source: Json) -> list[list[str]]:
    """The rungs that were searched for in a source; none where the ladder was not searched for.

    Where no setting meets the targets, the values are those of the best quality tried.
    """
    rows = []
    for one in _rungs(source):
        values = _shown(one["values"]) or ["-"] * len(document["search"]["targets"])
        rate = "-" if one["bitrate"] is None else f"{one['bitrate'] / 1000:.1f}"
        row = [one["series"], str(one["height"]), one["setting"] or "none", rate]
        rows.append([*row, *values, str(one["encodes"]), "; ".join(one["notes"]) or "-"])
    return rows


def tried_head(document: Json) -> list[str]:
    """Column titles of `tried_rows`."""
    return ["series", "lines", "setting", "on", "kbit/s", *document["search"]["targets"], "met"]


def tried_rows(source: Json) -> list[list[str]]:
    """Every encoding that the searches of a source made, in order."""
    return [
        [
            rung["series"],
            str(rung["height"]),
            one["setting"],
            one["on"],
            f"{one['bitrate'] / 1000:.1f}",
            *_shown(one["values"]),
            "yes" if one["holds"] else "no",
        ]
        for rung in _rungs(source)
        for one in rung["tried"]
    ]


def sampled(source: Json) -> str:
    """A sentence on how much of a source was searched on; empty where on all of it."""
    about = source.get("searched")
    if not about or not about["samples"]:
        return ""
    count = len(about["samples"])
    stretches = "one stretch" if count == 1 else f"{count} stretches"
    share = f"{about['share']:.0%} of the frames"
    return f"Searched on {stretches}, {share}; checked on the whole video."


def _rungs(source: Json) -> Sequence[Json]:
    about = source.get("searched")
    rungs: Sequence[Json] = about["rungs"] if about else ()
    return rungs


def _shown(values: Sequence[float] | None) -> list[str]:
    return [f"{value:.3f}" for value in values or ()]
