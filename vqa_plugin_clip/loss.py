"""The training loss of CLIPVQA (arXiv 2407.04928)."""

from __future__ import annotations

from torch import Tensor

_EPS = 1e-12


def cosine_loss(probs: Tensor, labels: Tensor) -> Tensor:
    """Mean over the batch of one minus the cosine between probabilities and vectorised labels.

    Args:
        probs: [B, K].
        labels: [B, K], from `vqa_plugin_clip.labels.vectorised_label`.

    Returns:
        a scalar on [0, 2] in the wider of the two dtypes.
    """
    product = (probs * labels).sum(dim=-1)
    squares = (probs.square().sum(dim=-1) + _EPS) * (labels.square().sum(dim=-1) + _EPS)
    return (1 - product / squares.sqrt()).mean()
