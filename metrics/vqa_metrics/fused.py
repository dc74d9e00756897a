"""Single machine instructions that NIQE and BRISQUE need and that Python has no operator for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba.core import types
from numba.extending import intrinsic


def _emit_fma(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.fma(*args)


@intrinsic
def _fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    return types.float64(types.float64, types.float64, types.float64), _emit_fma


def _emit_ones(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.ctpop(*args)


@intrinsic
def _ones(typing_context: Any, byte: Any) -> Any:
    return types.uint8(types.uint8), _emit_ones


fma = cast(Callable[[float, float, float], float], _fma)
"""``fma(a, b, c)``: ``a * b + c`` in float64 with a single rounding, never left to the optimiser.

In flat areas of an image the filter's result differs from the pixel by rounding residue alone, and
NIQE and BRISQUE count its sign: two roundings instead of one give another score.
"""

ones = cast(Callable[[np.uint8], np.uint8], _ones)
"""``ones(byte)``: how many bits of a uint8 are set."""
