"""The items of a dataset: names, opinions, files, splits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqa_harness.bench.annotations import Row, read_annotation, read_names
from vqa_harness.bench.bad_rows import BadRow, already_in, how_many, summary
from vqa_harness.bench.dataset import Annotation, AnnotationSource, Dataset, Scale
from vqa_harness.bench.find_files import FileIndex, bare_of, name_parts, stem_of
from vqa_harness.errors import UsageError

_WHOLE = 1000
"""A depth that takes in every part of a path."""


@dataclass(frozen=True, slots=True)
class RatedVideo:
    """One rated video or still.

    Attributes:
        name: its name in the annotations.
        key: how it is recognised in other lists: base name without suffix, letter case ignored,
            with the folder above it where base names are not unique.
        score: the opinion on the scale of the source.
        path: its file; None where that is missing.
        reference: the file it is compared with; None for none.
        splits: names of the splits it is in.
        content: a text that versions of one content share; the key where nothing is known.
    """

    name: str
    key: str
    score: float
    path: Path | None = None
    reference: Path | None = None
    splits: frozenset[str] = frozenset()
    content: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """A dataset as it is on this machine.

    Attributes:
        dataset: the description of the dataset.
        items: its items in the order of the annotations.
        source: the form of the annotations that was read.
        scale: the scale of the scores.
        lists: name of a split to the keys of its items, if its list is there.
        has_references: whether the annotations name references.
        bad: rows of the annotations that were left out.
    """

    dataset: Dataset
    items: list[RatedVideo]
    source: str
    scale: Scale
    lists: Mapping[str, frozenset[str]]
    has_references: bool = False
    bad: Sequence[BadRow] = ()


def collect(dataset: Dataset, root: Path, annotations: Path | None = None) -> Collection:
    """Read the annotations and look for the files.

    Args:
        dataset: the dataset to read.
        root: the folder of the videos.
        annotations: the folder of the annotation files; None for the root.

    Raises:
        UsageError: the root or the annotations are not there, or none of their rows can be used.
    """
    if not root.is_dir():
        raise UsageError(f"{dataset.name}: {root} is not a folder; name that of the videos")
    folders = [folder for folder in (annotations, root) if folder is not None]
    source = _find_source(dataset, folders)
    rows, bad = _read_rows(dataset, source, folders, root)
    depth = _depth([row.name for row in rows], dataset)
    listed = _lists(dataset, folders, depth)
    keys = [_key(row.name, dataset, depth) for row in rows]
    for row, key in zip(rows, keys, strict=True):
        if row.split:
            listed.setdefault(row.split, set()).add(key)
    rows = _each_once(rows, keys, bad)
    tables = [Path(table.file).name for table in source.tables]
    bad.sort(key=lambda row: (tables.index(row.table), row.line))
    if not rows:
        why = f"; {how_many(bad)} left out ({summary(bad, 1)})" if bad else ""
        raise UsageError(f"{dataset.name}: no row of the annotations can be used{why}")
    files = FileIndex(root, dataset, depth)
    return Collection(
        dataset,
        [_item(row, dataset, depth, files, listed) for row in rows],
        source.about,
        source.scale or dataset.scale,
        {split: frozenset(keys) for split, keys in listed.items()},
        any(table.reference is not None for table in source.tables),
        bad,
    )


def _each_once(rows: Sequence[Row], keys: Sequence[str], bad: list[BadRow]) -> list[Row]:
    """The first row of each item; later ones are added to ``bad``.

    A row that only puts the item into one more split, or repeats it in another table, is not bad.
    """
    first: dict[str, Row] = {}
    for row, key in zip(rows, keys, strict=True):
        known = first.setdefault(key, row)
        again = (known.table, known.split) == (row.table, row.split)
        if known is row or (known.score == row.score and not again):
            continue
        reason = already_in(known.line)
        if known.table != row.table:
            reason = f"{reason.removesuffix(' already')} of {known.table} already"
        if known.score != row.score:
            reason += f", with score {known.score:g} for {row.score:g}"
        bad.append(BadRow(row.table, row.line, row.name, reason))
    return list(first.values())


def annotation_files(dataset: Dataset, folders: Sequence[Path]) -> list[Path]:
    """The files of annotations and of splits that are there.

    Args:
        dataset: the description of the dataset.
        folders: where to look, the first first.
    """
    names = [entry.file for entry in dataset.lists]
    for source in dataset.sources:
        for table in source.tables:
            names += [table.file, *([table.score_file] if table.score_file else [])]
    return [path for name in names if (path := _find(name, folders)) is not None]


def _find_source(dataset: Dataset, folders: Sequence[Path]) -> AnnotationSource:
    for source in dataset.sources:
        if all(_find(table.file, folders) for table in source.tables):
            return source
    files = "; or ".join(
        " and ".join(Path(table.file).name for table in source.tables) for source in dataset.sources
    )
    places = " and ".join(str(folder) for folder in folders)
    raise UsageError(f"{dataset.name}: no annotations in {places}; put there {files}")


def _find(name: str, folders: Sequence[Path]) -> Path | None:
    """The path of a file below one of the folders, or directly in it."""
    tried = (folder / form for folder in folders for form in (name, Path(name).name))
    return next((path for path in tried if path.is_file()), None)


def _read_rows(
    dataset: Dataset, source: AnnotationSource, folders: Sequence[Path], root: Path
) -> tuple[list[Row], list[BadRow]]:
    rows: list[Row] = []
    bad: list[BadRow] = []
    for table in source.tables:
        path = _find(table.file, folders)
        assert path is not None
        read, unusable = read_annotation(path, table, _score_path(dataset, table, folders))
        bad += unusable
        for row in read:
            names = [row.name, *([row.reference] if row.reference else [])]
            outside = [name for name in names if not _is_below(root, name)]
            if outside:
                reason = f"{outside[0][:80]!r} leads out of the root folder"
                bad.append(BadRow(row.table, row.line, row.name, reason))
            else:
                rows.append(row)
    return rows, bad


def _is_below(root: Path, name: str) -> bool:
    """Whether a name, relative or absolute, is that of a file below the root, by its text."""
    parts = name_parts(name)
    if ".." in parts or not parts or "\0" in name or name.startswith("\\"):
        return False
    return not name.startswith("/") or Path(name).is_relative_to(root.absolute())


def _score_path(dataset: Dataset, table: Annotation, folders: Sequence[Path]) -> Path | None:
    if table.score_file is None:
        return None
    path = _find(table.score_file, folders)
    if path is None:
        raise UsageError(f"{dataset.name}: {table.score_file} with the scores is not there")
    return path


def _lists(dataset: Dataset, folders: Sequence[Path], depth: int) -> dict[str, set[str]]:
    keys_of: dict[str, set[str]] = {}
    for entry in dataset.lists:
        path = _find(entry.file, folders)
        if path is not None:
            keys = (_key(name, dataset, depth) for name in read_names(path))
            keys_of.setdefault(entry.split, set()).update(keys)
    return keys_of


def _item(
    row: Row, dataset: Dataset, depth: int, files: FileIndex, listed: Mapping[str, set[str]]
) -> RatedVideo:
    key = _key(row.name, dataset, depth)
    match = re.match(dataset.content, row.name) if dataset.content else None
    return RatedVideo(
        row.name,
        key,
        row.score,
        files.find(row.name),
        files.find(row.reference) if row.reference else None,
        frozenset(split for split, keys in listed.items() if key in keys),
        "/".join(part or "" for part in match.groups()).casefold() if match else key,
    )


def _depth(names: Sequence[str], dataset: Dataset) -> int:
    """How many parts of their paths, from the last, are needed to tell the names apart."""
    all_parts = {_key(name, dataset, _WHOLE) for name in names}
    for depth in (1, 2):
        if len({_key(name, dataset, depth) for name in names}) == len(all_parts):
            return depth
    return _WHOLE


def _key(name: str, dataset: Dataset, depth: int) -> str:
    bare = bare_of(stem_of(name, dataset.suffixes), dataset)
    return "/".join(name_parts(bare)[-depth:]).casefold()


def without_files(items: Sequence[RatedVideo], *, needs_reference: bool) -> list[RatedVideo]:
    """The items whose file is missing, or whose reference is if that is needed."""
    return [i for i in items if i.path is None or (needs_reference and i.reference is None)]
