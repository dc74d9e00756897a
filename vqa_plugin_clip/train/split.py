"""Training and validation parts that share no content."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from vqa_harness.errors import UsageError
from vqa_plugin_clip.train.opinion_table import Opinion

BY_NAME = "name"
"""Value of ``--split-by`` for contents that the file names tell."""

_PART_BEFORE = re.compile(r"[^_.]+")


def group_column(split_by: str) -> str:
    """The table column that ``--split-by`` names; empty where it names none."""
    return "" if split_by == BY_NAME or split_by.startswith(f"{BY_NAME}:") else split_by


def groups(opinions: Sequence[Opinion], split_by: str) -> list[str]:
    """What the content of each file is called.

    Args:
        opinions: the files.
        split_by: empty: every file has a content of its own; ``name``: the base name up to its
            first ``_`` or ``.``; ``name:PATTERN``: what the regular expression finds in the base
            name (its first group, where it has one); else a column of the table.

    Raises:
        UsageError: the pattern is no regular expression.
    """
    if not split_by:
        return [opinion.name for opinion in opinions]
    if group_column(split_by):
        return [opinion.group or opinion.name for opinion in opinions]
    pattern = _PART_BEFORE
    if split_by != BY_NAME:
        try:
            pattern = re.compile(split_by.removeprefix(f"{BY_NAME}:"))
        except re.error as error:
            raise UsageError(f"--split-by {split_by}: not a regular expression ({error})") from None
    return [_found(pattern, opinion) for opinion in opinions]


def split(names: Sequence[str], share: float, seed: int) -> list[bool]:
    """Which rows are for validation.

    Contents are put in random order and taken until the next would lead further away from the
    share of rows than stopping does; at least one is taken and one left.

    Args:
        names: content of each row.
        share: of the rows, above 0 and below 1.
        seed: of the order.

    Raises:
        UsageError: the share is out of range, or there is one content only.
    """
    if not 0 < share < 1:
        raise UsageError(f"--val-share {share:g}: needs a number between 0 and 1")
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        rows[name].append(index)
    if len(rows) < 2:
        raise UsageError(f"--val-share {share:g}: {len(rows)} content cannot be split in two parts")
    wanted, taken = share * len(names), 0
    chosen = [False] * len(names)
    contents = sorted(rows)
    for place in np.random.default_rng(seed).permutation(len(contents))[:-1]:
        members = rows[contents[int(place)]]
        if taken and abs(taken + len(members) - wanted) >= abs(taken - wanted):
            break
        taken += len(members)
        for index in members:
            chosen[index] = True
    return chosen


def _found(pattern: re.Pattern[str], opinion: Opinion) -> str:
    """What the pattern finds in the base name; the whole name where it finds nothing."""
    match = pattern.search(opinion.path.name)
    if match is None:
        return opinion.name
    return match.group(1) or match.group() if pattern.groups else match.group()
