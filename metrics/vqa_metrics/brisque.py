"""BRISQUE, the Blind/Referenceless Image Spatial Quality Evaluator, equal to the LIVE release.

Mittal, Moorthy, Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", IEEE
Transactions on Image Processing 21 (12), 2012. A support-vector regression on the statistics of the
whole frame: lower is better, about 0 to 100 for common distortions but not limited to that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Frame
from vqa_harness.jit import SUMS, kernel
from vqa_harness.spec import Scores
from vqa_metrics.nss.base import NssMetric
from vqa_metrics.nss.fit import fit_asymmetric, fit_symmetric, shape_table
from vqa_metrics.nss.params import brisque_params
from vqa_metrics.nss.sums import NssSums, nss_sums

Array = NDArray[np.float64]


def brisque_features(sums: NssSums) -> Array:
    """Compute BRISQUE's features of the whole frame.

    Args:
        sums: From `nss_sums`.

    Returns:
        (36,) float64, full scale then half scale: shape and mean square of the coefficients, then
        shape, mean, left and right mean square of each neighbour product. NaN where no sample is on
        one side of zero.
    """
    features: list[float] = []
    table = shape_table()
    for frame, samples in zip(sums.frame, sums.samples, strict=True):
        index, mean_square = fit_symmetric(frame[0], samples)
        features += [float(table.shape[index]), float(mean_square)]
        fit = fit_asymmetric(frame[1:], samples)
        mean = (fit.right - fit.left) * table.ratio[fit.index] * table.width[fit.index]
        products = np.stack([table.shape[fit.index], mean, fit.left**2, fit.right**2], axis=1)
        features += products.ravel().tolist()
    return np.array(features)


@kernel(fastmath=SUMS)
def weighted_kernels(vectors: Array, weights: Array, gamma: float, point: Array) -> float:
    """Sum the weighted radial basis kernels ``weight * exp(-gamma * |vector - point|^2)``.

    Args:
        vectors: (n, m) float64, the support vectors.
        weights: (n,) float64.
        gamma: Above 0.
        point: (m,) float64, where to evaluate.
    """
    total = 0.0
    for row in range(len(weights)):
        distance = 0.0
        for column in range(len(point)):
            distance += (vectors[row, column] - point[column]) ** 2
        total += weights[row] * np.exp(-gamma * distance)
    return total


def brisque_score(features: Array) -> float | None:
    """Apply the released support-vector regression.

    The release hands its numbers from program to program as text: features with six decimals,
    scaled features with six digits. That is part of the score (up to 4e-4) and done here as well.

    Args:
        features: (36,) float64, from `brisque_features`.

    Returns:
        The score, lower is better, unbounded; None if a feature is undefined.
    """
    if not np.isfinite(features).all():
        return None
    params = brisque_params()
    printed = np.array([float(f"{value:f}") for value in features])
    low, high = params.feature_range.T
    scaled = -1.0 + 2.0 * (printed - low) / (high - low)
    scaled = np.array([float(f"{value:g}") for value in scaled])
    kernels = weighted_kernels(params.support_vectors, params.weights, params.gamma, scaled)
    return kernels - params.rho


def brisque(luma: NDArray[np.uint8]) -> float | None:
    """Compute BRISQUE of a frame.

    Args:
        luma: (H, W) uint8, full range, of any size.

    Returns:
        The score, lower is better, unbounded. None where it is undefined: a frame without contrast
        (or of a few pixels), in which no product of neighbours lies on one of the sides of zero.

    Raises:
        ValueError: The luma is not two-dimensional uint8, or it is empty.
    """
    return brisque_score(brisque_features(nss_sums(luma, blocks=False)))


class Brisque(NssMetric):
    """The metric ``brisque``; `brisque` describes the score, and `nss_luma` the luma."""

    name = "brisque"

    def measure(self, frame: Frame, ref: Frame | None, /) -> Scores:
        """Score one frame; the reference is not used."""
        sums = self.sums(frame)
        score = brisque_score(brisque_features(sums))
        return self.scores(frame, sums, score)
