"""Where the results of a batch lie: objects with names, each of which is complete or not there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from vqa_harness.errors import InputError
from vqa_harness.files import make_folder, read_bytes, try_folder, write_text


class Place(Protocol):
    """Holds objects by names such as ``rows/ab/KEY.json``."""

    def where(self, name: str) -> str:
        """What a message calls an object."""

    def begin(self) -> None:
        """Make ready for what is put.

        Raises:
            UsageError: nothing can be put.
        """

    def put(self, name: str, text: str) -> None:
        """Let an object appear, or another take its place, in one step.

        Raises:
            UsageError: a folder of this machine cannot be written.
            InputError: a store of objects cannot.
        """

    def read(self, name: str, most: int, what: str, missing: str = "") -> bytes:
        """The content of an object.

        Args:
            name: its name.
            most: bytes that it may have.
            what: what it should be, for the message.
            missing: what the message says of one that is not there; empty for the usual.

        Raises:
            InputError: it is missing, too large, or cannot be read.
        """

    def read_each(
        self, names: Iterable[str], most: int, what: str
    ) -> Iterator[tuple[str, bytes | InputError]]:
        """Yield the name and the content of each object, or why it has none, in their order."""

    def has(self, name: str) -> bool:
        """Whether an object is there."""

    def names(self, folder: str) -> list[str]:
        """The last parts of the names below a folder, in order; none where it is not there."""

    def workshop(self, *folders: str) -> AbstractContextManager[Path]:
        """Yield a folder of this machine; what is made in these folders of it is then here."""


class Folder:
    """A folder of this machine.

    Args:
        path: its path.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def where(self, name: str) -> str:
        """What a message calls an object."""
        return str(self.path / name)

    def begin(self) -> None:
        """Make the folder, and try it."""
        try_folder(self.path)

    def put(self, name: str, text: str) -> None:
        """Let an object appear, or another take its place, in one step."""
        path = self.path / name
        make_folder(path.parent)
        write_text(path, text)

    def read(self, name: str, most: int, what: str, missing: str = "") -> bytes:
        """The content of an object; see `Place`."""
        return read_bytes(self.path / name, most, what, missing=missing)

    def read_each(
        self, names: Iterable[str], most: int, what: str
    ) -> Iterator[tuple[str, bytes | InputError]]:
        """The content of each object, or why it has none."""
        for name in names:
            try:
                content: bytes | InputError = self.read(name, most, what)
            except InputError as error:
                content = error
            yield name, content

    def has(self, name: str) -> bool:
        """Whether an object is there."""
        return (self.path / name).is_file()

    def names(self, folder: str) -> list[str]:
        """The last parts of the names below a folder, in order."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return sorted(os.listdir(self.path / folder))  # noqa: PTH208 - names alone are needed
        return []

    @contextmanager
    def workshop(self, *_folders: str) -> Iterator[Path]:
        """The folder itself."""
        yield self.path
