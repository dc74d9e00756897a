"""Reads from the command line what is benchmarked: datasets, roots, splits, a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vqa_harness.bench.dataset import (
    CUSTOM,
    Annotation,
    AnnotationSource,
    BenchTarget,
    Dataset,
    Scale,
    find_dataset,
)
from vqa_harness.errors import UsageError, refuse_twice

SUFFIXES = [
    *(".mp4", ".mkv", ".mov", ".avi", ".webm", ".y4m"),
    *(".bmp", ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"),
]
"""Endings tried for file names that a table gives without one."""


@dataclass(frozen=True, slots=True)
class CustomTable:
    """A CSV file with opinion scores.

    Attributes:
        table: the file; ``.tsv`` is tab-separated.
        file_column: header of the column of file names, or its number where there is no header.
        score_column: header or number of the column of opinion scores.
        split_column: header or number of the column of names of splits; None if there is none.
        reference_column: header or number of the column of file names of references; None if there
            is none.
        lower_is_better: whether low scores are good, as DMOS.
    """

    table: Path
    file_column: str = "file"
    score_column: str = "score"
    split_column: str | None = None
    reference_column: str | None = None
    lower_is_better: bool = False

    def dataset(self) -> Dataset:
        """This table as a dataset that can be benchmarked."""
        annotation = Annotation(
            file=str(self.table.absolute()),
            name=self.file_column,
            score=self.score_column,
            split_column=self.split_column,
            reference=self.reference_column,
            header=not (self.file_column.isdecimal() and self.score_column.isdecimal()),
            delimiter="\t" if self.table.suffix.lower() == ".tsv" else ",",
        )
        return Dataset(
            name=CUSTOM,
            title=self.table.name,
            scale=Scale(
                kind="DMOS" if self.lower_is_better else "MOS",
                higher_is_better=not self.lower_is_better,
            ),
            sources=[AnnotationSource(about=self.table.name, tables=[annotation])],
            suffixes=SUFFIXES,
        )


def read_targets(
    texts: Sequence[str], root: Path | None, split: str | None, custom: CustomTable | None
) -> list[BenchTarget]:
    """Read ``NAME``, ``NAME=ROOT`` and ``NAME:SPLIT=ROOT``.

    Args:
        texts: the arguments as typed.
        root: value of ``--root``, for a single dataset without ``=ROOT``.
        split: value of ``--split``, for datasets without ``:SPLIT``.
        custom: the table of ``--table``; None if there is none.

    Raises:
        UsageError: nothing is named, a dataset is unknown or has no root, or is named twice.
    """
    if custom is not None and not any(_name(text) == CUSTOM for text in texts):
        texts = [*texts, CUSTOM]
    if not texts:
        raise UsageError("no dataset; name one (vqa-harness bench --list shows them), or --table")
    if root is not None and len({_name(text) for text in texts}) > 1:
        raise UsageError("--root is for a single dataset; write NAME=ROOT for each of several")
    targets = [_target(text, root, split, custom) for text in texts]
    refuse_twice(
        "dataset", (f"{t.dataset.name}:{t.split or t.dataset.default_split}" for t in targets)
    )
    return targets


def _name(text: str) -> str:
    return _cut(text)[0]


def _cut(text: str) -> tuple[str, str | None, str]:
    """The name, the split (None without one) and the root (empty without one) of an argument."""
    left, _, root = text.partition("=")
    match = re.fullmatch(r"(.+?):([a-z0-9][a-z0-9-]*)", left)
    return (match[1], match[2], root) if match else (left, None, root)


def _target(
    text: str, root: Path | None, split: str | None, custom: CustomTable | None
) -> BenchTarget:
    name, own_split, own_root = _cut(text)
    if name != CUSTOM:
        dataset = find_dataset(name)
        place = Path(own_root) if own_root else root
    elif custom is None:
        raise UsageError("custom needs --table FILE with opinion scores")
    else:
        dataset = custom.dataset()
        place = Path(own_root) if own_root else root or custom.table.parent
    if place is None:
        raise UsageError(f"{name}: name the folder of its files: --root DIR, or {name}=DIR")
    return BenchTarget(dataset, place, own_split or split)
