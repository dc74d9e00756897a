"""AdamW over the paper's parameter groups, and its learning rates."""

from __future__ import annotations

from typing import Any

import torch

from vqa_plugin_clip.model import ClipVqa
from vqa_plugin_clip.optim import NEW_PARTS, parameter_groups, set_learning_rates
from vqa_plugin_clip.train.recipe import Recipe

_EPS = 1e-8


def make_optimiser(model: ClipVqa, recipe: Recipe) -> torch.optim.AdamW:
    """The optimiser; what does not learn is frozen. Groups carry ``names`` and ``multiple``."""
    groups = parameter_groups(
        model,
        recipe.rate,
        recipe.weight_decay,
        train_conv2=recipe.train_conv2,
        train_text=recipe.train_text,
    )
    for group in groups:
        if group["multiple"] == NEW_PARTS:
            group["multiple"] = recipe.new_parts
            group["lr"] = recipe.rate * recipe.new_parts
    return torch.optim.AdamW(groups, betas=recipe.betas, eps=_EPS)


def schedule(optimiser: Any, recipe: Recipe, done: int, steps: int) -> float:
    """Set the learning rates for the next update.

    Args:
        optimiser: with the groups of `make_optimiser`.
        recipe: gives rates and epochs.
        done: forward passes so far, 0 before the first update.
        steps: forward passes per epoch.

    Returns:
        the rate of the vision tower.
    """
    # as published: the rate follows the index of the last pass; it is 0 before and after the first
    last = done - 1 if recipe.warmup_epochs else max(done - 1, 0)
    set_learning_rates(
        optimiser,
        last,
        steps,
        recipe.rate,
        epochs=recipe.epochs,
        warmup_epochs=recipe.warmup_epochs,
        min_lr=recipe.min_rate,
    )
    return min(float(group["lr"]) for group in optimiser.param_groups)


def moments(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """What the optimiser remembers, by ``PARAMETER.FIELD``."""
    return {
        f"{name}.{field}": value
        for group in optimiser.param_groups
        for name, parameter in zip(group["names"], group["params"], strict=True)
        for field, value in optimiser.state.get(parameter, {}).items()
    }


def restore_moments(optimiser: torch.optim.Optimizer, kept: dict[str, torch.Tensor]) -> None:
    """Give an optimiser back what `moments` took; the step count stays on the CPU."""
    by_name: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in kept.items():
        name, _, field = key.rpartition(".")
        by_name.setdefault(name, {})[field] = value
    for group in optimiser.param_groups:
        for name, parameter in zip(group["names"], group["params"], strict=True):
            if name in by_name:
                optimiser.state[parameter] = {
                    field: value.clone()
                    if field == "step"
                    else value.to(parameter.device, copy=True)
                    for field, value in by_name[name].items()
                }
