"""What a checkpoint is made from, and the stages of its training, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from vqa_harness.errors import UsageError
from vqa_plugin_clip.distill.contents import is_held_out, is_lossy, list_contents
from vqa_plugin_clip.distill.damage import CODERS, KINDS
from vqa_plugin_clip.distill.shards import CLIPS_PER_SHARD, RUNGS, SetPlan
from vqa_plugin_clip.distill.training import BATCH, Settings

HELD_OUT = ("av1-svt", "freeze")
"""Coders and kinds of damage that are not trained on unless one asks for it."""

EVALUATION_CLIPS = {"heldout": 600, "ladder": 576}
"""Clips on contents never trained on: damage as in training, and rate ladders of each coder."""

_UNSEEN_CLIPS = 360
_EVALUATION_SHARE = 0.5
_CLIP_RATE = 0.2


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training.

    Attributes:
        name: in tables.
        settings: how.
        frames: T of the network in this stage.
        without: kinds of damage that are left out, as a single frame cannot show them.
    """

    name: str
    settings: Settings
    frames: int
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make a checkpoint from, and how.

    Attributes:
        content: folder of pristine stills, or a text file that names them.
        more_content: stills that are good but not flawless, only trained on; None for none.
        mos: table of stills with opinion scores; None for none.
        init: checkpoint of single frames to go on from; None for a new network.
        clips: training clips.
        epochs: passes over single frames of them.
        clip_epochs: passes over whole clips after that; 0 for none.
        frames: T of the network, frames per window.
        held_out: coders and kinds of damage that are only measured on.
        seed: everything random follows from it, but for what encoders and threads leave open.
        workers: processes while clips are made, threads while training.
        device: of torch.
        half: compute in bfloat16.
        command: written into the card.
    """

    content: Path
    more_content: Path | None = None
    mos: Path | None = None
    init: Path | None = None
    clips: int = 24_000
    epochs: int = 8
    clip_epochs: int = 1
    frames: int = 4
    held_out: tuple[str, ...] = HELD_OUT
    seed: int = 1
    workers: int = 1
    device: str = "cpu"
    half: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: a number is too small, or what is held out is not known.
        """
        least = {"clips": BATCH, "epochs": 1, "clip_epochs": 0, "frames": 1, "workers": 1}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                flag = name.replace("_", "-")
                raise UsageError(f"--{flag} {getattr(self, name)}: needs at least {smallest}")
        for name in self.held_out:
            if name not in (*CODERS, *KINDS) or name in ("codec", "none"):
                known = ", ".join((*CODERS, *(kind for kind in KINDS if kind != "none")))
                raise UsageError(f"--hold-out {name}: not one of {known}")
        if not self.coders:
            raise UsageError("--hold-out: at least one coder has to be left for training")

    @property
    def coders(self) -> tuple[str, ...]:
        """The coders that are trained on."""
        return tuple(name for name in CODERS if name not in self.held_out)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of damage that are trained on."""
        return tuple(kind for kind in KINDS if kind not in self.held_out)

    def stages(self) -> list[Stage]:
        """The stages of training, in order."""
        single = Settings(self.epochs, self.seed, device=self.device, half=self.half, vary=True)
        stages = [Stage("frames", single, 1, without=("freeze",))]
        if self.clip_epochs:
            whole = replace(single, epochs=self.clip_epochs, rate=_CLIP_RATE)
            stages.append(Stage("clips", whole, self.frames))
        return stages

    def sizes(self) -> dict[str, int]:
        """How many clips each set gets, whole shards."""
        sizes = {"train": self.clips}
        most = EVALUATION_CLIPS | dict.fromkeys(self.held_out, _UNSEEN_CLIPS)
        for name, count in most.items():
            sizes[name] = min(count, int(self.clips * _EVALUATION_SHARE))
        return {k: -(-count // CLIPS_PER_SHARD) * CLIPS_PER_SHARD for k, count in sizes.items()}

    def plans(self) -> dict[str, SetPlan]:
        """The training set and the evaluation sets, by name.

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
        if self.more_content is not None:
            trained += tuple(list_contents(self.more_content))
        unseen = tuple(name for name in self.held_out if name in CODERS)
        plans = [
            SetPlan("train", trained, self.coders, self.kinds, self.seed),
            SetPlan("heldout", kept, self.coders, self.kinds, self.seed),
            SetPlan("ladder", kept, self.coders + unseen, ("codec",), self.seed, rungs=RUNGS),
        ]
        for name in self.held_out:
            coders, kinds = ((name,), ("codec",)) if name in CODERS else (self.coders, (name,))
            plans.append(SetPlan(name, kept, coders, kinds, self.seed))
        return {plan.name: plan for plan in plans}
