"""Scores as vectors over quality levels, and back (vectorised regression, arXiv 2407.04928).

A mean opinion score m on [0, 5] becomes K numbers y_k proportional to exp(-(c - k)^2), k = 0..K-1;
level 0 is the worst. The paper takes c = m (`vectorised_label`). The expected level of that vector
is not m, as the ends of the scale cut the bell off: 0.29 for 0, 4.71 for 5. A network that fits it
perfectly says 94 of 100 for the best video. `level_label` takes the c for which the expected level
is m. Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Callable
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

_BEYOND = 20.0
"""How far beyond the ends of the scale centres are looked for; there all weight but 1e-17 is on the
last level."""
_HALVINGS = 64
"""Halvings of the range of centres, after which it is as small as a float64 can tell."""

Labels = Callable[[ArrayLike, int], NDArray[np.float64]]
"""A function that turns levels [...] on 0 to K - 1, and K, into label vectors [..., K]."""


def vectorised_label(mos: ArrayLike, levels: int = LEVELS) -> NDArray[np.float64]:
    """Turn opinion scores into label vectors as the paper does.

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


def level_label(level: ArrayLike, levels: int = LEVELS) -> NDArray[np.float64]:
    """Turn levels into label vectors of the paper's shape whose expected level is the level.

    `expected_level` and `score` undo it: a network that fits these vectors gives the score that it
    was trained with, at the ends of the scale as well.

    Args:
        level: Levels on 0 to levels - 1, of any shape [...].
        levels: Number of quality levels (K).

    Returns:
        [..., K] float64; each vector sums to 1.

    Raises:
        ValueError: A level is not a number, or outside the range.
    """
    wanted = np.asarray(level, dtype=np.float64)
    top = levels - 1
    outside = wanted[~((wanted >= 0) & (wanted <= top))]
    if outside.size:
        raise ValueError(f"level {outside[0]}: not on 0 to {top}")
    low, high = np.full(wanted.shape, -_BEYOND), np.full(wanted.shape, top + _BEYOND)
    for _ in range(_HALVINGS):
        centre = (low + high) / 2
        below = expected_level(vectorised_label(centre, levels)) < wanted
        low, high = np.where(below, centre, low), np.where(below, high, centre)
    return vectorised_label((low + high) / 2, levels)


def labels_of(behaviour: str) -> Labels:
    """Choose the label that a network is trained with.

    Args:
        behaviour: Behaviour of the network, see `Architecture.behaviour`: ``published`` takes the
            paper's label, any other one the label whose expected level is the level.
    """
    return vectorised_label if behaviour == "published" else level_label


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits [B, N] into probabilities; N may be 0."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-np.inf))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


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
        labels: [B, K], from `vectorised_label` or `level_label`.

    Returns:
        A scalar on 0 to 2, in the wider of the two dtypes.
    """
    product = (probs * labels).sum(dim=-1)
    squares = (probs.square().sum(dim=-1) + _EPS) * (labels.square().sum(dim=-1) + _EPS)
    return (1 - product / squares.sqrt()).mean()
