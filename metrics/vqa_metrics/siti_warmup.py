"""Compile ahead what SI and TI run on, so that the first frame does not wait."""

from __future__ import annotations

from typing import cast

import numpy as np

from vqa_harness.frames import Plane
from vqa_harness.jit import is_compiled
from vqa_metrics.reference import packed
from vqa_metrics.siti import SMALLEST
from vqa_metrics.siti_kernels import change_sums, gradient_sums

SECONDS = 1.0
"""About how long one core compiles for one bit depth."""


def compiling_needed() -> bool:
    """Whether the first frame will wait for the kernels to be compiled.

    It looks at what is in memory and in the disk cache, and compiles nothing.
    """
    return not is_compiled(gradient_sums, packed(np.zeros((1, 1), np.uint8)))


def warmup() -> None:
    """Compile all kernels for 8 bits, above, and converted light, or load them from the cache."""
    for dtype in (np.uint8, np.uint16):
        picture = packed(cast(Plane, np.zeros((SMALLEST, SMALLEST), dtype)))
        gradient_sums(picture)
        change_sums(picture, picture)
