"""What a checkpoint is made from, and the stages of its training, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from vqa_harness.errors import UsageError
from vqa_plugin_clip.distill.contents import is_held_out, is_lossy, list_contents
from vqa_plugin_clip.distill.damage import TRAINED_CODERS
from vqa_plugin_clip.distill.shards import CLIPS_PER_SHARD, SetPlan
from vqa_plugin_clip.distill.training import BATCH, Settings

KINDS = ("codec", "scale", "blur", "noise", "none")
HELD_OUT_CLIPS = {"heldout": 600, "av1": 360, "freeze": 120}
"""Clips on contents never trained on: known damage, an unknown coder, an unknown damage."""

_EVALUATION_SHARE = 0.5
_MORE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training.

    Attributes:
        name: in tables.
        settings: how.
        mixed: whether more content and stills with opinion scores take part.
    """

    name: str
    settings: Settings
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make a checkpoint from, and how.

    Attributes:
        content: folder of pristine stills, or a text file that names them.
        more_content: stills that are good but not flawless, only trained on; None for none.
        mos: table of stills with opinion scores; None for none.
        clips: training clips from ``content``; a quarter as many come from ``more_content``.
        epochs: passes over them.
        tune_epochs: passes after that in which colours and places vary.
        frames: T of the network, frames per window.
        seed: everything random follows from it, but for what encoders and threads leave open.
        workers: processes while clips are made, threads while training.
        device: of torch.
        half: compute in bfloat16.
        command: written into the card.
    """

    content: Path
    more_content: Path | None = None
    mos: Path | None = None
    clips: int = 12_000
    epochs: int = 4
    tune_epochs: int = 3
    frames: int = 4
    seed: int = 1
    workers: int = 1
    device: str = "cpu"
    half: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: one is too small.
        """
        least = {"clips": BATCH, "epochs": 1, "tune_epochs": 1, "frames": 1, "workers": 1}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                flag = name.replace("_", "-")
                raise UsageError(f"--{flag} {getattr(self, name)}: needs at least {smallest}")

    def stages(self) -> list[Stage]:
        """The stages of training, in order."""
        settings = Settings(self.epochs, self.seed, device=self.device, half=self.half)
        varied = replace(settings, epochs=self.tune_epochs, rate=0.6, vary=True)
        stages = [Stage("plain", settings), Stage("varied", varied)]
        if self.more_content is not None or self.mos is not None:
            stages.append(Stage("mixed", replace(varied, epochs=1, frozen_blocks=2), mixed=True))
        return stages

    def sizes(self) -> dict[str, int]:
        """How many clips each set gets, whole shards."""
        sizes = {"train": self.clips, "more": int(self.clips * _MORE_SHARE)}
        for name, most in HELD_OUT_CLIPS.items():
            sizes[name] = min(most, int(self.clips * _EVALUATION_SHARE))
        return {k: -(-count // CLIPS_PER_SHARD) * CLIPS_PER_SHARD for k, count in sizes.items()}

    def plans(self) -> dict[str, SetPlan]:
        """The training sets and the evaluation sets, by name.

        Contents that are held out are in no training set; those from JPEG files are not evaluated
        on either, because what they lost before cannot be told from what they lose here.

        Raises:
            UsageError: no stills for one of the two.
        """
        stills = list_contents(self.content)
        kept = tuple(path for path in stills if is_held_out(path) and not is_lossy(path))
        trained = tuple(path for path in stills if not is_held_out(path))
        if not kept or not trained:
            raise UsageError(
                f"--content: {len(trained)} of {len(stills)} stills are for training and"
                f" {len(kept)} for evaluation, both are needed; add stills (the file name decides)"
            )
        plans = [
            SetPlan("train", trained, TRAINED_CODERS, KINDS, self.seed),
            SetPlan("heldout", kept, TRAINED_CODERS, KINDS, self.seed),
            SetPlan("av1", kept, ("av1-svt",), ("codec",), self.seed),
            SetPlan("freeze", kept, (), ("freeze",), self.seed),
        ]
        if self.more_content is not None:
            more = tuple(list_contents(self.more_content))
            plans.append(SetPlan("more", more, TRAINED_CODERS, KINDS, self.seed))
        return {plan.name: plan for plan in plans}
