"""The rest of an array from an element on, as kernels address rows of a tile.

Numba's own slices count from the end where a bound is negative, stop at the array's end and may
have steps. That is a hundred instructions for LLVM to take away again, at each of fifty places.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray

Array = TypeVar("Array", bound=NDArray[Any])


@intrinsic
def _tail(typing_context: Any, array: Any, start: Any) -> Any:
    if not (isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"):
        return None

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = make_array(array)(context, builder, args[0])
        rest = make_array(array)(context, builder)
        populate_array(
            rest,
            data=builder.gep(whole.data, [args[1]], inbounds=True),
            shape=[builder.sub(whole.nitems, args[1])],
            strides=cgutils.unpack_tuple(builder, whole.strides),
            itemsize=whole.itemsize,
            meminfo=whole.meminfo,
            parent=whole.parent,
        )
        return rest._getvalue()

    return array(array, types.intp), emit


tail = cast(Callable[[Array, int], Array], _tail)
"""``tail(array, start)``: ``array[start:]`` of a one-dimensional array without gaps.

``start`` is 0 to the array's length, which is not checked. No reference to the memory is counted,
so it is for parts, which count none.
"""
