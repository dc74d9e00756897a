"""How new weights are drawn: CLIP's rule for its towers, the paper's code for the rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn

from vqa_plugin_clip.layers import Blocks, ResidualBlock

if TYPE_CHECKING:
    from vqa_plugin_clip.language import LanguageTower
    from vqa_plugin_clip.model import ClipVqa
    from vqa_plugin_clip.vision import FrameTower


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
