"""The items of a dataset: names, opinions, files, splits."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqa_harness.bench.annotations import Row, read_annotation, read_names
from vqa_harness.bench.dataset import Annotation, AnnotationSource, Dataset, Scale
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
        unrated: how many rows without a score were left out.
    """

    dataset: Dataset
    items: list[RatedVideo]
    source: str
    scale: Scale
    lists: Mapping[str, frozenset[str]]
    has_references: bool = False
    unrated: int = 0


def collect(dataset: Dataset, root: Path, annotations: Path | None = None) -> Collection:
    """Read the annotations and look for the files.

    Args:
        dataset: the dataset to read.
        root: the folder of the videos.
        annotations: the folder of the annotation files; None for the root.

    Raises:
        UsageError: the root or the annotations are not there, a name is in them twice with
            different scores, or a name leads out of the root.
    """
    if not root.is_dir():
        raise UsageError(f"{dataset.name}: {root} is not a folder; name that of the videos")
    folders = [folder for folder in (annotations, root) if folder is not None]
    source = _find_source(dataset, folders)
    read = _read_rows(dataset, source, folders)
    rows = [row for row in read if not math.isnan(row.score)]
    if not rows:
        raise UsageError(f"{dataset.name}: the annotations hold no score")
    depth = _depth([row.name for row in rows], dataset)
    listed = _lists(dataset, folders, depth)
    for row, key in zip(rows, (_key(row.name, dataset, depth) for row in rows), strict=True):
        if row.split:
            listed.setdefault(row.split, set()).add(key)
    files = FileIndex(root, dataset, depth)
    items: dict[str, RatedVideo] = {}
    for row in rows:
        item = _item(row, dataset, depth, files, listed)
        earlier = items.setdefault(item.key, item)
        if earlier.score != item.score:
            raise UsageError(
                f"{dataset.name}: {row.name} is in the annotations twice, with scores "
                f"{earlier.score:g} and {item.score:g}"
            )
    return Collection(
        dataset,
        list(items.values()),
        source.about,
        source.scale or dataset.scale,
        {split: frozenset(keys) for split, keys in listed.items()},
        any(table.reference is not None for table in source.tables),
        len(read) - len(rows),
    )


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


def _read_rows(dataset: Dataset, source: AnnotationSource, folders: Sequence[Path]) -> list[Row]:
    rows: list[Row] = []
    for table in source.tables:
        path = _find(table.file, folders)
        assert path is not None
        rows += read_annotation(path, table, _score_path(dataset, table, folders))
    return rows


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
    return "/".join(_parts(_stem(name, dataset.suffixes))[-depth:]).casefold()


def _parts(name: str) -> list[str]:
    """The folders and the base name of a path."""
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def _stem(name: str, suffixes: Sequence[str]) -> str:
    """The name without its suffix, if that is one of a video or still."""
    low = name.casefold()
    if not low.endswith((*suffixes, ".yuv")):
        return name
    suffix = next(suffix for suffix in (*suffixes, ".yuv") if low.endswith(suffix))
    return name[: -len(suffix)]


class FileIndex:
    """Finds files of a dataset below its root, whatever the folders are called.

    A name that is a path below the root is that file. Otherwise the file is looked for by its
    name without suffix; letter case does not count. The folder above it must agree as well where
    names are told apart by it, or where several files fit.

    Args:
        root: the folder of the dataset.
        dataset: says which file names and suffixes to look for.
        depth: how many parts of their paths are needed to tell the names apart.
    """

    def __init__(self, root: Path, dataset: Dataset, depth: int = 1) -> None:
        self._root, self._dataset, self._depth = root, dataset, depth
        self._files: dict[str, list[Path]] | None = None

    def find(self, name: str) -> Path | None:
        """The file of a name; None where there is none.

        Raises:
            UsageError: the name leads out of the root, or several files fit.
        """
        parts = _parts(name)
        if name.startswith(("/", "\\")) or ".." in parts or not parts or "\0" in name:
            raise UsageError(f"{self._dataset.name}: {name[:80]!r} leads out of the root folder")
        direct = os.path.join(self._root, *parts)  # noqa: PTH118 - Path is slow on 100,000 names
        if os.path.isfile(direct):  # noqa: PTH113 - False for names too long
            return Path(direct)
        stem = _stem("/".join(parts), self._dataset.suffixes)
        for form in self._dataset.files:
            paths = self._candidates(form.replace("{name}", stem))
            if len(paths) > 1:
                shown = " and ".join(str(path.relative_to(self._root)) for path in paths[:2])
                raise UsageError(
                    f"{self._dataset.name}: {name} may be {shown}; narrow the root, or move one"
                )
            if paths:
                return paths[0]
        return None

    def _candidates(self, stem: str) -> list[Path]:
        *folders, base = stem.casefold().split("/")
        paths = self._index().get(base, [])
        if folders and (len(paths) > 1 or self._depth > 1):
            return [path for path in paths if path.parent.name.casefold() == folders[-1]]
        return paths

    def _index(self) -> dict[str, list[Path]]:
        if self._files is None:
            self._files = {}
            for folder, _, names in os.walk(self._root):
                for name in sorted(names):
                    stem = _stem(name, self._dataset.suffixes)
                    if stem != name:
                        self._files.setdefault(stem.casefold(), []).append(Path(folder, name))
        return self._files


def without_files(items: Sequence[RatedVideo], *, needs_reference: bool) -> list[RatedVideo]:
    """The items whose file is missing, or whose reference is if that is needed."""
    return [i for i in items if i.path is None or (needs_reference and i.reference is None)]
