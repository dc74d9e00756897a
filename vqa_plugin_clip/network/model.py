"""CLIPVQA (arXiv 2407.04928): frames and the wording of quality levels to level probabilities."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa_harness.errors import UsageError
from vqa_plugin_clip.network.aggregate import ContentAggregator, SpatiotemporalAggregator
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.language import LanguageTower
from vqa_plugin_clip.network.layers import Blocks, ResidualBlock
from vqa_plugin_clip.network.stem import EfficientNetLite0Stem
from vqa_plugin_clip.network.vision import FrameTower


class Prediction(NamedTuple):
    """What one forward pass gives; B videos, T frames, P patches, K levels, D embedding size.

    Attributes:
        patches_projected: patch tokens after their norm and projection, [B, T, P, D].
        conv2_raw: output of the temporal convolution, [B, D, 1, P].
        content: the same as the content aggregator takes it, [B, P, D].
        video_feature: output of the spatiotemporal aggregator, [B, D].
        video_feature_unit: the same at unit length.
        text_features: output of the text tower, [K, D].
        vat_output: change of the text features made by the content, [B, K, D].
        text_final_unit: text features plus change, at unit length, [B, K, D].
        logits: cosines times exp(logit_scale), [B, K].
        probs: softmax of the logits, [B, K]; level 0 is the worst.
    """

    patches_projected: Tensor
    conv2_raw: Tensor
    content: Tensor
    video_feature: Tensor
    video_feature_unit: Tensor
    text_features: Tensor
    vat_output: Tensor
    text_final_unit: Tensor
    logits: Tensor
    probs: Tensor


class ClipVqa(LanguageTower):
    """The whole network; its state-dict keys are those of the published checkpoints.

    With ``attend_over_tokens`` off (the published behaviour) a video's scores depend on which other
    videos share its batch: score one video per call to have the same number every time.

    Args:
        architecture: Sizes and switches. New weights are drawn as the paper's code draws them.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture)
        self.architecture = architecture
        width, size = architecture.vision_width, architecture.embed_dim
        self.visual = FrameTower(architecture)
        self.mit = SpatiotemporalAggregator(architecture)
        self.prompts_visual_ln = nn.LayerNorm(width)
        self.prompts_visual_proj = nn.Parameter(torch.empty(width, size))
        self.conv2 = nn.Conv2d(size, size, (architecture.frames, 1), bias=False)
        self.prompts_generator = ContentAggregator(architecture)
        self.logit_scale = nn.Parameter(torch.empty(()))
        initialise(self)

    def encode_video(self, video: Tensor, band: int | None = None) -> tuple[Tensor, Tensor]:
        """Encode normalised frames [B, T, 3, R, R].

        Args:
            video: Whole frames, or bands of them [B, T, 3, r, R] where r is a multiple of the patch
                size.
            band: Row of patches in which the bands begin; None for whole frames.

        Returns:
            Quality tokens [B, T, 1 + L, D] and patch tokens [B, T, P, W].

        Raises:
            UsageError: The shape is not the one that the architecture asks for.
        """
        sizes = self.architecture
        rows = video.shape[3] if band is not None and video.ndim == 5 else sizes.image_size
        first = (band or 0) * sizes.patch_size
        expected = (sizes.frames, 3, rows, sizes.image_size)
        if video.ndim != 5 or tuple(video.shape[1:]) != expected or rows % sizes.patch_size:
            sides = ", ".join(map(str, expected))
            raise UsageError(f"video of shape {tuple(video.shape)}: needs [videos, {sides}]")
        if not 0 <= first <= sizes.image_size - rows:
            raise UsageError(f"band={band}: {rows} rows from there leave the frame")
        quality, patches = self.visual(video.flatten(0, 1), sizes.frames, band or 0)
        split = (video.shape[0], sizes.frames)
        return quality.view(*split, *quality.shape[1:]), patches.view(*split, *patches.shape[1:])

    def project_patches(self, patches: Tensor) -> Tensor:
        """Project patch tokens [B, T, P, W] to [B, T, P, D]."""
        out: Tensor = self.prompts_visual_ln(patches) @ self.prompts_visual_proj
        return out

    def content(self, conv2_raw: Tensor) -> Tensor:
        """Lay out the temporal convolution's output [B, D, 1, P] as one row per patch [B, P, D]."""
        if self.architecture.permute_conv2:
            return conv2_raw.squeeze(2).transpose(1, 2)
        return conv2_raw.reshape(conv2_raw.shape[0], conv2_raw.shape[3], conv2_raw.shape[1])

    def forward(self, video: Tensor, text: Tensor, band: int | None = None) -> Prediction:
        """Predict level probabilities.

        Args:
            video: Normalised frames [B, T, 3, R, R], float, or bands of them.
            text: Token ids [K, context] (integers), or features [K, D] that `encode_text` gave.
            band: Row of patches in which the bands begin, see `encode_video`.

        Raises:
            UsageError: The video's shape is not the one that the architecture asks for.
        """
        features = text if text.is_floating_point() else self.encode_text(text)
        return self.compare(*self.encode_video(video, band), features)

    def compare(self, quality: Tensor, patches: Tensor, features: Tensor) -> Prediction:
        """Compare videos with texts: all of the network after its frame and text towers.

        Args:
            quality: Quality tokens [B, T, 1 + L, D], from `encode_video`.
            patches: Patch tokens [B, T, P, W], from `encode_video`.
            features: Text features [K, D], from `encode_text`.
        """
        projected = self.project_patches(patches)
        conv2_raw = self.conv2(projected.permute(0, 3, 1, 2))
        content = self.content(conv2_raw)
        video_feature = self.mit(quality)
        level_text = features.expand(quality.shape[0], -1, -1)
        change = self.prompts_generator(level_text, content)
        video_unit = functional.normalize(video_feature, dim=-1)
        text_unit = functional.normalize(level_text + change, dim=-1)
        logits = self.logit_scale.exp() * torch.einsum("bd,bkd->bk", video_unit, text_unit)
        return Prediction(
            patches_projected=projected,
            conv2_raw=conv2_raw,
            content=content,
            video_feature=video_feature,
            video_feature_unit=video_unit,
            text_features=features,
            vat_output=change,
            text_final_unit=text_unit,
            logits=logits,
            probs=logits.softmax(dim=-1),
        )

    def fold_batch_norm(self) -> None:
        """Merge the stem's batch norms into its convolutions, in place; for inference only.

        The stem's memory is also laid out channels-last, which is faster on CPUs and GPUs alike.
        """
        if isinstance(self.visual.stem, EfficientNetLite0Stem):
            self.visual.stem.fold_batch_norm()
            self.visual.stem.to(memory_format=torch.channels_last)


