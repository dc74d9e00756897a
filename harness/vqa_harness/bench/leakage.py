"""Finds whether what is evaluated was seen in training: by other splits, or by a metric itself.

The same file under two names, or two versions of one content, in a training and a test part make
correlations look better than they are. So does a checkpoint trained on the items it is scored on;
CLIPVQA's 1080p training list, which holds LSVQ's official test part, is the known case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from vqa_harness.bench.dataset import ALL, RANDOM, Dataset
from vqa_harness.bench.items import Collection, RatedVideo
from vqa_harness.bench.splits import Part
from vqa_harness.files import file_sha256


def shared_with_training(collection: Collection, part: Part) -> list[str]:
    """A line for each thing that a part shares with a split it must be apart from.

    Items are compared by name, content and bytes (of files of equal size).

    Raises:
        InputError: a file cannot be read.
    """
    return [
        problem
        for other in _apart_from(collection, part.split)
        for problem in _shared(collection, part, other)
    ]


def _apart_from(collection: Collection, split: str) -> list[str]:
    if split in (ALL, RANDOM):
        return []
    known = collection.dataset.split(split)
    if known is not None:
        return [name for name in known.apart_from if name in collection.lists]
    return [name for name in collection.lists if name != split]


def _shared(collection: Collection, part: Part, other: str) -> Iterator[str]:
    head = f"{collection.dataset.name}: splits {part.split} and {other} share"
    keys = collection.lists[other]
    names = [item.name for item in part.items if item.key in keys]
    if names:
        yield f"{head} {_count(names, 'file')}"
        return
    others = [item for item in collection.items if item.key in keys]
    contents = {item.content for item in others}
    same = [item.name for item in part.items if item.content in contents]
    if same:
        yield f"{head} contents: {_count(same, 'file')} of {part.split} show them"
        return
    twins = _same_bytes(part.items, others)
    if twins:
        yield f"{head} bytes: {' is '.join(twins[0])}{_more(len(twins))}"


def _count(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' if len(names) > 1 else ''} ({names[0]}{_more(len(names))})"


def _more(count: int) -> str:
    return ", ..." if count > 1 else ""


def _same_bytes(ones: Sequence[RatedVideo], others: Sequence[RatedVideo]) -> list[tuple[str, str]]:
    by_size: dict[int, list[RatedVideo]] = {}
    for item in others:
        if item.path is not None:
            by_size.setdefault(item.path.stat().st_size, []).append(item)
    twins = []
    for item in ones:
        near = by_size.get(item.path.stat().st_size, []) if item.path is not None else []
        digest = file_sha256(item.path) if near and item.path is not None else ""
        twins += [(item.name, other.name) for other in near if _digest(other.path) == digest]
    return twins


def _digest(path: Path | None) -> str:
    return "" if path is None else file_sha256(path)


def trained_on(collection: Collection, part: Part, training_data: str) -> str | None:
    """The reason why a metric is not fit to be judged on a part; None if none is known.

    ``lsvq:train`` in the text names a split, which is compared with the part if its list is there.
    Otherwise the name or an alias of the dataset is reason enough.

    Args:
        collection: the dataset.
        part: the part that is evaluated.
        training_data: what the metric says it was trained, tuned or validated on.
    """
    dataset = collection.dataset
    pattern = rf"(?<![\w-]){re.escape(dataset.name)}:([a-z0-9-]+)"
    splits = re.findall(pattern, training_data, re.I)
    if splits:
        reasons = (_of_split(collection, part, split.lower()) for split in splits)
        return next((reason for reason in reasons if reason), None)
    if any(_names(training_data, alias) for alias in _spellings(dataset)):
        return f"its training data names {dataset.title}"
    return None


def _of_split(collection: Collection, part: Part, split: str) -> str | None:
    where = f"it was trained on {collection.dataset.name}:{split}"
    if split == part.split or split == ALL:
        return where
    keys = collection.lists.get(split)
    if keys is None:
        return f"{where}, whose list is not here to compare with"
    names = [item.name for item in part.items if item.key in keys]
    return f"{where}, which holds {_count(names, 'file')} of this part" if names else None


def _spellings(dataset: Dataset) -> list[str]:
    return [dataset.name, dataset.title, *dataset.aliases]


def _names(text: str, alias: str) -> bool:
    words = re.findall(r"[^\W_]+", alias)
    pattern = r"[\W_]*".join(map(re.escape, words))
    return bool(words) and bool(re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", text, re.I))
