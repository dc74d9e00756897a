"""NIQE, the Natural Image Quality Evaluator, equal to the LIVE release.

Mittal, Soundararajan, Bovik, "Making a 'Completely Blind' Image Quality Analyzer", IEEE Signal
Processing Letters 20 (3), 2013. The distance between the statistics of a frame's blocks and those
of pristine images: lower is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Frame
from vqa_harness.spec import Scores
from vqa_metrics.nss.base import NssMetric
from vqa_metrics.nss.distance import model_distance
from vqa_metrics.nss.fit import fit_asymmetric, shape_table
from vqa_metrics.nss.params import niqe_params
from vqa_metrics.nss.sums import NssSums, nss_sums
from vqa_metrics.nss.tile import BLOCK

Array = NDArray[np.float64]


def niqe_features(sums: NssSums) -> Array:
    """Compute NIQE's features of every whole block.

    Args:
        sums: From `nss_sums`, with blocks.

    Returns:
        (blocks, 36) float64, full scale then half scale: shape and mean width of the coefficients,
        then shape, mean, left and right width of each neighbour product. NaN where a block has no
        sample on one side of zero.
    """
    count = sums.blocks.shape[1] * sums.blocks.shape[2]
    scales = []
    for blocks, size in zip(sums.blocks, (BLOCK, BLOCK // 2), strict=True):
        fit = fit_asymmetric(blocks.reshape(count, *blocks.shape[2:]), size * size)
        table = shape_table()
        shape, width = table.shape[fit.index], table.width[fit.index]
        left, right = fit.left * width, fit.right * width
        mean = (right - left) * table.ratio[fit.index]
        products = np.stack([shape, mean, left, right], axis=2)[:, 1:].reshape(count, 16)
        own = np.stack([shape[:, 0], (left[:, 0] + right[:, 0]) / 2], axis=1)
        scales.append(np.hstack([own, products]))
    return np.hstack(scales)


def niqe_score(features: Array) -> float | None:
    """Measure how far a frame's features are from those of pristine images.

    Args:
        features: (blocks, 36) float64, from `niqe_features`.

    Returns:
        The score, at least 0, lower is better; None if no block has all of its features defined.
    """
    undefined = np.isnan(features)
    whole = features[~undefined.any(axis=1)]
    if not len(whole):
        return None
    mean = np.where(undefined, 0.0, features).sum(axis=0) / (~undefined).sum(axis=0)
    pristine = niqe_params()
    return model_distance(whole, pristine.mean - mean, pristine.covariance)


def niqe(luma: NDArray[np.uint8]) -> float | None:
    """Compute NIQE of a frame.

    Args:
        luma: (H, W) uint8, full range; what is beyond the last whole 96x96 block is not used.

    Returns:
        The score, at least 0, lower is better. None where it is undefined: fewer than 96 rows or
        columns, or no block with contrast.

    Raises:
        ValueError: The luma is not two-dimensional uint8, or it is empty.
    """
    return niqe_score(niqe_features(nss_sums(luma)))


class Niqe(NssMetric):
    """The metric ``niqe``; `niqe` describes the score, and `nss_luma` the luma."""

    name = "niqe"

    def measure(self, frame: Frame, ref: Frame | None, /) -> Scores:
        """Score one frame; the reference is not used."""
        sums = self.sums(frame)
        score = niqe_score(niqe_features(sums))
        return self.scores(frame, sums, score)
