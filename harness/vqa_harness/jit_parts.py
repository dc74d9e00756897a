"""How a part is compiled: typed and lowered on its own, optimised where it ends up.

Numba treats every function alike: it optimises it with all that it calls, and makes machine code of
it, before it puts it into its caller, where both are done again. For functions that only kernels
call, four levels deep, this was three quarters of the time. A part gets LLVM's passes for single
functions alone; those for whole modules run once, on the kernel.

Numba also compiles a function anew for every number that is written at a call, although LLVM finds
out by itself what is worth a copy. Parts take plain integers.

`tests/test_numba_internals.py` says which piece of Numba changed when this stops working.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import Any, NoReturn

from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering


class PartDispatcher(CPUDispatcher):
    """A function that kernels call, and Python cannot.

    Args:
        function: what to compile.
        settings: the options of ``numba.njit``.
    """

    def __init__(self, function: Any, settings: dict[str, Any]) -> None:
        options = {"nopython": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        super().__init__(function, targetoptions=options | settings, pipeline_class=_PartCompiler)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: there is no machine code to run."""
        raise TypeError(f"{self.py_func.__qualname__} is a part: only kernels can call it")

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Say what a call with such types returns, and compile for them."""
        plain = tuple(_plain(kind) for kind in args)
        return super().get_call_template(plain, {name: _plain(kws[name]) for name in kws})


def _plain(kind: Any) -> Any:
    """The type of a number instead of the number itself, in tuples too."""
    if isinstance(kind, (types.Tuple, types.UniTuple)):
        return types.Tuple([_plain(member) for member in kind])
    return types.unliteral(kind)


class _PartLibrary(JITCodeLibrary):
    """LLVM's code of a part and of those it calls: linked, and otherwise left for the kernel."""

    def _optimize_final_module(self) -> None:
        """Leave it to the kernel."""

    def _finalize_final_module(self) -> None:
        """Make no machine code."""
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    """Emits LLVM's code of a part."""

    _name = "part_lowering"

    def run_pass(self, state: Any) -> bool:
        """Do what the pass for whole functions does, up to the machine code."""
        state.library = _PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        kind = lowered.fndesc
        # Numba knows a compiled function by what Python would call; this one has no address.
        handle = _dynfunc.make_function(
            kind.lookup_module(), kind.qualname, "", 0, lowered.env, (state.library,)
        )
        state.targetctx.insert_user_function(handle, kind, [state.library])
        state["cr"] = lowered._replace(cfunc=handle)
        return True


class _PartCompiler(CompilerBase):
    """Numba's own passes, with another for the last."""

    def define_pipelines(self) -> list[Any]:
        """Return the one list of passes."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [
            (_PartLowering if made is NativeLowering else made, told)
            for made, told in passes.passes
        ]
        passes.finalize()
        return [passes]
