"""Parts of a dataset: named splits, and random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqa_harness.bench.dataset import ALL, RANDOM
from vqa_harness.bench.items import Collection, RatedVideo
from vqa_harness.errors import UsageError, nearest

TEST_SHARE = 0.2
"""Part of the contents that a random split tests on."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a dataset that is evaluated.

    Attributes:
        split: the name of the split.
        items: its items in the order of the annotations.
        draws: index lists into ``items``, one per random split; empty for a fixed part.
        note: what a reader should know of it; empty for nothing.
    """

    split: str
    items: Sequence[RatedVideo]
    draws: Sequence[Sequence[int]] = ()
    note: str = ""


def choose_part(
    collection: Collection, split: str | None, *, seed: int = 0, repeats: int = 10
) -> Part:
    """The items of a split.

    ``all`` is every item; ``random`` gives ``repeats`` test parts of a fifth of the contents, drawn
    without replacement.

    Args:
        collection: the dataset.
        split: the name of the split; None for the default of the dataset.
        seed: seed of the random splits.
        repeats: how many random splits are drawn.

    Raises:
        UsageError: there is no such split, or its list is not there.
    """
    dataset = collection.dataset
    name = split or dataset.default_split
    if name == ALL:
        trains = [s.name for s in dataset.splits if s.role == "train" and s.name == "train"]
        note = "holds the official training part" if trains else ""
        return Part(ALL, collection.items, note=note)
    if name == RANDOM:
        return Part(RANDOM, collection.items, random_draws(collection.items, seed, repeats))
    known = dataset.split(name)
    if known is None and name not in collection.lists:
        names = [s.name for s in dataset.splits] or list(collection.lists)
        raise UsageError(f"{dataset.name}: no split {name!r}{nearest(name, [*names, ALL, RANDOM])}")
    items = [item for item in collection.items if name in item.splits]
    if not items:
        files = [entry.file for entry in dataset.lists if entry.split == name]
        hint = f"; put {files[0]} beside the annotations" if files else ""
        raise UsageError(f"{dataset.name}: nothing is in split {name!r}{hint}")
    lost = len(collection.lists.get(name, ())) - len(items)
    notes = [f"a {known.role} part"] if known is not None and known.role != "test" else []
    if lost > 0:
        notes.append(f"{lost} names of its list are not in the annotations")
    return Part(name, items, note="; ".join(notes))


def random_draws(items: Sequence[RatedVideo], seed: int, repeats: int) -> list[list[int]]:
    """Draw test parts of a fifth of the contents each, at least one; no content is in both parts.

    Args:
        items: the items to split.
        seed: seed of the generator (NumPy's PCG64).
        repeats: how many parts are drawn.

    Returns:
        Ascending indices into ``items``, one list per draw.
    """
    contents = sorted({item.content for item in items})
    rng = np.random.default_rng(seed)
    count = max(1, round(TEST_SHARE * len(contents)))
    draws = []
    for _ in range(repeats):
        chosen = {contents[i] for i in rng.permutation(len(contents))[:count]}
        draws.append([i for i, item in enumerate(items) if item.content in chosen])
    return draws
