"""Compile ahead what SSIMULACRA2 runs on, so that the first frame does not wait."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from vqa_harness.frames import ColourInfo
from vqa_harness.jit import is_compiled
from vqa_metrics.light.conversion import conversion
from vqa_metrics.light.kernels import Codes
from vqa_metrics.reference import packed
from vqa_metrics.ssimulacra2.maps import SUMS
from vqa_metrics.ssimulacra2.picture import SMALLEST, ssimulacra2
from vqa_metrics.ssimulacra2.scales import first_scale, new_buffers

SECONDS = 9.0
"""About how long one core compiles for 8 bits and above, see ``benchmarks/bench_compile.py``."""


def _codes(dtype: DTypeLike) -> Codes:
    plane = packed(np.zeros((SMALLEST, SMALLEST), dtype))
    colour = ColourInfo(full_range=False, matrix="bt709")
    return Codes(plane, plane, plane, 1, 1, conversion(colour, 8, "bt1886"))


def compiling_needed() -> bool:
    """Whether the first frame will wait for the kernels to be compiled.

    It looks at what is in memory and in the disk cache, and compiles nothing.
    """
    codes = _codes(np.uint8)
    sums, own = np.zeros((3, SUMS)), new_buffers(SMALLEST, SMALLEST)
    return not is_compiled(first_scale, codes, codes, np.zeros(3, np.bool_), True, sums, own)


def warmup() -> None:
    """Compile all kernels for 8 bits and above, or load them from the disk cache."""
    for dtype in (np.uint8, np.uint16):
        ssimulacra2(_codes(dtype), _codes(dtype))
