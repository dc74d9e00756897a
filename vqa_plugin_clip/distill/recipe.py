"""What a checkpoint is made from, and the stages of its training, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from vqa_harness.errors import UsageError
from vqa_plugin_clip.distill.contents import is_held_out, is_lossy, list_contents
from vqa_plugin_clip.distill.damage import CODERS, KINDS
from vqa_plugin_clip.distill.shards import CLIPS_PER_SHARD, RUNGS, SetPlan
from vqa_plugin_clip.distill.training import BATCH, TrainSettings

HELD_OUT = ("av1-svt", "freeze")
"""Coders and kinds of damage that are not trained on if nothing else is asked for."""

EVALUATION_CLIPS = {"heldout": 600, "ladder": 576}
"""Clips on contents never trained on: damage as in training, and rate ladders of each coder."""

_UNSEEN_CLIPS = 360
"""Evaluation clips of each coder and kind of damage that is held out."""
_EVALUATION_SHARE = 0.5
"""Most clips of an evaluation set, as a share of the training clips."""
_CLIP_RATE = 0.2
"""Factor on the learning rates for whole clips, which only refine what single frames taught."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training.

    Attributes:
        name: Name in tables and file names.
        settings: How to train.
        frames: Frames per clip (T) of the network in this stage.
        without: Kinds of damage that are left out, because a single frame cannot show them.
    """

    name: str
    settings: TrainSettings
    frames: int
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DistillRecipe:
    """What to make a checkpoint from, and how.

    Attributes:
        content: Folder of pristine stills, or a text file that names them.
        more_content: Stills that are good but not flawless, only trained on; None for none.
        mos: Table of stills with opinion scores; None for none.
        init: Checkpoint of single frames to go on from; None for a new network.
        clips: Number of training clips.
        epochs: Passes over single frames of the clips.
        clip_epochs: Passes over whole clips after those; 0 for none.
        frames: Frames per clip (T) of the network, which is frames per window.
        held_out: Coders and kinds of damage that are only measured on.
        seed: Number that everything random follows from, but for what encoders and threads leave
            open.
        workers: Processes while clips are made, threads while training.
        device: Where to compute: ``cpu``, ``cuda`` or ``mps``.
        half: Whether to compute in bfloat16.
        command: The command line, for the card.
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
            UsageError: A number is too small, or a name that is held out is unknown.
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
        single = TrainSettings(
            self.epochs, self.seed, device=self.device, half=self.half, vary=True
        )
        stages = [Stage("frames", single, 1, without=("freeze",))]
        if self.clip_epochs:
            whole = replace(single, epochs=self.clip_epochs, rate=_CLIP_RATE)
            stages.append(Stage("clips", whole, self.frames))
        return stages

    def sizes(self) -> dict[str, int]:
        """Return how many clips each set gets, by name; whole shards."""
        sizes = {"train": self.clips}
        most = EVALUATION_CLIPS | dict.fromkeys(self.held_out, _UNSEEN_CLIPS)
        for name, count in most.items():
            sizes[name] = min(count, int(self.clips * _EVALUATION_SHARE))
        return {k: -(-count // CLIPS_PER_SHARD) * CLIPS_PER_SHARD for k, count in sizes.items()}

    def plans(self) -> dict[str, SetPlan]:
        """Plan the training set and the evaluation sets; returns them by name.

        Contents that are held out are in no training set; those from JPEG files are not evaluated
        on either, because what they lost before cannot be told from what they lose here.

        Raises:
            UsageError: There are no stills for one of the two.
        """
        stills = list_contents(self.content)
        evaluated = tuple(path for path in stills if is_held_out(path) and not is_lossy(path))
        trained = tuple(path for path in stills if not is_held_out(path))
        if not evaluated or not trained:
            raise UsageError(
                f"--content: {len(trained)} of {len(stills)} stills are for training and"
                f" {len(evaluated)} for evaluation, both are needed; add stills"
                " (a still's file name decides which it is for)"
            )
        if self.more_content is not None:
            trained += tuple(list_contents(self.more_content))
        unseen = tuple(name for name in self.held_out if name in CODERS)
        plans = [
            SetPlan("train", trained, self.coders, self.kinds, self.seed),
            SetPlan("heldout", evaluated, self.coders, self.kinds, self.seed),
            SetPlan("ladder", evaluated, self.coders + unseen, ("codec",), self.seed, rungs=RUNGS),
        ]
        for name in self.held_out:
            coders, kinds = ((name,), ("codec",)) if name in CODERS else (self.coders, (name,))
            plans.append(SetPlan(name, evaluated, coders, kinds, self.seed))
        return {plan.name: plan for plan in plans}