def initialise(model: ClipVqa) -> None:
    """Draw every weight that has no default of torch; in place.

    Towers: normal, with CLIP's standard deviations (they shrink with width and depth). Aggregators:
    linear layers truncated normal of deviation 0.02 with zero bias. The patch projection: N(0, 1).
    The fusion layers (``message_*``), layer norms and ``conv2`` keep torch's defaults.
    """
    _vision(model.visual)
    _language(model)
    nn.init.trunc_normal_(model.mit.positional_embedding, std=0.02)
    for part in (model.mit, model.prompts_generator):
        for module in part.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    nn.init.normal_(model.prompts_visual_proj)
    nn.init.constant_(model.logit_scale, math.log(1 / 0.07))


def _vision(tower: FrameTower) -> None:
    std = tower.class_embedding.shape[0] ** -0.5
    for weight in (tower.class_embedding, tower.positional_embedding, tower.proj):
        nn.init.normal_(weight, std=std)
    _blocks(tower.transformer)


def _language(tower: LanguageTower) -> None:
    nn.init.normal_(tower.token_embedding.weight, std=0.02)
    nn.init.normal_(tower.positional_embedding, std=0.01)
    nn.init.normal_(tower.text_projection, std=tower.text_projection.shape[0] ** -0.5)
    _blocks(tower.transformer)


def _blocks(blocks: Blocks) -> None:
    for block in blocks.resblocks:
        if not isinstance(block, ResidualBlock):
            continue
        width = block.ln_1.normalized_shape[0]
        shrink = (2 * len(blocks.resblocks)) ** -0.5
        nn.init.normal_(block.attn.in_proj_weight, std=width**-0.5)
        nn.init.normal_(block.attn.out_proj.weight, std=width**-0.5 * shrink)
        nn.init.normal_(block.mlp.c_fc.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(block.mlp.c_proj.weight, std=width**-0.5 * shrink)
