"""Everything that decides what training gives, as data; the defaults are the paper's.

Source: the published code of CLIPVQA (arXiv 2407.04928), main setting: ViT-B/16, 32 frames.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from vqa_harness.errors import UsageError
from vqa_plugin_clip.train.augment import FOR_FRAGMENTS, PUBLISHED, Augmentation

Precision = Literal["no", "bf16", "fp16"]

_LEAST = {
    "epochs": 1,
    "batch": 1,
    "accumulate": 1,
    "warmup_epochs": 0,
    "candidates": 0,
    "seed": 0,
    "rate": 0,
    "min_rate": 0,
    "new_parts": 0,
    "weight_decay": 0,
    "clip_norm": 0,
}
"""The smallest value that each number may have."""

BASE_LR = 8e-6
"""Learning rate of CLIP's vision tower in the paper, as are the constants below."""
WEIGHT_DECAY = 0.001
BETAS = (0.9, 0.98)
EPOCHS = 40
WARMUP_EPOCHS = 5
MIN_LR = 8e-8
NEW_PARTS = 10
"""How many times faster than CLIP's vision tower the parts learn that CLIP does not have."""


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """How to train.

    Attributes:
        init: Where the weights come from: ``open_clip:MODEL/TAG-OR-FILE``, the name of a bundled
            checkpoint, or the path of one.
        behaviour: ``published``, ``corrected``, or empty for the start's own (``corrected`` from
            CLIP).
        frames: T; 0 for the start's own (32 from CLIP).
        view: ``resize`` (the paper's), ``fragments``, or empty for the start's own.
        levels: wording of the quality levels, worst first; empty for the start's own.
        epochs: Passes over the training files.
        warmup_epochs: Epochs, at the beginning, in which the learning rate rises.
        rate: Learning rate of CLIP's vision tower.
        min_rate: Learning rate of all groups at the end.
        new_parts: Factor on ``rate`` for the parts that CLIP does not have.
        weight_decay: Weight decay of matrices.
        betas: The two betas of AdamW.
        batch: Videos per forward pass and device.
        accumulate: Forward passes per update.
        clip_norm: Longest gradient; 0 for no limit.
        train_conv2: Whether the temporal convolution learns; None for: if ``corrected``.
        train_text: Whether the text tower learns.
        varied: Fields of `augment.Augmentation` that differ from the usual ones of the view.
        candidates: How many frames of each of T parts of a video may be drawn; 0 for all.
        precision: Precision of the forward pass.
        checkpointing: Whether to compute blocks of the frame tower twice, to save memory.
        seed: Number that everything random follows from.
    """

    init: str = "clipvqa-small"
    behaviour: Literal["", "published", "corrected"] = ""
    frames: int = 0
    view: Literal["", "resize", "fragments"] = ""
    levels: tuple[str, ...] = ()
    epochs: int = EPOCHS
    warmup_epochs: int = WARMUP_EPOCHS
    rate: float = BASE_LR
    min_rate: float = MIN_LR
    new_parts: float = NEW_PARTS
    weight_decay: float = WEIGHT_DECAY
    betas: tuple[float, float] = BETAS
    batch: int = 2
    accumulate: int = 8
    clip_norm: float = 0.0
    train_conv2: bool | None = None
    train_text: bool = False
    varied: Mapping[str, Any] = field(default_factory=dict)
    candidates: int = 0
    precision: Precision = "no"
    checkpointing: bool = False
    seed: int = 1024

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: A number is out of range.
        """
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= least):
                flag = name.replace("_", "-")
                raise UsageError(f"--{flag} {value:g}: needs at least {least}")
        if self.frames < 0:
            raise UsageError(f"--frames {self.frames}: needs at least 1")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise UsageError(f"--betas {self.betas[0]:g} {self.betas[1]:g}: need 0 to below 1")
        if len(self.levels) == 1:
            raise UsageError(f"--levels {self.levels[0]}: needs at least two wordings, by commas")
        if self.warmup_epochs >= self.epochs:
            raise UsageError(
                f"--warmup-epochs {self.warmup_epochs}: needs fewer than --epochs {self.epochs}"
            )
        choices = {
            "behaviour": ("", "published", "corrected"),
            "view": ("", "resize", "fragments"),
            "precision": ("no", "bf16", "fp16"),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                named = " or ".join(filter(None, known))
                raise UsageError(f"--{name} {getattr(self, name)}: choose {named}")

    def augmentation(self, kind: str) -> Augmentation:
        """Return the augmentation for a network whose preprocessing is of that kind.

        Args:
            kind: ``resize`` or ``fragments``.

        Raises:
            UsageError: A number is out of range.
        """
        return replace(FOR_FRAGMENTS if kind == "fragments" else PUBLISHED, **self.varied)

    def to_dict(self) -> dict[str, Any]:
        """Return all settings, JSON-compatible."""
        return asdict(self) | {"levels": list(self.levels), "betas": list(self.betas)}

    def difference(self, other: Mapping[str, Any]) -> str:
        """Describe the first setting in which another recipe differs; empty if none does.

        Args:
            other: What `to_dict` of the other recipe gave.
        """
        ours = json.loads(json.dumps(self.to_dict()))
        for name, value in ours.items():
            if value != other.get(name):
                return f"--{name.replace('_', '-')} is {value} and was {other.get(name)}"
        return ""
