"""Which errors may be gone at the next attempt."""

from __future__ import annotations

import errno

from vqa_harness.errors import InputError

_PASSING = {
    getattr(errno, name)
    for name in ("EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "EREMOTEIO")
    if hasattr(errno, name)
}
"""Errors of the system that may be gone at the next attempt."""


class Changed(InputError):
    """A video was replaced while it was scored."""


def may_pass(error: BaseException | None) -> bool:
    """Whether the reason of an error may be gone at the next attempt."""
    while error is not None:
        if isinstance(error, Changed | MemoryError | ConnectionError | TimeoutError):
            return True
        if isinstance(error, OSError) and error.errno in _PASSING:
            return True
        error = error.__cause__ or error.__context__
    return False
