"""The number of bits set in a byte, for which Python has no operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba.core import types
from numba.extending import intrinsic


def _emit_ones(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.ctpop(*args)


@intrinsic
def _ones(typing_context: Any, byte: Any) -> Any:
    return types.uint8(types.uint8), _emit_ones


ones = cast(Callable[[np.uint8], np.uint8], _ones)
"""``ones(byte)``: how many bits of a uint8 are set."""
