"""How a gate pairs frames unless it is told otherwise, and whether enough of them were scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vqa_harness.alignment.options import AlignOptions

if TYPE_CHECKING:
    from vqa_harness.logs.log import Log

DEFAULTS = AlignOptions(tail="error")
"""The options of pairing of a gate: what only one of the two videos has at an end is an error."""

MIN_SHARE = 0.9
"""Share of the frames between both ends that must have been scored."""


def options_of(changed: Mapping[str, Any]) -> AlignOptions:
    """The options of pairing of a case.

    Args:
        changed: those that differ from `DEFAULTS`, by name.
    """
    return replace(DEFAULTS, **changed)


def scored_with(changed: Mapping[str, Any]) -> AlignOptions:
    """The options that a case is scored with.

    What ``tail="error"`` does not accept is scored all the same, and refused by `missing_ends` when
    rules are judged: so that the verdict can show what was found, and the cache keep it.

    Args:
        changed: options that differ from `DEFAULTS`, by name.
    """
    options = options_of(changed)
    return replace(options, tail="common") if options.tail == "error" else options


def missing_ends(log: Log, changed: Mapping[str, Any]) -> str:
    """Why nothing can be said where one video is longer; empty where that is accepted, or is not.

    Args:
        log: the log of a case; one without alignment says nothing of what was left out.
        changed: options of pairing that differ from `DEFAULTS`, by name.
    """
    found = log.view.alignment
    head = (found.distorted_head or 0, found.reference_head or 0)
    tail = (found.distorted_tail or 0, found.reference_tail or 0)
    if found.pairs is None or options_of(changed).tail != "error" or not any((*head, *tail)):
        return ""
    return (
        f"cannot be judged: {found.pairs} frames were scored; left out: {head[0]} + {tail[0]} "
        f"of the distorted and {head[1]} + {tail[1]} of the reference (start + end); --tail common,"
        " in a configuration tail = 'common' below [align], accepts that"
    )


def too_few(log: Log, min_share: float) -> str:
    """Why the scores of a log speak for too few of the frames; empty where they do not.

    Args:
        log: the log of a case; one without alignment says nothing of what was left out.
        min_share: share of the frames, both ends left aside, that must have been scored.
    """
    found = log.view.alignment
    if found.pairs is None:
        return ""
    lost = (found.dropped.count, found.unmatched_frames, found.facts.get("skipped_corrupt"))
    whole = found.pairs + sum(int(count or 0) for count in lost)
    if found.pairs >= min_share * whole:
        return ""
    return (
        f"cannot be judged: {found.pairs} of {whole} frames were scored, {min_share:.0%} are "
        "needed; --min-share, in a configuration min_share, changes that"
    )
