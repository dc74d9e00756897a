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


def vectorised_label(mos: ArrayLike, levels: int = LEVELS) -> NDArray[np.float64]:
    """Opinion scores on [0, levels - 1], any shape [...], to label vectors [..., levels].

    Scores outside the range are not clipped, as published. Each vector sums to 1.
    """
    distance = np.asarray(mos, dtype=np.float64)[..., None] - np.arange(levels)
    # The nearest level's own term is taken out first, so that far scores do not underflow.
    exponent = -(distance**2)
    weights = np.exp(exponent - exponent.max(axis=-1, keepdims=True))
    label: NDArray[np.float64] = weights / weights.sum(axis=-1, keepdims=True)
    return label


def expected_level(probs: ArrayLike) -> NDArray[np.float64]:
    """Probabilities [..., K] to the expected level [...], on [0, K - 1]."""
    values = np.asarray(probs, dtype=np.float64)
    level: NDArray[np.float64] = values @ np.arange(values.shape[-1], dtype=np.float64)
    return level


def score(probs: ArrayLike) -> NDArray[np.float64]:
    """Probabilities [..., K] to scores [...] on [0, 100]; six levels: 20 times the expectation."""
    top = np.asarray(probs).shape[-1] - 1
    scores: NDArray[np.float64] = expected_level(probs) * (TOP_SCORE / top)
    return scores


def cosine_loss(probs: Tensor, labels: Tensor) -> Tensor:
    """Mean over the batch of one minus the cosine between probabilities and vectorised labels.

    Args:
        probs: [B, K].
        labels: [B, K], from `vqa_plugin_clip.network.labels.vectorised_label`.

    Returns:
        a scalar on [0, 2] in the wider of the two dtypes.
    """
    product = (probs * labels).sum(dim=-1)
    squares = (probs.square().sum(dim=-1) + _EPS) * (labels.square().sum(dim=-1) + _EPS)
    return (1 - product / squares.sqrt()).mean()
