"""What a corpus consists of: the rows of manifests, and the videos of folders and globs."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from vqa_harness.batch import remote
from vqa_harness.batch.tables import ENDINGS, rows_of
from vqa_harness.config import one_descent
from vqa_harness.errors import InputError, UsageError, nearest
from vqa_harness.files import is_address
from vqa_harness.media.inputs import expand

FILE, REFERENCE = "file", "reference"
_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a manifest, or one video of a folder.

    Attributes:
        place: where it stands, for messages, such as ``cases.csv, row 7``; empty outside a
            manifest.
        file: the video as it is named there.
        reference: what it is compared with, as named there; empty for none.
        folder: what the two names are relative to.
        columns: the further columns.
        repeat: how many entries before it name the same two files.
    """

    place: str
    file: str
    reference: str = ""
    folder: Path = Path()
    columns: dict[str, Any] = field(default_factory=dict)
    repeat: int = 0

    @property
    def distorted_path(self) -> Path:
        """The video."""
        return self._path(self.file)

    @property
    def reference_path(self) -> Path | None:
        """What it is compared with."""
        return self._path(self.reference) if self.reference else None

    def _path(self, name: str) -> Path:
        """A file as a path; an address only in looks, which is fetched before it is read."""
        return Path(name) if is_address(name) else (self.folder / name).absolute()


class Manifest:
    """All cases of a corpus, read anew whenever it is iterated.

    Args:
        inputs: manifests, by their endings; folders; globs; videos.
        reference: the reference of entries that name none; None for none.
        told: takes a line about files of a folder that are left out, once.
        allow_remote: whether videos may lie elsewhere, see `vqa_harness.batch.remote`.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        reference: Path | None,
        told: Callable[[str], None],
        *,
        allow_remote: bool = False,
    ) -> None:
        self._remote = allow_remote
        self._inputs = list(inputs)
        self._reference = "" if reference is None else str(reference.absolute())
        self._told: Callable[[str], None] | None = told

    def __iter__(self) -> Iterator[Entry]:
        """The entries in order.

        Raises:
            UsageError: a row is broken, or names no file; the message says which.
            InputError: a folder or a glob has no video.
            MissingBackend: a manifest is a Parquet file and pyarrow is not installed.
        """
        seen, repeats = set[bytes](), dict[bytes, int]()  # few repeat: a set takes half as much
        for text in self._inputs:
            for entry in self._entries(text):
                names = f"{entry.file}\0{entry.reference}".encode("utf-8", "surrogatepass")
                name = blake2b(names, digest_size=12).digest()
                if name in seen:
                    repeats[name] = repeats.get(name, 0) + 1
                seen.add(name)
                yield replace(entry, repeat=repeats[name]) if name in repeats else entry
        self._told = None

    def files(self) -> list[Path]:
        """The manifests themselves."""
        return [Path(text) for text in self._inputs if _is_manifest(Path(text))]

    def _entries(self, text: str) -> Iterator[Entry]:
        path = Path(text)
        if is_address(text):
            raise UsageError(
                f"{text}: a manifest or a folder has to be local; videos that it names may lie "
                "elsewhere with --allow-remote"
            )
        if _is_manifest(path):
            for place, cells in rows_of(path):
                yield self._row(path, place, cells)
            return
        for video in self._videos(path):
            yield Entry("", str(video), self._reference)

    def _row(self, manifest: Path, place: str, cells: dict[str, Any]) -> Entry:
        where = f"{manifest.name}, {place}"
        if FILE not in cells:
            raise UsageError(f"{where}: has no column {FILE!r}{nearest(FILE, cells)}")
        file = self._name(where, FILE, cells)
        reference = self._name(where, REFERENCE, cells)
        if not file:
            raise UsageError(f"{where}: names no file; fill the column {FILE!r}")
        columns = {n: x for n, x in cells.items() if n not in (FILE, REFERENCE)}
        return Entry(where, file, reference or self._reference, manifest.absolute().parent, columns)

    def _name(self, where: str, column: str, cells: dict[str, Any]) -> str:
        value = cells.get(column)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise UsageError(f"{where}, {column!r}: {value!r} is no name of a file")
        if is_address(value) and not self._remote:
            raise UsageError(
                f"{where}: {value}: URLs are not opened; download it first, or allow it with "
                "--allow-remote"
            )
        if is_address(value) and not remote.opens(value):
            raise UsageError(f"{where}: {value}: is no address of {', '.join(remote.SCHEMES)}")
        if "\0" in value:
            raise UsageError(f"{where}, {column!r}: no file can have a name with a null character")
        return value.strip()

    def _videos(self, path: Path) -> list[Path]:
        if not _WILD & set(str(path)) or path.exists():
            return expand([path], self._told or (lambda _: None))
        pattern = one_descent(str(path))
        found = [Path(name) for name in glob.iglob(pattern, recursive=True)]  # noqa: PTH207
        files = sorted(one for one in found if one.is_file())
        if not files:
            raise InputError(f"{path}: matches no file; check the pattern")
        return files


def _is_manifest(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.is_dir()
