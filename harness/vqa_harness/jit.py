"""Compiled loops: numba without the interpreter's lock, cached on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])
SUMS = {"reassoc", "contract", "arcp", "nsz"}  # sums in any order; infinity and NaN keep meaning


def nogil(function: F) -> F:
    """``numba.njit`` that releases the lock; without a cache where no folder is writable."""
    options: dict[str, Any] = {"nogil": True, "fastmath": SUMS, "error_model": "numpy"}
    try:
        return cast(F, numba.njit(cache=True, **options)(function))
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        return cast(F, numba.njit(**options)(function))
