"""The network's forward pass while it learns and is measured."""

from __future__ import annotations

import torch
from torch import Tensor

from vqa_plugin_clip.network.model import ClipVqa


def logits_of(
    model: ClipVqa, images: Tensor, text: Tensor, *, half: bool, band: int | None = None
) -> Tensor:
    """Compute the logits [B, K] float32.

    In half precision only the frame tower and its stem, where the work is, are computed in
    bfloat16: what follows compares cosines, and differences of neighbours in a rate ladder are
    smaller than bfloat16 can tell.

    Args:
        model: The network.
        images: Normalised frames [B, T, 3, R, R], or bands of them [B, T, 3, r, R].
        text: Token ids [K, context].
        half: Whether to compute the frame tower in bfloat16.
        band: Row of tokens in which the bands begin; None for whole frames.
    """
    with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
        quality, patches = model.encode_video(images, band)
    return model.compare(quality.float(), patches.float(), model.encode_text(text)).logits
