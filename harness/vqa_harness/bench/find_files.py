"""Names in annotations, and the files below a root that they mean."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from vqa_harness.bench.dataset import Dataset
from vqa_harness.errors import UsageError


def name_parts(name: str) -> list[str]:
    """The folders and the base name of a path."""
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def stem_of(name: str, suffixes: Sequence[str]) -> str:
    """The name without its suffix, if that is one of a video or still."""
    low = name.casefold()
    if not low.endswith((*suffixes, ".yuv")):
        return name
    suffix = next(suffix for suffix in (*suffixes, ".yuv") if low.endswith(suffix))
    return name[: -len(suffix)]


def bare_of(stem: str, dataset: Dataset) -> str:
    """The stem without the ending that only some copies of the dataset give it."""
    return re.sub(f"(?:{dataset.ending})$", "", stem) or stem if dataset.ending else stem


class FileIndex:
    """Finds files of a dataset below its root, whatever the folders are called.

    A name that is a path below the root is that file; an absolute name is that file or none, its
    suffix aside. Otherwise the file is looked for by its name without suffix; letter case does not
    count. The folder above it must agree as well where names are told apart by it, or where several
    files fit. A file of exactly that name goes before one that differs by the dataset's ``ending``.

    Args:
        root: the folder of the dataset.
        dataset: says which file names and suffixes to look for.
        depth: how many parts of their paths are needed to tell the names apart.
    """

    def __init__(self, root: Path, dataset: Dataset, depth: int = 1) -> None:
        self._root, self._dataset, self._depth = root, dataset, depth
        self._files: Mapping[str, Mapping[str, list[Path]]] | None = None

    def find(self, name: str) -> Path | None:
        """The file of a name; None where there is none.

        Args:
            name: a name that does not lead out of the root.

        Raises:
            UsageError: several files fit.
        """
        parts = name_parts(name)
        if name.startswith("/"):
            return self._absolute(name)
        direct = os.path.join(self._root, *parts)  # noqa: PTH118 - Path is slow on 100,000 names
        if os.path.isfile(direct):  # noqa: PTH113 - False for names too long
            return Path(direct)
        stem = stem_of("/".join(parts), self._dataset.suffixes)
        for form in self._dataset.files:
            whole = form.replace("{name}", stem)
            paths = self._candidates(whole) or self._candidates(
                bare_of(whole, self._dataset), "bare"
            )
            if len(paths) > 1:
                shown = " and ".join(str(path.relative_to(self._root)) for path in paths[:2])
                raise UsageError(
                    f"{self._dataset.name}: {name} may be {shown}; narrow the root, or move one"
                )
            if paths:
                return paths[0]
        return None

    def _absolute(self, name: str) -> Path | None:
        stem = stem_of(name, self._dataset.suffixes)
        forms = [name, *(stem + suffix for suffix in self._dataset.suffixes)]
        found = (form for form in forms if os.path.isfile(form))  # noqa: PTH113 - see above
        return next((Path(form) for form in found), None)

    def _candidates(self, stem: str, by: Literal["whole", "bare"] = "whole") -> list[Path]:
        *folders, base = stem.casefold().split("/")
        paths = self._index()[by].get(base, [])
        if folders and (len(paths) > 1 or self._depth > 1):
            return [path for path in paths if path.parent.name.casefold() == folders[-1]]
        return paths

    def _index(self) -> Mapping[str, Mapping[str, list[Path]]]:
        if self._files is None:
            whole: dict[str, list[Path]] = {}
            for folder, _, names in os.walk(self._root):
                for name in sorted(names):
                    stem = stem_of(name, self._dataset.suffixes)
                    if stem != name:
                        whole.setdefault(stem.casefold(), []).append(Path(folder, name))
            bare: dict[str, list[Path]] = {}
            for paths in whole.values() if self._dataset.ending else ():
                for path in paths:
                    stem = bare_of(stem_of(path.name, self._dataset.suffixes), self._dataset)
                    bare.setdefault(stem.casefold(), []).append(path)
            self._files = {"whole": whole, "bare": bare}
        return self._files
