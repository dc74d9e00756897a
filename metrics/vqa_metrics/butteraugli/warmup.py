"""Compile ahead what Butteraugli runs on, so that the first frame does not wait."""

from __future__ import annotations

import numpy as np

from vqa_harness.jit import is_compiled
from vqa_metrics.butteraugli.buffers import new_buffers
from vqa_metrics.butteraugli.picture import butteraugli, compare
from vqa_metrics.light.frames import SMALLEST, blank_codes

SECONDS = 12.0
"""About how long one core compiles for 8 bits and above, see ``benchmarks/bench_compile.py``."""


def compiling_needed() -> bool:
    """Whether the first frame will wait for the kernels to be compiled.

    It looks at what is in memory and in the disk cache, and compiles nothing.
    """
    return not is_compiled(compare, new_buffers(SMALLEST, SMALLEST), np.float32(80))


def warmup() -> None:
    """Compile all kernels for 8 bits and above, or load them from the disk cache."""
    for dtype in (np.uint8, np.uint16):
        codes = blank_codes(2 * SMALLEST, dtype)
        butteraugli(codes, codes, 80.0)
