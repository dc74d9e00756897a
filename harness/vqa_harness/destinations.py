"""Where results go: never onto an input, and what cannot be written keeps nothing else from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vqa_harness.console import warn
from vqa_harness.errors import UsageError, VqaError, one_line
from vqa_harness.files import try_file

if TYPE_CHECKING:
    from vqa_harness.request import Request

STDOUT = "-"
"""The destination that stands for standard output."""


def check_destinations(
    destinations: Iterable[str | Path | None], inputs: Iterable[Path | None]
) -> None:
    """Try every file that is written when the work is done, so that no work is lost to a bad path.

    Args:
        destinations: paths; None and ``-`` are nothing to try.
        inputs: the files that the command reads, which it must not overwrite; None is left aside.

    Raises:
        UsageError: a file cannot be written, is an input under this or another name, or is named
            twice; or two results go to standard output.
    """
    named = [one for one in destinations if one is not None]
    if sum(str(one) == STDOUT for one in named) > 1:
        raise UsageError("only one result can go to standard output (-); name files for the others")
    paths = [Path(one) for one in named if str(one) != STDOUT]
    refuse_overwriting(paths, inputs)
    for path in paths:
        try_file(path)


def refuse_overwriting(targets: Iterable[Path], inputs: Iterable[Path | None]) -> None:
    """Refuse to write to what is read, whatever the path looks like, and to one file twice.

    Links count as what they point to, and two names of one file as that file. Pipes and devices may
    be both.

    Raises:
        UsageError: a target is an input, or two targets are one file.
    """
    read = {key: path for path in inputs if path is not None for key in _identities(path)}
    written: dict[object, Path] = {}
    for target in targets:
        for key in _identities(target):
            if key in read:
                raise UsageError(
                    f"cannot write {target}: it is the input {read[key]}; name another file"
                )
            if key in written and target is not written[key]:
                raise UsageError(
                    f"cannot write {written[key]} and {target}: they are one file; name two"
                )
        written |= dict.fromkeys(_identities(target), target)


def files_of(requests: Iterable[Request]) -> Iterator[Path]:
    """The files that parameters of metrics name, such as models; several are joined by ``+``."""
    for request in requests:
        for value in request.params.values():
            parts = [value, *value.split("+")] if isinstance(value, str) else []
            yield from (path for part in parts if part and (path := Path(part)).is_file())


def _identities(path: Path) -> list[object]:
    """What a file is known by: its path without links, and if it exists its number on the disk."""
    try:
        whole = path.resolve()
        if not whole.exists():
            return [whole]
        if not whole.is_file():
            return []
        facts = whole.stat()
    except (OSError, RuntimeError):  # a loop of links; reading or writing says what is wrong
        return []
    return [whole, (facts.st_dev, facts.st_ino)]


class Writing:
    """The writing of several results: each is tried, whatever became of those before.

    Attributes:
        errors: what could not be written, in order.
    """

    def __init__(self) -> None:
        self.errors: list[VqaError] = []

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Keep an error of what is written inside for `conclude`."""
        try:
            yield
        except VqaError as error:
            self.errors.append(error)

    def conclude(self, failure: VqaError | None = None) -> None:
        """Warn of what could not be written, and end with an error if there is one.

        Args:
            failure: what the command ends with in any case; it wins over what was not written.

        Raises:
            VqaError: ``failure``, or the first that could not be written.
        """
        first = failure or (self.errors[0] if self.errors else None)
        for error in self.errors:
            if error is not first:
                warn(one_line(error))
        if first is not None:
            raise first
