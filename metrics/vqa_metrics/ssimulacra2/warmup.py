"""Compile ahead what SSIMULACRA2 runs on, so that the first frame does not wait."""

from __future__ import annotations

import numpy as np

from vqa_harness.jit import is_compiled
from vqa_metrics.light.frames import SMALLEST, blank_codes
from vqa_metrics.ssimulacra2.maps import SUMS
from vqa_metrics.ssimulacra2.picture import ssimulacra2
from vqa_metrics.ssimulacra2.scales import first_scale, new_buffers

SECONDS = 8.0
"""About how long one core compiles for 8 bits and above, see ``benchmarks/bench_compile.py``."""


def compiling_needed() -> bool:
    """Whether the first frame will wait for the kernels to be compiled.

    It looks at what is in memory and in the disk cache, and compiles nothing.
    """
    codes = blank_codes(SMALLEST, np.uint8)
    sums, own = np.zeros((3, SUMS)), new_buffers(SMALLEST, SMALLEST)
    return not is_compiled(first_scale, codes, codes, np.zeros(3, np.bool_), True, sums, own)


def warmup() -> None:
    """Compile all kernels for 8 bits and above, or load them from the disk cache."""
    for dtype in (np.uint8, np.uint16):
        codes = blank_codes(SMALLEST, dtype)
        ssimulacra2(codes, codes)
