"""The training losses: level vector, expected level and order; captions; opinion scores.

Nothing here waits for the device: all is computed where the network is.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vqa_plugin_clip.network.labels import cosine_loss

LEVEL_WEIGHT = 0.2
CAPTION_WEIGHT = 0.05
OPINION_WEIGHT = 0.3
_RANK_SHARE = 0.5
"""Part of the distance of two labels that the predictions have to be apart."""
_CLOSE = 0.1
"""Level difference, two points of VMAF, below which a pair's weight no longer rises."""
_BETA = 0.5
"""Level difference from which on the absolute loss is linear."""
_EPS = 1e-6
"""Keeps the division by the spread finite where all levels are equal."""


def distill_loss(
    probs: Tensor, labels: Tensor, levels: Tensor, group: Tensor, rank: float = 0.2
) -> Tensor:
    """Compute (1 - cosine) to the label vector + 0.2 smooth-L1 on the level + a margin ranking.

    The first term is the paper's (arXiv 2407.04928). The ranking term asks that two clips of the
    same group lie at least half as far apart as their labels do, in the same order; a pair weighs
    the more the closer its labels are, in inverse proportion to the distance down to two points of
    VMAF, because it is neighbours that get swapped.

    Args:
        probs: [B, K] float32, level probabilities.
        labels: [B, K] float32, label vectors.
        levels: [B] float32, 0 to K - 1.
        group: [B] int64; pairs are made inside a group.
        rank: Weight of the ranking term.

    Returns:
        A scalar.
    """
    level = _level(probs)
    absolute = functional.smooth_l1_loss(level, levels, beta=_BETA)
    loss = cosine_loss(probs, labels) + LEVEL_WEIGHT * absolute
    return loss + rank * ranking_loss(level, levels, group)


def ranking_loss(level: Tensor, levels: Tensor, group: Tensor) -> Tensor:
    """Compute the weighted mean of how much pairs of a group lack of their margin.

    Args:
        level: [B] float32, predicted levels.
        levels: [B] float32, true levels.
        group: [B] int64.

    Returns:
        A scalar; 0 where no group has two clips of different levels.
    """
    distance = levels[:, None] - levels[None, :]
    pairs = (group[:, None] == group[None, :]) & (distance > 0)
    weight = pairs / distance.clamp(min=_CLOSE)
    lacking = functional.relu(_RANK_SHARE * distance - (level[:, None] - level[None, :]))
    return (weight * lacking).sum() / weight.sum().clamp(min=_EPS)


def caption_loss(logits: Tensor, captions: Tensor) -> Tensor:
    """Compute 0.05 times the cross-entropy of the captions: which wording belongs to which clip.

    Args:
        logits: [B, C], cosines of clips and captions times the network's scale.
        captions: [B] int64, place of each clip's caption in `CAPTIONS`; -1 for none.
    """
    total = functional.cross_entropy(logits, captions, ignore_index=-1, reduction="sum")
    return CAPTION_WEIGHT * total / (captions >= 0).sum().clamp(min=1)


def opinion_loss(probs: Tensor, mos: Tensor) -> Tensor:
    """Compute 0.3 (1 - Pearson's correlation of levels and opinion scores).

    Opinion scores of photographs and VMAF of damage are different scales, and a correlation
    knows neither: only order and spacing are taught, so that the scale of the score stays VMAF's.

    Args:
        probs: [B, K] float32, level probabilities.
        mos: [B] float32, any scale, higher is better.

    Returns:
        A scalar.
    """
    level = _level(probs)
    level, mos = level - level.mean(), mos - mos.mean()
    spread = (level.square().sum() * mos.square().sum() + _EPS).sqrt()
    return OPINION_WEIGHT * (1 - (level * mos).sum() / spread)


def _level(probs: Tensor) -> Tensor:
    return probs @ torch.arange(probs.shape[-1], dtype=probs.dtype, device=probs.device)
