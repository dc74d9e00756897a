"""SSIM and MS-SSIM of luma as published: Gaussian window, no downsampling before the first scale.

Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
TIP 2004; Z. Wang, E. Simoncelli, A. Bovik, "Multi-scale structural similarity for image quality
assessment", Asilomar 2003. Neither libvmaf's ``float_ssim`` (which first shrinks the picture by
about its height / 256) nor FFmpeg's ``ssim`` (8x8 box windows) gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from vqa_harness.frames import Frame, Plane
from vqa_harness.protocols import Metric
from vqa_harness.spec import Scores
from vqa_metrics.reference import packed, reference_of
from vqa_metrics.ssim_kernels import WINDOW, Samples, Taps, halve, ssim_sums

K1, K2 = 0.01, 0.03
"""Constants of the method; times the peak and squared they keep its divisions stable."""
SIGMA = 1.5
"""Standard deviation of the Gaussian window, pixels."""
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales of MS-SSIM."""
SMALLEST = WINDOW
"""Fewest rows or columns that SSIM can be computed for."""
SMALLEST_MS = WINDOW * 2 ** (len(WEIGHTS) - 1)
"""Fewest rows or columns for MS-SSIM: 176, so that the window fits into the last scale."""


def _taps() -> Taps:
    x = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(x**2) / (2 * SIGMA**2))
    first = (weights / weights.sum())[: WINDOW // 2 + 1].astype(np.float32)
    return cast(Taps, tuple(first))


TAPS = _taps()


def ssim_terms(x: Samples, y: Samples, depth: int) -> tuple[float, float]:
    """Compute SSIM and its contrast-structure term, each averaged over all windows in the image.

    Args:
        x: (H, W) uint8, uint16 or float32, at least 11 x 11.
        y: The same shape and dtype.
        depth: Bits per sample; L = 2^depth - 1.

    Returns:
        Both means, at most 1. They are within 1e-6 of a computation in float64.

    Raises:
        ValueError: Shapes or dtypes differ, or the image is too small.
    """
    if x.shape != y.shape or x.dtype != y.dtype:
        raise ValueError(f"images differ: {x.dtype} {x.shape} and {y.dtype} {y.shape}")
    if min(x.shape) < SMALLEST:
        raise ValueError(f"SSIM needs {SMALLEST} rows and columns, the image has {x.shape}")
    peak = 2**depth - 1
    c1, c2 = np.float32((K1 * peak) ** 2), np.float32((K2 * peak) ** 2)
    full, structure = ssim_sums(_flat(x), _flat(y), TAPS, c1, c2)
    windows = (x.shape[0] - WINDOW + 1) * (x.shape[1] - WINDOW + 1)
    return min(full / windows, 1.0), min(structure / windows, 1.0)


def ms_ssim(x: Samples, y: Samples, depth: int, first: tuple[float, float] | None = None) -> float:
    """Compute MS-SSIM.

    It is the product of the contrast-structure terms of four scales and SSIM of the fifth, each to
    the power of its weight. A negative term counts as 0, because its power is undefined.

    Args:
        x: (H, W) uint8 or uint16, at least 176 x 176.
        y: The same shape and dtype.
        depth: Bits per sample.
        first: `ssim_terms` of the two, if they are known already.

    Returns:
        MS-SSIM, 0 to 1.

    Raises:
        ValueError: Shapes or dtypes differ, or the image is too small.
    """
    if min(x.shape) < SMALLEST_MS:
        raise ValueError(f"MS-SSIM needs {SMALLEST_MS} rows and columns, the image has {x.shape}")
    terms = [first or ssim_terms(x, y, depth)]
    for _ in WEIGHTS[1:]:
        x, y = halve(_flat(x)), halve(_flat(y))
        terms.append(ssim_terms(x, y, depth))
    factors = [structure for _, structure in terms[:-1]] + [terms[-1][0]]
    powers = [max(f, 0.0) ** w for f, w in zip(factors, WEIGHTS, strict=True)]
    return float(np.prod(powers))


class Ssim(Metric):
    """Kind ``frame``: SSIM of luma, None for frames under 11 rows or columns."""

    def measure(self, frame: Frame, ref: Frame | None, /) -> Scores:
        """Compute ``ssim``, at most 1.

        Raises:
            ValueError: The frames cannot be compared, see `reference_of`.
        """
        ref = reference_of("ssim", frame, ref)
        if min(frame.width, frame.height) < SMALLEST:
            return {"ssim": None}
        return {"ssim": _first_scale(frame, ref)[0]}

    def info(self) -> Mapping[str, Any]:
        """Return the constants of the method."""
        return {"window": "gaussian 11x11 sigma 1.5", "k1": K1, "k2": K2, "planes": "y"}


class MsSsim(Metric):
    """Kind ``frame``: MS-SSIM of luma, None for frames under 176 rows or columns."""

    def measure(self, frame: Frame, ref: Frame | None, /) -> Scores:
        """Compute ``ms_ssim``, 0 to 1.

        Raises:
            ValueError: The frames cannot be compared, see `reference_of`.
        """
        ref = reference_of("ms_ssim", frame, ref)
        if min(frame.width, frame.height) < SMALLEST_MS:
            return {"ms_ssim": None}
        first = _first_scale(frame, ref)
        return {"ms_ssim": ms_ssim(frame.luma, ref.luma, frame.depth, first)}

    def info(self) -> Mapping[str, Any]:
        """Return the constants of the method."""
        return {"weights": list(WEIGHTS), "downsampling": "mean 2x2", "planes": "y"}


def _first_scale(frame: Frame, ref: Frame) -> tuple[float, float]:
    """Return `ssim_terms` of the pair, computed once for SSIM and MS-SSIM."""
    key = ("vqa_metrics.ssim", id(ref))
    return frame.cached(key, lambda shown: ssim_terms(shown.luma, ref.luma, shown.depth))


def _flat(x: Samples) -> Samples:
    return packed(cast(Plane, x))
