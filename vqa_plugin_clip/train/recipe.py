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


BASE_LR = 8e-6
WEIGHT_DECAY = 0.001
BETAS = (0.9, 0.98)
EPOCHS = 40
WARMUP_EPOCHS = 5
MIN_LR = 8e-8
NEW_PARTS = 10
"""How many times faster than CLIP's vision tower the parts learn that CLIP does not have."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    Attributes:
        init: where the weights come from: ``open_clip:MODEL/TAG-OR-FILE``, the name of a bundled
            checkpoint, or the path of one.
        behaviour: ``published``, ``corrected``, or empty for the start's own (``corrected`` from
            CLIP).
        frames: T; 0 for the start's own (32 from CLIP).
        view: ``resize`` (the paper's), ``fragments``, or empty for the start's own.
        levels: wording of the quality levels, worst first; empty for the start's own.
        epochs: passes over the training files.
        warmup_epochs: of these, how many the learning rate rises in.
        rate: learning rate of CLIP's vision tower.
        min_rate: learning rate at the end, of all groups.
        new_parts: how many times ``rate`` the parts learn with that CLIP does not have.
        weight_decay: of matrices.
        betas: of AdamW.
        batch: videos per forward pass and device.
        accumulate: forward passes per update.
        clip_norm: longest gradient; 0 for any.
        train_conv2: whether the temporal convolution learns; None: in ``corrected`` behaviour.
        train_text: whether the text tower learns.
        varied: fields of `augment.Augmentation` that differ from the usual ones of the view.
        candidates: how many frames of each of T parts of a video training draws from; 0 for all.
        precision: of the forward pass.
        checkpointing: compute blocks of the frame tower twice, to save memory.
        seed: everything random follows from it.
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
            UsageError: one is out of range.
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
        """Of a network whose preprocessing is of that kind.

        Raises:
            UsageError: a number is out of range.
        """
        return replace(FOR_FRAGMENTS if kind == "fragments" else PUBLISHED, **self.varied)

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible."""
        return asdict(self) | {"levels": list(self.levels), "betas": list(self.betas)}

    def difference(self, other: Mapping[str, Any]) -> str:
        """The first setting in which what `to_dict` once gave is another recipe; empty if none."""
        ours = json.loads(json.dumps(self.to_dict()))
        for name, value in ours.items():
            if value != other.get(name):
                return f"--{name.replace('_', '-')} is {value} and was {other.get(name)}"
        return ""
