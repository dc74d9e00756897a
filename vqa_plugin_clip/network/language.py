"""The quality-language tower of CLIPVQA: CLIP's causal text transformer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.layers import Blocks, ResidualBlock


class LanguageTower(nn.Module):
    """Turns token ids into text features.

    CLIP keeps this tower's tensors at the root of its state dict, so the network derives from this
    class instead of holding it.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width = architecture.text_width
        heads = width // architecture.head_width
        self.token_embedding = nn.Embedding(architecture.vocab_size, width)
        self.positional_embedding = nn.Parameter(torch.empty(architecture.context_length, width))
        self.transformer = Blocks(
            [
                ResidualBlock(width, heads, architecture.activation, causal=True)
                for _ in range(architecture.text_layers)
            ]
        )
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, architecture.embed_dim))

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Turn token ids into text features.

        Args:
            tokens: [K, context] integers; the end token is the largest id of its row. Rows may be
                shorter than the context, as what follows the end token changes nothing.

        Returns:
            [K, D], not scaled to unit length.
        """
        x = self.token_embedding(tokens) + self.positional_embedding[: tokens.shape[1]]
        x = self.transformer(x)
        ends = self.ln_final(x[torch.arange(len(x), device=x.device), tokens.argmax(dim=-1)])
        out: Tensor = ends @ self.text_projection
        return out
