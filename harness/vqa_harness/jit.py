"""How kernels are compiled: once per machine, kept on disk where a folder can be written."""

from __future__ import annotations

import inspect
import sys
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

SUMS = {"reassoc", "contract", "arcp", "nsz"}
"""For ``fastmath``: sums in any order; infinity and NaN keep their meaning."""

_njit: Any = numba.njit
_typeof: Any = numba.typeof
_MODULES = {__name__}
"""Where parts were defined."""


def part(**options: Any) -> Callable[[F], F]:
    """``numba.njit`` for a function that only other kernels call: compiled into them, not kept."""

    def compile_lazily(function: F) -> F:
        _MODULES.add(function.__module__)
        compiled: F = _njit(nogil=True, error_model="numpy", **options)(function)
        return compiled

    return compile_lazily


def kernel(**options: Any) -> Callable[[F], F]:
    """``numba.njit`` for a function called from Python: frees the interpreter's lock, kept on disk.

    Numba keeps the machine code beside the source file, or in the user's cache folder where that
    cannot be written, or in ``NUMBA_CACHE_DIR``. Where none of them can be written, the kernel is
    compiled anew in every process instead of failing. Numba notices a change of the function's own
    file only: one that calls a `part` of another module must be a closure over its `fingerprint`.
    """

    def compile_lazily(function: F) -> F:
        settings = {"nogil": True, "error_model": "numpy", **options}
        try:
            compiled: F = _njit(cache=True, **settings)(function)
        except RuntimeError:  # numba: "cannot cache function: no locator available"
            compiled = _njit(**settings)(function)
        return compiled

    return compile_lazily


def fingerprint() -> int:
    """A number that changes with the source of any module that defined a `part` so far.

    0 where there is no source; Numba then has no disk cache either.
    """
    try:
        sources = [inspect.getsource(sys.modules[name]) for name in sorted(_MODULES)]
    except OSError:
        return 0
    return zlib.crc32("".join(sources).encode())


def is_compiled(compiled: Any, *arguments: Any) -> bool:
    """Whether a `kernel` can run on such arguments at once, from memory or from the disk cache."""
    if compiled.signatures:
        return True
    try:
        signature = tuple(_typeof(argument) for argument in arguments)
        key = compiled._cache._index_key(signature, compiled.targetctx.codegen())
        return key in compiled._cache._cache_file._load_index()
    except AttributeError:  # not cached at all, or a numba with other internals
        return False
