"""Chooses the worst frames of a report's videos and finds the files they are in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqa_harness.errors import InputError
from vqa_harness.log_features import undefined_of
from vqa_harness.report_alignment import reference_frame
from vqa_harness.report_charts import SHOWN_LINES, leading_features
from vqa_harness.report_data import (
    Item,
    Section,
    facts_of,
    input_of,
    name_of,
    rate_of,
    times_of,
)
from vqa_harness.report_page import Figure, SectionPage
from vqa_harness.thumbnails import frame_at, grab, worst_frames

PER_VIDEO = 3
MOST_BYTES = 1_100_000
"""All pictures of a page together."""


@dataclass(slots=True)
class Media:
    """Where videos may be: files, and folders that are searched for a log's file names."""

    distorted: Sequence[Path] = ()
    reference: Sequence[Path] = ()

    def find(self, item: Item, role: str) -> Path | None:
        """The video of a log: of its name, and of its hash where the log has one."""
        name = name_of(item.log, role)
        places = self.distorted if role == "distorted" else self.reference
        for place in places:
            path = place / Path(name).name if place.is_dir() and name else place
            if path.is_file() and (path.name == name or place.is_file()) and _is(path, item, role):
                return path
        return None


def add_figures(pages: Sequence[SectionPage], sections: Sequence[Section], media: Media) -> None:
    """Put the worst frames into the pages, as long as there is room; a file not found is told."""
    room = MOST_BYTES
    for page, section in zip(pages, sections, strict=True):
        facts = [facts_of(item.log) for item in section.items]
        feature, sign = _feature(facts)
        if feature is None:
            continue
        page.figures_note = f"The frames with the worst {feature} of each video."
        for item in _chosen(section):
            room = _add(page, item, feature, sign, media, room)


def _chosen(section: Section) -> list[Item]:
    """A few videos, from the worst to the best bitrate."""
    step = max(1, -(-len(section.items) // SHOWN_LINES))
    return list(section.items)[::step]


def _feature(facts: Sequence[Mapping[str, Any]]) -> tuple[str | None, int]:
    """What tells the worst frame: the first leading feature with a direction."""
    for name in leading_features(facts):
        sign = next((one[name]["sign"] for one in facts if name in one), 0)
        if sign or name == "vmaf":
            return name, sign or 1
    return None, 0


def _add(page: SectionPage, item: Item, feature: str, sign: int, media: Media, room: int) -> int:
    """Add one video's figures; what is left of the room."""
    path = media.find(item, "distorted")
    if path is None or feature not in item.log.columns:
        return room
    figures = _figures(item, feature, sign, path, media.find(item, "reference"), page)
    for figure in figures:
        room -= len(figure.distorted) + len(figure.reference or "")
        if room < 0:
            break
        page.figures.append(figure)
    return max(room, 0)


def _figures(
    item: Item, feature: str, sign: int, path: Path, reference: Path | None, page: SectionPage
) -> list[Figure]:
    rate, times = rate_of(item.log), times_of(item.log)
    gaps = set(undefined_of(item.log).get(feature, ()))
    values = [None if i in gaps else x for i, x in enumerate(item.log.columns[feature])]
    apart = max(1, round(rate or 25))
    worst = worst_frames(values, PER_VIDEO, apart, higher_is_better=sign > 0)
    decoded = {i: frame_at(times, i, rate) for i in worst}
    alignment = item.log.extra.get("alignment")
    pairing = alignment if isinstance(alignment, Mapping) else {}
    partners: dict[int, int] = {}
    for i, number in decoded.items():
        partner = reference_frame(pairing, number)
        partners[i] = number if partner is None else partner
    try:
        pictures = grab(path, decoded.values())
        beside = grab(reference, partners.values()) if reference else {}
    except InputError as error:
        page.warnings.append(f"no thumbnails: {error}")
        return []
    return [
        Figure(
            item.label,
            item.log.frame_numbers[i],
            times[i],
            f"{feature} {item.log.columns[feature][i]:.3f}",
            pictures[decoded[i]],
            beside.get(partners[i]),
        )
        for i in worst
        if decoded[i] in pictures
    ]


def _is(path: Path, item: Item, role: str) -> bool:
    told = input_of(item.log, role).get("sha256")
    if not isinstance(told, str):
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == told
