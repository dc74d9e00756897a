"""How kernels are compiled: once per machine, kept on disk where a folder can be written.

Numba takes a second of start-up, so it is imported when the first kernel runs, not where kernels
are defined.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import zlib
from collections.abc import Callable
from functools import cached_property, update_wrapper
from pathlib import Path
from threading import Lock
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R")

SUMS = {"reassoc", "contract", "arcp", "nsz"}
"""Flags of ``fastmath`` that allow sums in any order; infinity and NaN keep their meaning."""

_MODULES = {__name__}
"""Names of the modules in which parts were defined."""

_LOADING = Lock()
"""Held while Numba's array functions are loaded, as kernels may be called by several threads."""


def part(**options: Any) -> Callable[[F], F]:
    """``numba.njit`` for a function that only kernels call: compiled into them, see `jit_parts`.

    It may make no arrays, and counts no references: its arrays belong to the caller, and counting
    those of a tuple of arrays takes longer than a short part does.
    """
    from vqa_harness.jit_parts import PartDispatcher

    def compile_lazily(function: F) -> F:
        _MODULES.add(function.__module__)
        settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False, **options}
        return cast(F, PartDispatcher(function, settings))

    return compile_lazily


def kernel(**options: Any) -> Callable[[Callable[P, R]], Kernel[P, R]]:
    """``numba.njit`` for a function called from Python: frees the interpreter's lock, kept on disk.

    Numba keeps the machine code beside the source file, or in the user's cache folder where that
    cannot be written, or in ``NUMBA_CACHE_DIR``. Where none of them can be written, the kernel is
    compiled again in every process instead of failing. It is compiled anew when its own module
    changes, or any that it can call, see `fingerprint`.
    """

    def compile_lazily(function: Callable[P, R]) -> Kernel[P, R]:
        settings = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}
        return Kernel(function, settings)

    return compile_lazily


class Kernel(Generic[P, R]):
    """A function that is compiled when it is first called; other kernels may call it too.

    Args:
        function: what to compile.
        settings: for ``numba.njit``.
    """

    def __init__(self, function: Callable[P, R], settings: dict[str, Any]) -> None:
        self._function = cast(FunctionType, function)
        self._settings = settings
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the machine code."""
        return cast(R, self.compiled(*args, **kwargs))

    @cached_property
    def python(self) -> Callable[P, R]:
        """The function and the kernels it calls as plain Python, for when there is little to do."""
        own = self._function
        names = own.__globals__
        called = [n for n in own.__code__.co_names if isinstance(names.get(n), Kernel)]
        plain = {**names, **{name: names[name].python for name in called}}
        made = FunctionType(own.__code__, plain, own.__name__, own.__defaults__, own.__closure__)
        return cast("Callable[P, R]", made)

    @cached_property
    def compiled(self) -> Any:
        """Numba's dispatcher, which compiles when it is first called."""
        import numba

        _spare_scipy()
        _let_kernels_call_kernels()
        try:
            made = numba.njit(cache=True, **self._settings)(self._function)
        except RuntimeError:  # numba: "cannot cache function: no locator available"
            return numba.njit(**self._settings)(self._function)
        # Numba notices a change of the function's own file only.
        key, source = made._cache._index_key, fingerprint(self._function.__module__)
        made._cache._index_key = lambda *what: (*key(*what), source)
        return made


def _spare_scipy() -> None:
    """Load Numba's array functions without SciPy's linear algebra, which takes 0.15 seconds.

    Numba imports it only to learn whether it is there, and imports it again where a kernel calls
    for it.
    """
    from numba.np import linalg

    with _LOADING:
        if "numba.np.arraymath" in sys.modules:
            return
        check, linalg.ensure_blas = linalg.ensure_blas, lambda: None
        try:
            importlib.import_module("numba.np.arraymath")
        finally:
            linalg.ensure_blas = check


def _let_kernels_call_kernels() -> None:
    """Tell Numba that a `Kernel` among a function's globals means its dispatcher."""
    from numba import types
    from numba.core.typing.typeof import typeof_impl

    if Kernel not in typeof_impl.registry:
        typeof_impl.register(Kernel)(lambda value, _: types.Dispatcher(value.compiled))


def fingerprint(module: str) -> int:
    """A number that changes with the source of whatever a module's kernels can call.

    They can call every `part`, and all that comes from modules of the same package. Whatever else
    was imported before does not count, because the number must be the same in every process: it
    leads to a file of the disk cache.

    Args:
        module: the module's name; it must have imported what its kernels call.

    Returns:
        0 where there is no source; Numba then has no disk cache either.
    """
    own = module.partition(".")[0] + "."
    reached, left = {__name__}, {module}
    try:
        while left:
            name = left.pop()
            reached.add(name)
            homes = {str(getattr(v, "__module__", "")) for v in vars(sys.modules[name]).values()}
            left |= {home for home in homes if home in _MODULES or home.startswith(own)} - reached
        sources = [inspect.getsource(sys.modules[name]) for name in sorted(reached)]
        sources.append(Path(__file__).with_name("jit_parts.py").read_text("utf-8"))
    except (KeyError, OSError):
        return 0
    return zlib.crc32("".join(sources).encode())


def is_compiled(kernel: Kernel[..., Any], *arguments: Any) -> bool:
    """Whether a kernel can run on such arguments at once, from memory or from the disk cache."""
    import numba

    typeof: Any = numba.typeof
    compiled = kernel.compiled
    if compiled.signatures:
        return True
    try:
        signature = tuple(typeof(argument) for argument in arguments)
        key = compiled._cache._index_key(signature, compiled.targetctx.codegen())
        return key in compiled._cache._cache_file._load_index()
    except AttributeError:  # not cached at all, or a numba with other internals
        return False
