"""AdamW over the paper's parameter groups, and its learning rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.train.recipe import (
    BASE_LR,
    EPOCHS,
    MIN_LR,
    NEW_PARTS,
    WARMUP_EPOCHS,
    WEIGHT_DECAY,
    TrainRecipe,
)

_EPS = 1e-8


def make_optimiser(model: ClipVqa, recipe: TrainRecipe) -> torch.optim.AdamW:
    """Make the optimiser of a training, and freeze what does not learn.

    Args:
        model: The network.
        recipe: Gives learning rates, weight decay and betas, and what learns.

    Returns:
        AdamW over the groups of `parameter_groups`.
    """
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


def schedule(optimiser: Any, recipe: TrainRecipe, done: int, steps: int) -> float:
    """Set the learning rates for the next update.

    Args:
        optimiser: From `make_optimiser`.
        recipe: Gives rates and epochs.
        done: Forward passes so far; 0 before the first update.
        steps: Forward passes per epoch.

    Returns:
        The learning rate of the vision tower.
    """
    # As published, the rate follows the index of the last pass: it is 0 before and after the first.
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
    """Collect what the optimiser remembers, by ``PARAMETER.FIELD``."""
    return {
        f"{name}.{field}": value
        for group in optimiser.param_groups
        for name, parameter in zip(group["names"], group["params"], strict=True)
        for field, value in optimiser.state.get(parameter, {}).items()
    }


def restore_moments(optimiser: torch.optim.Optimizer, saved: dict[str, torch.Tensor]) -> None:
    """Give an optimiser back what `moments` collected; the step count stays on the CPU.

    Raises:
        ValueError: They are not of these parameters.
    """
    by_name: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in saved.items():
        name, _, field = key.rpartition(".")
        by_name.setdefault(name, {})[field] = value
    for group in optimiser.param_groups:
        for name, parameter in zip(group["names"], group["params"], strict=True):
            if name in by_name:
                _check_moments(name, by_name[name], parameter)
                optimiser.state[parameter] = {
                    field: value.clone()
                    if field == "step"
                    else value.to(parameter.device, copy=True)
                    for field, value in by_name[name].items()
                }


def _check_moments(name: str, fields: Mapping[str, torch.Tensor], parameter: torch.Tensor) -> None:
    shapes = {"step": torch.Size([]), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape}
    if {field: value.shape for field, value in fields.items()} != shapes or not all(
        value.is_floating_point() for value in fields.values()
    ):
        raise ValueError(f"the moments of {name} do not fit it")


def rate_multiple(name: str, *, train_conv2: bool = False, train_text: bool = False) -> int | None:
    """Return the multiple of the base learning rate for a parameter; None if it is frozen.

    Args:
        name: Name of the parameter in `ClipVqa`.
        train_conv2: Whether the temporal convolution learns.
        train_text: Whether the text tower and the logit scale learn.
    """
    if name.startswith("visual."):
        return NEW_PARTS if ".message_" in name else 1
    if name.startswith(("mit.", "prompts_")):
        return NEW_PARTS
    if name == "conv2.weight":
        return NEW_PARTS if train_conv2 else None
    return 1 if train_text else None


def decay_of(name: str, parameter: nn.Parameter, weight_decay: float = WEIGHT_DECAY) -> float:
    """Return the weight decay of a parameter: 0 for vectors, biases and position embeddings."""
    spared = parameter.ndim <= 1 or name.endswith(".bias") or "positional_embedding" in name
    return 0.0 if spared else weight_decay


def parameter_groups(
    model: ClipVqa,
    base_lr: float = BASE_LR,
    weight_decay: float = WEIGHT_DECAY,
    *,
    train_conv2: bool | None = None,
    train_text: bool = False,
) -> list[dict[str, Any]]:
    """Make groups for an optimiser, and freeze (``requires_grad``) what is in none of them.

    Args:
        model: The network.
        base_lr: Learning rate of CLIP's vision tower.
        weight_decay: Weight decay of matrices.
        train_conv2: Whether the temporal convolution learns. The published code leaves it at its
            random values; None does so in the ``published`` behaviour only.
        train_text: Whether the text tower and the logit scale learn, at the base rate.

    Returns:
        Dicts with ``params``, ``names``, ``lr``, ``weight_decay`` and ``multiple`` (of the base
        rate); `set_learning_rates` reads the last.
    """
    if train_conv2 is None:
        train_conv2 = model.architecture.behaviour != "published"
    groups: dict[tuple[int, float], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        multiple = rate_multiple(name, train_conv2=train_conv2, train_text=train_text)
        parameter.requires_grad_(multiple is not None)
        if multiple is None:
            continue
        decay = decay_of(name, parameter, weight_decay)
        group = groups.setdefault(
            (multiple, decay),
            {
                "params": [],
                "names": [],
                "lr": base_lr * multiple,
                "weight_decay": decay,
                "multiple": multiple,
            },
        )
        group["params"].append(parameter)
        group["names"].append(name)
    return list(groups.values())


def learning_rate(
    step: int,
    steps_per_epoch: int,
    base_lr: float = BASE_LR,
    *,
    epochs: int = EPOCHS,
    warmup_epochs: int = WARMUP_EPOCHS,
    min_lr: float = MIN_LR,
) -> float:
    """Return the rate after ``step``: a straight rise from 0, then a half cosine from step 0.

    As published, the cosine does not start again after the warm-up: the rate drops a little there.
    Before the first step (``step`` < 0) and after step 0 it is 0; from the last step on it is
    ``min_lr``, which is the same for all groups.
    """
    warmup, total = warmup_epochs * steps_per_epoch, epochs * steps_per_epoch
    if step < warmup:
        return base_lr * max(step, 0) / warmup
    if step >= total:
        return min_lr
    return min_lr + 0.5 * (base_lr - min_lr) * (1 + math.cos(math.pi * step / total))


def set_learning_rates(
    optimizer: torch.optim.Optimizer,
    step: int,
    steps_per_epoch: int,
    base_lr: float = BASE_LR,
    *,
    epochs: int = EPOCHS,
    warmup_epochs: int = WARMUP_EPOCHS,
    min_lr: float = MIN_LR,
) -> None:
    """Give every group of `parameter_groups` its rate after ``step``; call it after an update."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(
            step,
            steps_per_epoch,
            base_lr * group["multiple"],
            epochs=epochs,
            warmup_epochs=warmup_epochs,
            min_lr=min_lr,
        )
