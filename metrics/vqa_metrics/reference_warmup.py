"""Compile ahead what PSNR, SSIM and MS-SSIM run on, so that the first frame does not wait.

PSNR's own kernels take a fifth of a second, so a run that needs no others announces nothing.
"""

from __future__ import annotations

import numpy as np

from vqa_harness.jit import is_compiled
from vqa_metrics.psnr import squared_error
from vqa_metrics.reference import packed
from vqa_metrics.ssim import SMALLEST_MS, TAPS, ms_ssim
from vqa_metrics.ssim_kernels import ssim_sums

SECONDS = 2.0
"""About how long one core compiles for one bit depth, see ``benchmarks/bench_compile.py``."""


def compiling_needed() -> bool:
    """Whether the first frame will wait for the kernels to be compiled.

    It looks at what is in memory and in the disk cache, and compiles nothing.
    """
    image = packed(np.zeros((1, 1), np.uint8))
    return not is_compiled(ssim_sums, image, image, TAPS, np.float32(1), np.float32(1))


def warmup() -> None:
    """Compile all kernels for 8 bits and above, or load them from the disk cache."""
    for dtype, depth in ((np.uint8, 8), (np.uint16, 10)):
        image = np.zeros((SMALLEST_MS, SMALLEST_MS), dtype)
        squared_error(image, image)
        ms_ssim(image, image, depth)
