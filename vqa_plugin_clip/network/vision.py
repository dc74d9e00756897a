"""The frame perception transformer of CLIPVQA: CLIP's vision tower with fusion tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from vqa_plugin_clip.network.architecture import Activation, Architecture
from vqa_plugin_clip.network.layers import Blocks, ResidualBlock, SelfAttention
from vqa_plugin_clip.network.stem import STEM_CHANNELS, EfficientNetLite0Stem

PART_BYTES = 64 << 20
"""Largest hidden layer of an MLP, in bytes, that `FrameTower.bound_memory` allows."""


class CatBlock(ResidualBlock):
    """A block over the tokens of each frame, which then exchanges messages between frames.

    The class tokens of a clip's frames attend to one another; each result becomes one more token
    (a fusion token) at the end of its frame.
    """

    def __init__(self, width: int, heads: int, act: Activation) -> None:
        super().__init__(width, heads, act)
        self.message_fc = nn.Linear(width, width)
        self.message_ln = nn.LayerNorm(width)
        self.message_attn = SelfAttention(width, heads)

    def fuse(self, x: Tensor, frames: int) -> Tensor:
        """Apply the block and add the fusion tokens.

        Args:
            x: [clips * frames, tokens, width], the frames of one clip together.
            frames: Frames per clip (T).

        Returns:
            [clips * frames, tokens + 1, width].
        """
        x = self(x)
        return torch.cat([x, self.message(x[:, 0], frames).unsqueeze(1)], dim=1)

    def message(self, first: Tensor, frames: int) -> Tensor:
        """Exchange messages between the frames of each clip.

        Args:
            first: [clips * frames, width], the class tokens after the block.
            frames: Frames per clip (T).

        Returns:
            [clips * frames, width], the fusion token of each frame.
        """
        message = self.message_fc(first.reshape(-1, frames, first.shape[-1]))
        message = message + self.message_attn(self.message_ln(message))
        out: Tensor = message.reshape(first.shape[0], -1)
        return out


class FrameTower(nn.Module):
    """Turns frames into quality tokens and patch tokens; key prefix ``visual``.

    Args:
        architecture: Sizes. With the ``efficientnet-lite0`` stem ``conv1`` is the 1x1 convolution
            behind it, else CLIP's patch convolution.

    Attributes:
        frames_at_once: How many frames pass through a block together while no gradients are
            computed; None for all of them. It changes memory, and results by rounding only: frames
            meet in the messages between class tokens and nowhere else.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width, patch = architecture.vision_width, architecture.patch_size
        self.columns = architecture.image_size // architecture.patch_size
        self.stem: nn.Module = nn.Identity()
        if architecture.stem == "patch":
            self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        else:
            self.stem = EfficientNetLite0Stem()
            self.conv1 = nn.Conv2d(STEM_CHANNELS, width, 1, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(1 + architecture.patches, width))
        self.ln_pre = nn.LayerNorm(width)
        heads = width // architecture.head_width
        self.transformer = Blocks(
            [
                CatBlock(width, heads, architecture.activation)
                for _ in range(architecture.vision_layers)
            ]
        )
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, architecture.embed_dim))
        self.frames_at_once: int | None = None

    def bound_memory(self) -> None:
        """Set `frames_at_once` so that no hidden layer is larger than `PART_BYTES`."""
        width = self.class_embedding.shape[0]
        tokens = len(self.positional_embedding) + len(self.transformer.resblocks)
        bytes_per_frame = tokens * 4 * width * self.class_embedding.element_size()
        self.frames_at_once = max(1, PART_BYTES // bytes_per_frame)

    def tokens(self, images: Tensor, first_row: int = 0) -> Tensor:
        """Turn frames into class and patch tokens, before the first block.

        Args:
            images: Normalised frames [N, 3, R, R], or bands of them [N, 3, r, R].
            first_row: Row of patches in which a band begins.

        Returns:
            [N, 1 + P, W], where P is the number of patches of a frame or band.
        """
        grid = self.conv1(self.stem(images))
        patches = grid.flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(images.shape[0], 1, -1)
        start = 1 + first_row * self.columns
        places = self.positional_embedding[start : start + patches.shape[1]]
        places = torch.cat([self.positional_embedding[:1], places])
        out: Tensor = self.ln_pre(torch.cat([first, patches], dim=1) + places)
        return out

    def steps(self, images: Tensor, frames: int, first_row: int = 0) -> Iterator[Tensor]:
        """Yield the tokens before the first block, then after each: [N, 1 + P + i, W], i = 0..L.

        Args:
            images: Normalised frames [N, 3, R, R] or bands, the frames of one clip together.
            frames: Frames per clip, which divides N.
            first_row: Row of patches in which a band begins.
        """
        x = self.tokens(images, first_row)
        yield x
        for block in self.transformer.resblocks:
            x = cast(CatBlock, block).fuse(x, frames)
            yield x

    def read_out(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Split the last block's tokens [N, 1 + P + L, W].

        Returns:
            Quality tokens (class, then fusion tokens), normed and projected: [N, 1 + L, D]; and
            patch tokens, neither normed nor projected: [N, P, W].
        """
        end = x.shape[1] - len(self.transformer.resblocks)
        quality = torch.cat([x[:, :1], x[:, end:]], dim=1)
        return self.ln_post(quality) @ self.proj, x[:, 1:end]

    def forward(self, images: Tensor, frames: int, first_row: int = 0) -> tuple[Tensor, Tensor]:
        """Turn normalised frames [N, 3, R, R], or bands, into what `read_out` gives."""
        count = self.frames_at_once
        if count is not None and count < len(images) and not torch.is_grad_enabled():
            return self.read_out(self._by_parts(images, frames, first_row, count))
        x = images
        for x in self.steps(images, frames, first_row):  # noqa: B007  only the last step is kept
            pass
        return self.read_out(x)

    def _by_parts(self, images: Tensor, frames: int, first_row: int, count: int) -> Tensor:
        """Compute the last of `steps`, ``count`` frames at a time in one memory for all tokens."""
        blocks = [cast(CatBlock, block) for block in self.transformer.resblocks]
        parts = [slice(start, start + count) for start in range(0, len(images), count)]
        first = self.tokens(images[parts[0]], first_row)
        length, width = first.shape[1:]
        x = first.new_empty(len(images), length + len(blocks), width)
        x[parts[0], :length] = first
        for part in parts[1:]:
            x[part, :length] = self.tokens(images[part], first_row)
        for seen, block in enumerate(blocks, start=length):
            for part in parts:
                x[part, :seen] = block(x[part, :seen])
            x[:, seen] = block.message(x[:, 0], frames)
        return x
