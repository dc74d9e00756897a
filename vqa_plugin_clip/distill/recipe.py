"""What a checkpoint is made from, and the stages of its training, as data."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from vqa_harness.errors import UsageError
from vqa_plugin_clip.distill.coders import CODERS, UNSEEN_CODERS
from vqa_plugin_clip.distill.contents import (
    is_held_out,
    is_lossy,
    list_contents,
    validation_part,
    with_motion,
)
from vqa_plugin_clip.distill.draw import KINDS
from vqa_plugin_clip.distill.moments import enough_for
from vqa_plugin_clip.distill.motion import FRAMES
from vqa_plugin_clip.distill.network import DECAY, LAYERS, RATE, STEM_BLOCKS, WIDTH
from vqa_plugin_clip.distill.places import GRID
from vqa_plugin_clip.distill.shards import CLIPS_PER_SHARD, RUNGS, SetPlan
from vqa_plugin_clip.distill.training import BATCH, OPINION_BATCH, TrainSettings
from vqa_plugin_clip.distill.varied import Varied

HELD_OUT = ("av1-svt", "freeze")
"""Coders and kinds of damage that are not trained on if nothing else is asked for."""

EVALUATION_CLIPS = {"heldout": 600, "ladder": 576}
"""Clips on contents never trained on: damage as in training, and rate ladders of each coder."""

VALIDATION_CLIPS = {"validation": 144, "validation-ladder": 288}
"""Clips of training contents that are kept to choose the best weights by."""

_UNSEEN_CLIPS = 360
"""Evaluation clips of each coder and kind of damage that is held out."""
_EVALUATION_SHARE = 0.5
"""Most clips of an evaluation set, as a share of the training clips."""
_CLIP_RATE = 0.2
"""Factor on the learning rate for whole clips that only refine what single frames taught."""
_BAND = 4
"""Rows of patches that a step looks at on a processor; on a GPU, which has to spare, all."""


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
        content: Folder of pristine stills and videos, or a text file that names them.
        more_content: Contents that are good but not flawless, only trained on; None for none.
        mos: Table of stills with opinion scores; None for none.
        init: Checkpoint to go on from; None for a new network.
        clips: Number of training clips.
        varied: How the training clips vary; None for the way of the evaluation sets.
        motion: Share of videos among the training contents, which are repeated for it.
        validation: Share of training contents that are kept to choose the best weights by.
        epochs: Passes over single frames of the clips; 0 for whole clips from the first step.
        clip_epochs: Passes over whole clips after those; 0 for none.
        minutes: How long to train on whole clips, instead of ``clip_epochs``; 0 to go by passes.
        checks: How often to measure in that time.
        frames: Frames per clip (T) of the network, which is frames per window; at most 10.
        width: Channels of a new network's frame tower, a multiple of 64.
        layers: Blocks of a new network's frame tower.
        batch: Clips per step.
        opinion_batch: Stills with opinion scores per step.
        rate: Highest learning rate.
        decay: Weight decay of matrices.
        rank: Weight of the ranking loss.
        frozen_blocks: How many of the stem's 11 blocks keep their weights, as does its first layer.
        held_out: Coders and kinds of damage that are only measured on.
        seed: Number that everything random follows from, but for what encoders and threads leave
            open.
        workers: Processes while clips are made, threads while training.
        device: Where to compute: ``cpu``, ``cuda`` or ``mps``.
        half: Whether to compute the frame tower in bfloat16.
        resident: Whether training clips stay in the device's memory; None for: on a GPU, if they
            fit.
        version: Version of the weights, for the card.
        command: The command line, for the card.
    """

    content: Path
    more_content: Path | None = None
    mos: Path | None = None
    init: Path | None = None
    clips: int = 24_000
    varied: Varied | None = None
    motion: float = 0.0
    validation: float = 0.08
    epochs: int = 8
    clip_epochs: int = 1
    minutes: float = 0.0
    checks: int = 10
    frames: int = 4
    width: int = WIDTH
    layers: int = LAYERS
    batch: int = BATCH
    opinion_batch: int = OPINION_BATCH
    rate: float = RATE
    decay: float = DECAY
    rank: float = 0.2
    frozen_blocks: int = 2
    held_out: tuple[str, ...] = HELD_OUT
    seed: int = 1
    workers: int = 1
    device: str = "cpu"
    half: bool = False
    resident: bool | None = None
    version: str = "1"
    command: str = ""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: A number is out of range, or a name that is held out is unknown.
        """
        self._check_numbers()
        if not self.epochs and not self.clip_epochs and not self.minutes:
            raise UsageError("--epochs 0: needs --clip-epochs or --minutes above 0")
        for name in self.held_out:
            known = (*CODERS, *UNSEEN_CODERS, *KINDS)
            if name not in known or name in ("codec", "none"):
                names = ", ".join(one for one in known if one not in ("codec", "none"))
                raise UsageError(f"--hold-out {name}: not one of {names}")
        if not self.coders:
            raise UsageError("--hold-out: at least one coder has to be left for training")

    def _check_numbers(self) -> None:
        least: dict[str, float] = dict.fromkeys(("batch", "opinion_batch", "frames", "workers"), 1)
        least |= {"width": 64, "layers": 1, "checks": 1, "clips": self.batch}
        least |= dict.fromkeys(("epochs", "clip_epochs", "minutes", "decay", "rank", "rate"), 0)
        least |= dict.fromkeys(("motion", "validation", "frozen_blocks"), 0)
        most = {"frames": FRAMES, "motion": 0.9, "validation": 0.5, "frozen_blocks": STEM_BLOCKS}
        for name, smallest in least.items():
            value, flag = getattr(self, name), f"--{name.replace('_', '-')}"
            if not (math.isfinite(value) and value >= smallest):
                raise UsageError(f"{flag} {value:g}: needs at least {smallest:g}")
            if value > most.get(name, math.inf):
                raise UsageError(f"{flag} {value:g}: may be at most {most[name]:g}")
        if self.width % 64:
            raise UsageError(f"--width {self.width}: needs a multiple of 64")
        if not self.rate:
            raise UsageError("--rate 0: needs more than 0")
        if self.varied is not None and not 0 <= self.varied.clean <= 1:
            raise UsageError(f"--clean {self.varied.clean:g}: needs a share from 0 to 1")

    @property
    def coders(self) -> tuple[str, ...]:
        """The coders that are trained on, of those that every set knows."""
        return tuple(name for name in CODERS if name not in self.held_out)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of damage that are trained on."""
        return tuple(kind for kind in KINDS if kind not in self.held_out)

    def stages(self) -> list[Stage]:
        """The stages of training, in order."""
        common = TrainSettings(
            self.epochs,
            self.seed,
            rate=self.rate,
            decay=self.decay,
            batch=self.batch,
            opinion_batch=self.opinion_batch,
            rank=self.rank,
            vary=True,
            frozen_blocks=self.frozen_blocks,
            band=GRID if self.device == "cuda" else _BAND,
            device=self.device,
            half=self.half,
        )
        stages = [Stage("frames", common, 1, without=("freeze",))] if self.epochs else []
        if self.clip_epochs or self.minutes:
            rate = self.rate * (_CLIP_RATE if self.epochs else 1)
            passes = 0 if self.minutes else self.clip_epochs
            whole = replace(
                common, epochs=passes, minutes=self.minutes, checks=self.checks, rate=rate
            )
            stages.append(Stage("clips", whole, self.frames))
        return stages

    def sizes(self) -> dict[str, int]:
        """Return how many clips each set gets, by name; whole shards."""
        sizes = {"train": self.clips}
        most = EVALUATION_CLIPS | VALIDATION_CLIPS | dict.fromkeys(self.held_out, _UNSEEN_CLIPS)
        for name, count in most.items():
            sizes[name] = min(count, int(self.clips * _EVALUATION_SHARE))
        return {k: -(-count // CLIPS_PER_SHARD) * CLIPS_PER_SHARD for k, count in sizes.items()}

    def contents(self) -> list[Path]:
        """List all contents, those that cannot be used included.

        Raises:
            UsageError: A folder or list is missing or empty.
        """
        more = [] if self.more_content is None else list_contents(self.more_content)
        return [*list_contents(self.content), *more]

    def plans(self, without: Collection[Path] = ()) -> dict[str, SetPlan]:
        """Plan the training set, the validation sets and the evaluation sets, by name.

        Contents that are held out are in no other set; those from JPEG files are not measured on
        at all, because what they lost before cannot be told from what they lose here.

        Args:
            without: Contents that cannot be used.

        Raises:
            UsageError: There are no contents for training or for evaluation.
        """
        listed = [path for path in list_contents(self.content) if path not in without]
        trained = [path for path in listed if not is_held_out(path)]
        validated = validation_part(trained, self.validation)
        trained = [path for path in trained if path not in validated]
        evaluation = self.evaluation_plans(without)
        if not trained:
            raise UsageError(
                f"--content: 0 of {len(listed)} contents are for training; add some"
                " (a file's name decides what it is for)"
            )
        if self.more_content is not None:
            trained += [path for path in list_contents(self.more_content) if path not in without]
        train = self._plan("train", with_motion(trained, self.motion))
        plans = [replace(train, varied=self.varied)]
        if validated:
            ladder = self._plan("validation-ladder", validated, kinds=("codec",))
            plans += [self._plan("validation", validated), replace(ladder, rungs=RUNGS)]
        return {plan.name: plan for plan in plans} | evaluation

    def evaluation_plans(self, without: Collection[Path] = ()) -> dict[str, SetPlan]:
        """Plan the evaluation sets alone; see `plans`."""
        listed = [path for path in list_contents(self.content) if path not in without]
        evaluated = [path for path in listed if is_held_out(path) and not is_lossy(path)]
        if not evaluated:
            raise UsageError(
                f"--content: 0 of {len(listed)} contents are for evaluation; add some"
                " (a file's name decides what it is for)"
            )
        known = {**CODERS, **UNSEEN_CODERS}
        unseen = tuple(name for name in self.held_out if name in known)
        ladder = self._plan("ladder", evaluated, self.coders + unseen, ("codec",))
        plans = [self._plan("heldout", evaluated), replace(ladder, rungs=RUNGS)]
        for name in self.held_out:
            coders, kinds = ((name,), ("codec",)) if name in known else (self.coders, (name,))
            plans.append(self._plan(name, evaluated, coders, kinds))
        return {plan.name: plan for plan in plans}

    def _plan(
        self,
        name: str,
        contents: list[Path],
        coders: tuple[str, ...] | None = None,
        kinds: tuple[str, ...] | None = None,
    ) -> SetPlan:
        coders = self.coders if coders is None else coders
        kinds = self.kinds if kinds is None else kinds
        keep = enough_for(self.frames)
        return SetPlan(name, tuple(contents), coders, kinds, self.seed, keep=keep)
