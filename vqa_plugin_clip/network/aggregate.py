"""The two aggregators of CLIPVQA: over space and time (SAT), and of content into text (VAT)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.layers import ResidualBlock, activation


class SpatiotemporalAggregator(nn.Module):
    """Aggregates the quality tokens of a clip to one video feature (SAT); key prefix ``mit``.

    Source: arXiv 2407.04928, as for the other parts of the network.

    T of the tokens pass through transformer blocks, the rest are weighted channel by channel, and
    the mean over all of them is the feature. Which T, and what they attend to, is set by
    `Architecture.select_class_tokens` and `Architecture.attend_over_tokens`.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width = architecture.embed_dim
        self.frames = architecture.frames
        self.attend_over_tokens = architecture.attend_over_tokens
        self.select_class_tokens = architecture.select_class_tokens
        self.positional_embedding = nn.Parameter(torch.empty(1, self.frames, width))
        self.alpha = nn.Parameter(torch.ones(width))
        heads = width // architecture.head_width
        self.resblocks = nn.ModuleList(
            [
                ResidualBlock(width, heads, architecture.activation)
                for _ in range(architecture.sat_layers)
            ]
        )

    def forward(self, quality: Tensor) -> Tensor:
        """Aggregate quality tokens [B, T, 1 + L, D] to video features [B, D]."""
        if self.select_class_tokens:
            chosen, rest = quality[:, :, 0], quality[:, :, 1:].flatten(1, 2)
        else:
            tokens = quality.flatten(1, 2)
            chosen, rest = tokens[:, : self.frames], tokens[:, self.frames :]
        chosen = self._attend(chosen + self.positional_embedding)
        return torch.cat([rest * self.alpha, chosen], dim=1).mean(dim=1)

    def _attend(self, chosen: Tensor) -> Tensor:
        x = chosen if self.attend_over_tokens else chosen.transpose(0, 1)
        for block in self.resblocks:
            x = block(x)
        return x if self.attend_over_tokens else x.transpose(0, 1)


class CrossAttention(nn.Module):
    """Multi-head attention of text over video content; only the output has a bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, text: Tensor, content: Tensor) -> Tensor:
        """Mix content [B, P, D] into text [B, K, D]; gives [B, K, D]."""
        query = self._split(self.q_proj(text))
        key = self._split(self.k_proj(content))
        value = self._split(self.v_proj(content))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class ContentBlock(nn.Module):
    """One block of VAT: text += attention(norm(text), content); text += MLP(norm(text))."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width = architecture.embed_dim
        self.cross_attn = CrossAttention(width, width // architecture.head_width)
        self.norm1 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)
        # The published keys count a dropout of rate 0 as element 2, for which Identity stands.
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width),
            activation(architecture.activation),
            nn.Identity(),
            nn.Linear(4 * width, width),
        )

    def forward(self, text: Tensor, content: Tensor) -> Tensor:
        """Mix content [B, P, D] into text [B, K, D]; gives [B, K, D]."""
        text = text + self.cross_attn(self.norm1(text), content)
        out: Tensor = text + self.mlp(self.norm3(text))
        return out


class ContentAggregator(nn.Module):
    """Changes text features by what the video shows (VAT); key prefix ``prompts_generator``."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(architecture.embed_dim)
        self.decoder = nn.ModuleList(
            [ContentBlock(architecture) for _ in range(architecture.vat_layers)]
        )
        self.alpha = nn.Parameter(torch.full((architecture.embed_dim,), 0.1))

    def forward(self, text: Tensor, content: Tensor) -> Tensor:
        """Compute the change of text [B, K, D] from text [B, K, D] and content [B, P, D]."""
        content = self.norm(content)
        for block in self.decoder:
            text = block(text, content)
        return self.alpha * text
