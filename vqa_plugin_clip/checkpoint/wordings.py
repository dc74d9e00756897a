"""Wordings of the quality levels for a checkpoint that was made elsewhere: which, and who says so.

Weights show no trace of the wording that they were trained with, and another one gives other
scores, so it is never guessed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from vqa_harness.errors import UsageError, nearest
from vqa_plugin_clip.network.labels import LEVELS
from vqa_plugin_clip.network.tokens import LABELS, LABELS_1, LABELS_LONG

PUBLISHED = {"labels": LABELS, "labels_1": LABELS_1, "labels_long": LABELS_LONG}
"""The lists that came with the published training code, by the names of their files."""


class Wording(NamedTuple):
    """Words for the levels.

    Attributes:
        levels: One wording per level, worst first.
        origin: Who says that the network was trained with them.
    """

    levels: tuple[str, ...]
    origin: str


def read_levels(text: str) -> tuple[str, ...]:
    """Read what ``--levels`` was given: the name of a published list, or wordings.

    Args:
        text: ``labels``, ``labels_1`` or ``labels_long``; or wordings separated by commas, worst
            first.

    Returns:
        The wordings, without spaces around them; as many as there are.

    Raises:
        UsageError: It is neither, or a wording is empty or given twice.
    """
    name = text.strip().removesuffix(".csv")
    if name in PUBLISHED:
        return PUBLISHED[name]
    levels = tuple(word.strip() for word in text.split(","))
    if len(levels) == 1:
        raise UsageError(
            f"--levels {text}: neither a published list nor wordings separated by commas"
            f"{nearest(name, PUBLISHED)}"
        )
    if "" in levels:
        raise UsageError(f"--levels {text}: wording {levels.index('') + 1} is empty")
    twice = [word for word in levels if levels.count(word) > 1]
    if twice:
        raise UsageError(f"--levels {text}: {twice[0]!r} is there twice; two levels would be alike")
    return levels


def choose_wording(asked: str, named: str) -> Wording:
    """Choose the wordings of a checkpoint of the published code.

    Args:
        asked: What ``--levels`` was given; empty for nothing.
        named: Path of the list of labels that the checkpoint's configuration names; empty where it
            has none.

    Raises:
        UsageError: The wordings are not six, or nobody says which they are.
    """
    file_name = re.split(r"[/\\]", named)[-1]
    of_file = PUBLISHED.get(file_name.removesuffix(".csv"))
    if asked:
        levels = read_levels(asked)
        if len(levels) != LEVELS:
            raise UsageError(
                f"--levels {asked}: {len(levels)} wordings; the published network has {LEVELS}"
                " levels, worst first"
            )
        origin = "given by --levels"
        if named and of_file != levels:
            origin += f"; the file's own configuration names {file_name[:80]!r}"
        return Wording(levels, origin)
    if of_file is not None:
        return Wording(of_file, f"the file's configuration names the published list {file_name}")
    if named:
        raise UsageError(
            f"--levels: needed, because the file's configuration names {file_name[:80]!r}, none of"
            f" the published lists; give its {LEVELS} wordings, worst first, by commas"
        )
    lists = "; ".join(f"{name} ({', '.join(words)})" for name, words in PUBLISHED.items())
    raise UsageError(
        "--levels: needed, because the file does not say which wordings it was trained with; give"
        f" the published list, {lists}; or {LEVELS} others, worst first, by commas"
    )
