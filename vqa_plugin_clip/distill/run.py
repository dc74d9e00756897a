"""The whole way from stills to a checkpoint: labelled clips, stages of training, the card."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from vqa_harness.errors import UsageError
from vqa_plugin_clip.card import Card
from vqa_plugin_clip.checkpoints import load_checkpoint, save_checkpoint
from vqa_plugin_clip.distill.batches import ClipSet
from vqa_plugin_clip.distill.contents import is_held_out, is_lossy, list_contents
from vqa_plugin_clip.distill.damage import TRAINED_CODERS
from vqa_plugin_clip.distill.network import new_network, small_architecture, widen
from vqa_plugin_clip.distill.opinions import OpinionSet, read_opinions, split
from vqa_plugin_clip.distill.recode import recode
from vqa_plugin_clip.distill.report import Origin, append_rows, make_card
from vqa_plugin_clip.distill.shards import CLIPS_PER_SHARD, SetPlan, make_shards
from vqa_plugin_clip.distill.training import (
    BATCH,
    Report,
    Settings,
    Sources,
    evaluate,
    train,
)
from vqa_plugin_clip.model import ClipVqa

KINDS = ("codec", "scale", "blur", "noise", "none")
HELD_OUT_CLIPS = {"heldout": 600, "av1": 360, "freeze": 120}
"""Clips on contents never trained on: known damage, an unknown coder, an unknown damage."""

_EVALUATION_SHARE = 0.5

Progress = Callable[[str, int, int, str], None]
"""Called with the name of a stage, what is done, what there is to do, and a note."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make a checkpoint from, and how.

    Attributes:
        content: folder of pristine stills, or a text file that names them.
        mos: table of stills with opinion scores; None for none.
        clips: training clips.
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
        stages = [
            Stage("plain", Settings(self.epochs, self.seed)),
            Stage("varied", Settings(self.tune_epochs, self.seed, rate=0.6, vary=True)),
        ]
        if self.mos is not None:
            settings = Settings(1, self.seed, rate=0.2, vary=True)
            stages.append(Stage("opinions", settings, opinions=True))
        return [replace(s, settings=self._on_device(s.settings)) for s in stages]

    def _on_device(self, settings: Settings) -> Settings:
        return replace(settings, device=self.device, half=self.half)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training: its name, settings, and whether opinion scores take part."""

    name: str
    settings: Settings
    opinions: bool = False


def distill(recipe: Recipe, out: Path, cache: Path, progress: Progress) -> Card:
    """Make a checkpoint that predicts VMAF without a reference.

    Stills become moving clips, these are damaged and scored by VMAF; a network learns the scores
    from single frames, which show it more clips in the same time, and is then widened to whole
    clips. After every epoch the checkpoint at ``out`` is replaced and rows are added to a table
    beside it, so an interruption leaves what was reached. Clips and the result of each stage stay
    in ``cache``; a second run goes on from there.

    Args:
        recipe: data and settings.
        out: the checkpoint, ending in ``.safetensors``.
        cache: folder for the clips, about 0.9 MB each.
        progress: told what is going on.

    Returns:
        the card that was written.

    Raises:
        UsageError: too few stills, or values that do not fit.
        InputError: a still cannot be used.
        MissingBackend: no ffmpeg with libvmaf, or no ImageNet weights for the stem.
    """
    if out.suffix != ".safetensors":
        raise UsageError(f"--out {out.name}: needs a name that ends in .safetensors")
    torch.set_num_threads(recipe.workers)
    torch.manual_seed(recipe.seed)
    plans = make_plans(recipe)
    sources = _sources(recipe, plans, cache, progress)
    run = _Run(_origin(recipe, plans, sources), out, progress)
    model = _trained(recipe, plans, sources, cache, run)
    model = widen(model, recipe.frames)
    progress("evaluation", 0, 1, "")
    last = recipe.stages()[-1].settings
    report = evaluate(model.to(recipe.device), sources, last, epoch=0, loss=math.nan)
    progress("evaluation", 1, 1, "")
    return run.save("widened", model, report)


def _trained(
    recipe: Recipe, plans: dict[str, SetPlan], sources: Sources, cache: Path, run: _Run
) -> ClipVqa:
    """The network after all stages; those that the cache holds are not repeated."""
    model: ClipVqa | None = None
    stages = recipe.stages()
    for index, stage in enumerate(stages):
        kept = (
            cache / f"{stage.name}-{_fingerprint(recipe, plans, stages[: index + 1])}.safetensors"
        )
        if kept.is_file():
            model, _ = load_checkpoint(kept, for_inference=False)
            continue
        model = model or new_network(small_architecture(frames=1))
        own = sources if stage.opinions else replace(sources, opinions=None)
        card = run.stage(stage, model, own)
        save_checkpoint(model, card, kept, half=False)
    assert model is not None
    return model


def make_plans(recipe: Recipe) -> dict[str, SetPlan]:
    """The training set and the evaluation sets, by name.

    Contents that are held out are in no training set; those from JPEG files are not evaluated on
    either, because what they lost before cannot be told from what they lose here.

    Raises:
        UsageError: no stills for one of the two parts.
    """
    stills = list_contents(recipe.content)
    kept = tuple(path for path in stills if is_held_out(path) and not is_lossy(path))
    trained = tuple(path for path in stills if not is_held_out(path))
    if not kept or not trained:
        raise UsageError(
            f"--content: {len(trained)} of {len(stills)} stills are for training and {len(kept)}"
            " for evaluation, both are needed; add stills (the file name decides)"
        )
    seed = recipe.seed
    plans = (
        SetPlan("train", trained, TRAINED_CODERS, KINDS, seed),
        SetPlan("heldout", kept, TRAINED_CODERS, KINDS, seed),
        SetPlan("av1", kept, ("av1-svt",), ("codec",), seed),
        SetPlan("freeze", kept, (), ("freeze",), seed),
    )
    return {plan.name: plan for plan in plans}


def _sources(recipe: Recipe, plans: dict[str, SetPlan], cache: Path, progress: Progress) -> Sources:
    sizes = {"train": recipe.clips} | {
        name: min(most, int(recipe.clips * _EVALUATION_SHARE))
        for name, most in HELD_OUT_CLIPS.items()
    }
    sets = {}
    for name, plan in plans.items():
        total = -(-sizes[name] // CLIPS_PER_SHARD) * CLIPS_PER_SHARD
        done = 0
        for made in make_shards(plan, total, cache, recode, recipe.workers):
            done += made
            progress(f"clips: {name}", done, total, "")
        sets[name] = ClipSet(plan, total, cache)
    clips = sets.pop("train")
    if recipe.mos is None:
        return Sources(clips, sets)
    development, validation = split(read_opinions(recipe.mos))
    if not validation:
        raise UsageError(f"--mos {recipe.mos.name}: needs at least 100 rows")
    return Sources(clips, sets, OpinionSet(development), OpinionSet(validation))


def _origin(recipe: Recipe, plans: dict[str, SetPlan], sources: Sources) -> Origin:
    stills = 0 if sources.opinions is None else len(sources.opinions)
    return Origin(len(sources.clips), len(plans["train"].contents), stills, recipe.command)


def _fingerprint(recipe: Recipe, plans: dict[str, SetPlan], stages: Sequence[Stage]) -> str:
    parts = [plans["train"].fingerprint(), str(recipe.clips)]
    for stage in stages:
        settings = stage.settings
        parts += [stage.name, str(settings.epochs), str(settings.seed), str(settings.rate)]
    if stages[-1].opinions and recipe.mos is not None:
        parts.append(hashlib.sha256(recipe.mos.read_bytes()).hexdigest())
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]


@dataclass(slots=True)
class _Run:
    """Carries what every stage needs to write its results."""

    origin: Origin
    out: Path
    progress: Progress

    def stage(self, stage: Stage, model: ClipVqa, sources: Sources) -> Card:
        """Train for the epochs of a stage; the checkpoint is written after each."""
        cards, note = list[Card](), ""

        def on_step(step: int, steps: int, loss: float) -> None:
            self.progress(f"training: {stage.name}", step, steps, f"loss {loss:.3f} {note}")

        def on_epoch(report: Report) -> None:
            nonlocal note
            found = report.tables["heldout"]["all"]
            note = f"held-out SROCC {found.get('srocc', math.nan):.3f}"
            cards.append(self.save(stage.name, model, report))

        train(model, sources, stage.settings, on_step, on_epoch)
        return cards[-1]

    def save(self, stage: str, model: ClipVqa, report: Report) -> Card:
        """Write the checkpoint and the report's rows."""
        append_rows(self.out.with_suffix(".csv"), stage, report)
        return save_checkpoint(model, make_card(model, self.origin, report), self.out)
