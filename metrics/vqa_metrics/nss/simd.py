"""Vectors of eight or sixteen floats as values in kernels, where loops are not vectorised well.

A compiler loads a sliding window again for every output. Held in vectors, seven columns move along
with one load each. A vector has eight float64 or sixteen float32. The operators ``+ - * /`` and
`fma`, `square_root`, `absolute` and `narrow` work lane by lane, each with one rounding. Processors
with shorter vectors do the same in several instructions.

Numba has no such type, so this file adds one to it: a Numba type (`_VectorType`), how it is stored
(`_VectorModel`: LLVM's own vector), what the operators give, and an intrinsic per function, which
writes LLVM's instruction itself. `tests/test_numba_internals.py` says which part of Numba changed
when one of these stops working.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Protocol, Self, cast

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel.models import PrimitiveModel
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, register_model
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

_BYTES = 64
"""Size of a vector: the widest of x86 processors, and a cache line."""


Floats = NDArray[np.float32] | NDArray[np.float64]


class Vector(Protocol):
    """A vector as type checkers see it in kernels."""

    def __add__(self, other: Self, /) -> Self: ...
    def __sub__(self, other: Self, /) -> Self: ...
    def __mul__(self, other: Self, /) -> Self: ...
    def __truediv__(self, other: Self, /) -> Self: ...


class _VectorType(types.Type):
    """Numba's type of a vector, by the type of its elements."""

    def __init__(self, element: Any) -> None:
        self.element = element
        self.count = _BYTES * 8 // element.bitwidth
        super().__init__(f"{element}x{self.count}")


@register_model(_VectorType)
class _VectorModel(PrimitiveModel):
    """Tells Numba that a vector is stored as one value, not as a structure or an object."""

    def __init__(self, manager: Any, kind: _VectorType) -> None:
        super().__init__(manager, kind, _llvm(kind))


def _llvm(kind: _VectorType) -> Any:
    """The same type as LLVM knows it."""
    element = ir.DoubleType() if kind.element == types.float64 else ir.FloatType()
    return ir.VectorType(element, kind.count)


def _operator(function: Callable[[Any, Any], Any], emitted: str) -> None:
    """Give an operator a type and code for two vectors of the same type."""

    @infer_global(function)
    class _Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and isinstance(args[0], _VectorType) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    @lower_builtin(function, _VectorType, _VectorType)  # type: ignore[untyped-decorator]
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return getattr(builder, emitted)(*args)


for _function, _emitted in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _operator(_function, _emitted)


def _place(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: Any) -> Any:
    """The address of a vector of LLVM's type ``vector`` in an array, from an element on."""
    data = make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _align(array_type: Any) -> int:
    """Alignment that may be assumed: that of an element, as any may begin a vector."""
    return int(array_type.dtype.bitwidth) // 8


@intrinsic
def _load(typing_context: Any, array: Any, index: Any) -> Any:
    from_bytes = array.dtype == types.uint8
    vector = _VectorType(types.float32 if from_bytes else array.dtype)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = _llvm(vector)
        held = ir.VectorType(ir.IntType(8), kind.count) if from_bytes else kind
        place = _place(context, builder, array, args[0], args[1], held)
        value = builder.load(place, align=_align(array))
        return builder.uitofp(value, kind) if from_bytes else value

    return vector(array, types.intp), emit


@intrinsic
def _store(typing_context: Any, array: Any, index: Any, vector: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, array, args[0], args[1], _llvm(vector))
        builder.store(args[2], place, align=_align(array))
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), emit


@intrinsic
def _splat(typing_context: Any, number: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = _llvm(signature.return_type)
        one = builder.insert_element(
            ir.Constant(kind, ir.Undefined), args[0], ir.Constant(ir.IntType(32), 0)
        )
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
        return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)

    return _VectorType(number)(number), emit


@intrinsic
def _narrow(typing_context: Any, first: Any, second: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        half = ir.VectorType(ir.FloatType(), first.count)
        both = [builder.fptrunc(value, half) for value in args]
        order = ir.VectorType(ir.IntType(32), 2 * first.count)
        return builder.shuffle_vector(*both, ir.Constant(order, list(range(2 * first.count))))

    return _VectorType(types.float32)(first, second), emit


def _instruction(name: str) -> Callable[..., Any]:
    """Code that calls one of LLVM's intrinsics, which llvmlite offers for single numbers only."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        suffix = f"v{kind.count}f{64 if kind.element == ir.DoubleType() else 32}"
        form = ir.FunctionType(kind, [value.type for value in args])
        called = cgutils.get_or_insert_function(builder.module, form, f"llvm.{name}.{suffix}")
        return builder.call(called, args)

    return emit


@intrinsic
def _fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    return a(a, b, c), _instruction("fma")


@intrinsic
def _square_root(typing_context: Any, a: Any) -> Any:
    return a(a), _instruction("sqrt")


@intrinsic
def _absolute(typing_context: Any, a: Any) -> Any:
    return a(a), _instruction("fabs")


load = cast(Callable[[Floats | NDArray[np.uint8], int], Vector], _load)
"""``load(array, index)``: the elements of a one-dimensional array from an index on.

Bytes are converted to float32. No bound is checked.
"""
store = cast(Callable[[Floats, int, Vector], None], _store)
"""``store(array, index, vector)``: write a vector into a one-dimensional array.

No bound is checked.
"""
splat = cast(Callable[[float | np.float32], Vector], _splat)
"""``splat(number)``: the same number in every lane."""
narrow = cast(Callable[[Vector, Vector], Vector], _narrow)
"""``narrow(a, b)``: two vectors of float64 as one of float32, first ``a`` and then ``b``."""
fma = cast(Callable[[Vector, Vector, Vector], Vector], _fma)
"""``fma(a, b, c)``: ``a * b + c`` with a single rounding, never left to the optimiser.

In flat areas of an image the filter's result differs from the pixel by rounding residue alone, and
NIQE and BRISQUE count its sign: two roundings instead of one give another score.
"""
square_root = cast(Callable[[Vector], Vector], _square_root)
"""``square_root(a)``: the square root of each element."""
absolute = cast(Callable[[Vector], Vector], _absolute)
"""``absolute(a)``: the magnitude of each element."""


def _emit_popcount(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.ctpop(*args)


@intrinsic
def _popcount(typing_context: Any, byte: Any) -> Any:
    return types.uint8(types.uint8), _emit_popcount


popcount = cast(Callable[[np.uint8], np.uint8], _popcount)
"""``popcount(byte)``: how many bits of a uint8 are set."""
