"""The layers that all parts of the network share: attention, MLP and the pre-norm block of CLIP.

Parameter names are those of OpenAI's CLIP, so that its weights load unchanged.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa_plugin_clip.network.architecture import Activation


class QuickGelu(nn.Module):
    """The approximation of GELU that CLIP was trained with: x * sigmoid(1.702 x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply it element by element, to any shape."""
        return x * torch.sigmoid(1.702 * x)


def activation(name: Activation) -> nn.Module:
    """Make the activation of an MLP, a new module."""
    return QuickGelu() if name == "quick_gelu" else nn.GELU()


class SelfAttention(nn.Module):
    """Multi-head self-attention with packed query, key and value weights.

    Args:
        width: Channels of a token.
        heads: Attention heads; scores are scaled by 1/sqrt(width / heads).
        causal: Whether a token sees only itself and those before it.
    """

    def __init__(self, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Transform tokens [batch, tokens, width]; keeps the shape."""
        batch, tokens, width = x.shape
        packed = functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        query, key, value = packed.view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return out


class Mlp(nn.Module):
    """Two linear layers, four times as wide between them."""

    def __init__(self, width: int, act: Activation) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.gelu = activation(act)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Transform tokens [..., width]; keeps the shape."""
        out: Tensor = self.c_proj(self.gelu(self.c_fc(x)))
        return out


class ResidualBlock(nn.Module):
    """Pre-norm transformer block: x += attention(norm(x)); x += MLP(norm(x)), MLP ratio 4."""

    def __init__(
        self, width: int, heads: int, act: Activation = "quick_gelu", *, causal: bool = False
    ) -> None:
        super().__init__()
        self.attn = SelfAttention(width, heads, causal=causal)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = Mlp(width, act)
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Transform tokens [batch, tokens, width]; keeps the shape."""
        x = x + self.attn(self.ln_1(x))
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class Blocks(nn.Module):
    """A list of blocks under the name ``resblocks``, as CLIP stores them."""

    def __init__(self, blocks: list[nn.Module]) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Pass tokens [batch, tokens, width] through every block in turn."""
        for block in self.resblocks:
            x = block(x)
        return x
