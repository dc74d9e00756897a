"""What can go wrong, one class per exit code.

Every message is one line: what is wrong, with the value, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class VqaError(Exception):
    """Base of every error a user can cause; ``exit_code`` is what the command line returns."""

    exit_code = 2


class GateFailed(VqaError):
    """A quality rule was not met."""

    exit_code = 1


class UsageError(VqaError):
    """A wrong option, parameter or configuration."""

    exit_code = 2


class UnknownMetric(UsageError):
    """No installed plugin provides the metric that was asked for."""


class InputError(VqaError):
    """An input cannot be opened, read or decoded."""

    exit_code = 3


class AlignError(VqaError):
    """Reference and distorted cannot be paired under the chosen policy."""

    exit_code = 4


class MetricError(VqaError):
    """A metric or a plugin failed while it ran."""

    exit_code = 5


class MissingBackend(VqaError):
    """An optional package, a binary or a model file is missing; the message says how to get it."""

    exit_code = 6


class PartialResult(VqaError):
    """Some of several inputs failed; the results of the others were written."""

    exit_code = 7


def one_line(error: BaseException) -> str:
    """The error's message folded to one line, or its class name where it has none."""
    text = " ".join(str(error).split())
    return text or type(error).__name__


def about(name: str, text: str) -> str:
    """The text behind the name of what it is about, unless it begins with that name already.

    Args:
        name: of a file or a case; the file's name may have an ending that the case's has not.
        text: one line, such as a warning.
    """
    head, colon, _ = text.partition(": ")
    named = colon and name in (head, head.rpartition(".")[0], head.rpartition("/")[2])
    return text if named else f"{name}: {text}"


def nearest(
    name: str, known: Iterable[str], otherwise: str = "", *, most: int = 1, prefix: str = ""
) -> str:
    """The end of a message about a name that is not known, such as ``; did you mean X?``.

    Args:
        name: as the user wrote it.
        known: the names there are.
        otherwise: what to say if none is near; empty for the names there are.
        most: how many names to propose.
        prefix: what belongs before each of them.
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=most, cutoff=0.5)
    if close:
        return f"; did you mean {', '.join(prefix + one for one in close)}?"
    if otherwise:
        return f"; {otherwise}"
    return f"; there is {', '.join(sorted(names)[:12])}" if names else "; there is none"


def refuse_twice(what: str, names: Iterable[object], advice: str = "name it once") -> None:
    """Refuse names that must differ and do not.

    Args:
        what: what the names belong to, such as ``metric``.
        names: all of them.
        advice: what to do about it.

    Raises:
        UsageError: a name is there twice; the message says which.
    """
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"{what} {str(name)!r} is given twice; {advice}")
        seen.add(name)


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Put a place before the message of each `UsageError` raised inside, if it names none yet."""
    try:
        yield
    except UsageError as error:
        if not where or str(error).startswith(where.partition(": ")[0]):
            raise
        raise type(error)(f"{where}: {error}") from None
