"""Scores as vectors over quality levels, and back (vectorised regression, arXiv 2407.04928).

A mean opinion score m on [0, 5] becomes K numbers y_k proportional to exp(-(m - k)^2), k = 0..K-1;
level 0 is the worst. Nothing here needs torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor

LEVELS = 6
"""Quality levels of the published method."""

TOP_SCORE = 100.0
"""Score of a video that is certainly of the best level."""

_EPS = 1e-12
"""Keeps the cosine's division finite."""


def vectorised_label(mos: ArrayLike, levels: int = LEVELS) -> NDArray[np.float64]:
    """Turn opinion scores into label vectors.

    Scores outside the range are not clipped, as published.

    Args:
        mos: Opinion scores on 0 to levels - 1, of any shape [...].
        levels: Number of quality levels (K).

    Returns:
        [..., K] float64; each vector sums to 1.
    """
    distance = np.asarray(mos, dtype=np.float64)[..., None] - np.arange(levels)
    # The largest exponent is subtracted first, or all terms of a far score would underflow to 0.
    exponent = -(distance**2)
    weights = np.exp(exponent - exponent.max(axis=-1, keepdims=True))
    label: NDArray[np.float64] = weights / weights.sum(axis=-1, keepdims=True)
    return label


def expected_level(probs: ArrayLike) -> NDArray[np.float64]:
    """Turn probabilities [..., K] into the expected level [...], on 0 to K - 1."""
    values = np.asarray(probs, dtype=np.float64)
    level: NDArray[np.float64] = values @ np.arange(values.shape[-1], dtype=np.float64)
    return level


def score(probs: ArrayLike) -> NDArray[np.float64]:
    """Turn probabilities [..., K] into scores [...] on 0 to 100.

    The score is the expected level scaled to that range: with six levels, 20 times the level.
    """
    top = np.asarray(probs).shape[-1] - 1
    scores: NDArray[np.float64] = expected_level(probs) * (TOP_SCORE / top)
    return scores


def cosine_loss(probs: Tensor, labels: Tensor) -> Tensor:
    """Compute one minus the cosine of probabilities and label vectors, averaged over the batch.

    Args:
        probs: [B, K], level probabilities.
        labels: [B, K], from `vqa_plugin_clip.network.labels.vectorised_label`.

    Returns:
        A scalar on 0 to 2, in the wider of the two dtypes.
    """
    product = (probs * labels).sum(dim=-1)
    squares = (probs.square().sum(dim=-1) + _EPS) * (labels.square().sum(dim=-1) + _EPS)
    return (1 - product / squares.sqrt()).mean()
