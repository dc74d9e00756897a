"""Results of a batch in a store of objects, which fsspec opens.

An object is put whole, so it appears complete or not at all, as a file that is moved into place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from vqa_harness.batch import remote
from vqa_harness.batch.passing import may_pass
from vqa_harness.errors import InputError, UsageError, VqaError, one_line
from vqa_harness.files import make_folder, replacing
from vqa_harness.leftovers import remove_folder, temporary_folder

SCHEMES = tuple(one for one in remote.SCHEMES if one not in ("http", "https"))
"""The kinds of address that results are put to."""
AT_ONCE = 16
"""How many objects are asked for at the same time."""
PAUSES = (0.5, 2.0)
"""Seconds before a request that failed for a reason that may pass is made again."""

T = TypeVar("T")


class Unreachable(InputError):
    """A store of objects refuses, or cannot be asked."""


def check_address(address: str) -> None:
    """Check, before long work, that results can be put to an address.

    Raises:
        UsageError: it is of another kind.
        MissingBackend: fsspec is not installed.
    """
    scheme = address.partition(":")[0].lower()
    if not remote.opens(address) or scheme not in SCHEMES:
        raise UsageError(f"-o {address}: results are put to {', '.join(SCHEMES)} or a local folder")
    remote.require()


class Bucket:
    """What lies below an address; see `vqa_harness.batch.place.Place`.

    Args:
        address: such as ``s3://bucket/out``.
        many: whether many objects are asked for: what is there is then listed, once a folder.
    """

    def __init__(self, address: str, *, many: bool = False) -> None:
        self._address, self._many = address.rstrip("/"), many
        self._listed: dict[str, frozenset[str]] = {}

    def where(self, name: str) -> str:
        """What a message calls an object."""
        return f"{self._address}/{name}"

    def begin(self) -> None:
        """Nothing is made: the settings are put first, and tell whether anything can be."""

    def put(self, name: str, text: str) -> None:
        """Let an object appear, or another take its place, in one step."""
        content = text.encode("utf-8", "backslashreplace")
        self._put(name, lambda system, path: system.pipe_file(path, content))

    def read(self, name: str, most: int, what: str, missing: str = "") -> bytes:
        """The content of an object; see `vqa_harness.batch.place.Place`."""

        def read(system: Any, path: str) -> bytes:
            with system.open(path, "rb") as file:
                content: bytes = file.read(most + 1)
            if len(content) > most:
                raise InputError(
                    f"{self.where(name)}: is larger than {most} bytes, the limit for {what}"
                )
            return content

        try:
            return self._ask(name, "read", read)
        except FileNotFoundError:
            raise InputError(f"{self.where(name)}: {missing or 'no such object'}") from None

    def read_each(
        self, names: Iterable[str], most: int, what: str
    ) -> Iterator[tuple[str, bytes | InputError]]:
        """The content of each object, or why it has none."""

        def read(name: str) -> bytes | InputError:
            try:
                return self.read(name, most, what)
            except Unreachable:
                raise
            except InputError as error:
                return error

        names = iter(names)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while some := list(islice(names, AT_ONCE)):
                asked = {name for name in some if not self._many or self._is_listed(name)}
                found = dict(zip(asked, pool.map(read, asked), strict=True))
                for name in some:
                    absent = InputError(f"{self.where(name)}: no such object")
                    yield name, found.get(name, absent)

    def has(self, name: str) -> bool:
        """Whether an object is there."""
        if self._many and self._is_listed(name):
            return True
        try:
            return self._ask(name, "read", lambda system, path: system.info(path) is not None)
        except FileNotFoundError:
            return False

    def names(self, folder: str) -> list[str]:
        """The last parts of the names below a folder, in order."""

        def listed(system: Any, path: str) -> list[str]:
            system.invalidate_cache()  # others put objects, too
            try:
                return sorted(one.rstrip("/").rpartition("/")[2] for one in system.ls(path, False))
            finally:
                system.invalidate_cache()

        try:
            return self._ask(folder, "listed", listed)
        except FileNotFoundError:
            return []

    @contextmanager
    def workshop(self, *folders: str) -> Iterator[Path]:
        """A temporary folder, whose folders are put when the block ends well."""
        made = temporary_folder()
        try:
            yield made
            for folder in folders:
                self._put_folder(made / folder, folder)
        finally:
            remove_folder(made)

    def _put_folder(self, made: Path, folder: str) -> None:
        """Put the files of a folder, and remove what else was there before."""
        before = self.names(folder)
        for file in sorted(made.iterdir()):
            self._put_file(f"{folder}/{file.name}", str(file))
        for name in before:
            if not (made / name).exists():
                with suppress(FileNotFoundError):
                    self._ask(f"{folder}/{name}", "removed", lambda system, path: system.rm(path))

    def _put_file(self, name: str, file: str) -> None:
        self._put(name, lambda system, path: system.put_file(file, path))

    def _is_listed(self, name: str) -> bool:
        folder, _, last = name.rpartition("/")
        if folder not in self._listed:
            self._listed[folder] = frozenset(self.names(folder))
        return last in self._listed[folder]

    def _put(self, name: str, put: Callable[[Any, str], Any]) -> None:
        def whole(system: Any, path: str) -> None:
            from fsspec.implementations.local import LocalFileSystem

            if isinstance(system, LocalFileSystem):  # a file is there before it is complete
                make_folder(Path(path).parent)
                with replacing(Path(path)) as part:
                    put(system, str(part))
            else:
                put(system, path)

        try:
            self._ask(name, "written", whole)
        except FileNotFoundError as error:
            raise Unreachable(
                f"{self.where(name)}: cannot be written ({one_line(error)})"
            ) from error

    def _ask(self, name: str, what: str, request: Callable[[Any, str], T]) -> T:
        """Make a request, again where the reason of a failure may pass.

        Raises:
            FileNotFoundError: the object is not there.
            VqaError: what the request raises, or the store refuses or cannot be asked.
        """
        for pause in (*PAUSES, None):
            system, base = remote.opened(self._address)
            try:
                return request(system, f"{base.rstrip('/')}/{name}")
            except (FileNotFoundError, VqaError):
                raise
            except Exception as error:  # each store has errors of its own
                if pause is None or not may_pass(error):
                    raise Unreachable(
                        f"{self.where(name)}: cannot be {what} ({one_line(error)})"
                    ) from error
            time.sleep(pause)
        raise AssertionError  # the last attempt ends above
