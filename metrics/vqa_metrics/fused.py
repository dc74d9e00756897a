"""The fused multiply-add that NIQE and BRISQUE need to be exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from numba.core import types
from numba.extending import intrinsic


def _emit_fma(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.fma(*args)


@intrinsic
def _fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    return types.float64(types.float64, types.float64, types.float64), _emit_fma


fma = cast(Callable[[float, float, float], float], _fma)
"""``fma(a, b, c)``: ``a * b + c`` in float64 with a single rounding, never left to the optimiser.

In flat areas of an image the filter's result differs from the pixel by rounding residue alone, and
NIQE and BRISQUE count its sign: two roundings instead of one give another score.
"""
