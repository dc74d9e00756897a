"""Training and validation parts that share no content."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from vqa_harness.errors import UsageError
from vqa_plugin_clip.train.opinion_table import OpinionRow

BY_NAME = "name"
"""The value of ``--split-by`` that takes contents from the file names."""

_PART_BEFORE = re.compile(r"[^_.]+")


def group_column(split_by: str) -> str:
    """Return the table column that ``--split-by`` names; empty if it names none."""
    return "" if split_by == BY_NAME or split_by.startswith(f"{BY_NAME}:") else split_by


def groups(opinions: Sequence[OpinionRow], split_by: str) -> list[str]:
    """Name the content of each file.

    Args:
        opinions: The files.
        split_by: If it is empty, every file has a content of its own. ``name`` takes the base name
            up to its first ``_`` or ``.``; ``name:PATTERN`` takes what the regular expression finds
            in the base name (its first group, if it has one); anything else is a column of the
            table.

    Returns:
        One name per file, in order.

    Raises:
        UsageError: The pattern is not a regular expression.
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
    return [_content_of(pattern, opinion) for opinion in opinions]


def split(names: Sequence[str], share: float, seed: int) -> list[bool]:
    """Choose the rows that are for validation.

    Contents are put in random order and taken until the next would lead further away from the
    share of rows than stopping does; at least one is taken and one left.

    Args:
        names: Content of each row.
        share: Share of the rows to choose, above 0 and below 1.
        seed: Number that the order follows from.

    Returns:
        For each row, whether it is for validation.

    Raises:
        UsageError: The share is out of range, or there is one content only.
    """
    if not 0 < share < 1:
        raise UsageError(f"--val-share {share:g}: needs a number between 0 and 1")
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        rows[name].append(index)
    if len(rows) < 2:
        raise UsageError(f"--val-share {share:g}: {len(rows)} content cannot be split in two parts")
    target, taken = share * len(names), 0
    chosen = [False] * len(names)
    contents = sorted(rows)
    for place in np.random.default_rng(seed).permutation(len(contents))[:-1]:
        members = rows[contents[int(place)]]
        if taken and abs(taken + len(members) - target) >= abs(taken - target):
            break
        taken += len(members)
        for index in members:
            chosen[index] = True
    return chosen


def _content_of(pattern: re.Pattern[str], opinion: OpinionRow) -> str:
    """Return what the pattern finds in the base name; the whole name if it finds nothing."""
    match = pattern.search(opinion.path.name)
    if match is None:
        return opinion.name
    return match.group(1) or match.group() if pattern.groups else match.group()
