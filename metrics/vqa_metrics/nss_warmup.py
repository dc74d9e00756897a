"""Compile ahead what NIQE and BRISQUE run on, so that the first frame does not wait."""

from __future__ import annotations

import numpy as np

from vqa_metrics.brisque import weighted_kernels
from vqa_metrics.nss.distance import model_distance
from vqa_metrics.nss.luma import compile_luma
from vqa_metrics.nss.sums import nss_sums, sums_compiled
from vqa_metrics.nss.tile import BLOCK

SECONDS = 8.0
"""About how long one core compiles, see ``benchmarks/bench_compile.py``."""


def compiling_needed() -> bool:
    """Whether the first frame will wait for the kernels to be compiled.

    It looks at what is in memory and in the disk cache, and compiles nothing.
    """
    return not sums_compiled()


def warmup() -> None:
    """Compile all kernels, or load them from the disk cache; a second call does nothing."""
    compile_luma()
    weighted_kernels(np.zeros((1, 2)), np.zeros(1), 1.0, np.zeros(2))
    model_distance(np.zeros((1, 2)), np.zeros(2), np.eye(2))
    nss_sums(np.zeros((BLOCK, BLOCK), np.uint8))
