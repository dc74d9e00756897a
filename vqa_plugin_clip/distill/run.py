"""Everything from stills to a checkpoint: labelled clips, stages of training, the card."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from vqa_harness.errors import UsageError
from vqa_harness.files import file_sha256
from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.checkpoint.files import load_checkpoint, save_checkpoint
from vqa_plugin_clip.distill.batches import ClipSet, Progress, labelled_clips
from vqa_plugin_clip.distill.network import (
    narrow,
    new_network,
    small_architecture,
    widen,
    with_words,
)
from vqa_plugin_clip.distill.opinions import OpinionSet, read_opinions, split
from vqa_plugin_clip.distill.recipe import DistillRecipe, Stage
from vqa_plugin_clip.distill.report import DistillOrigin, append_rows, make_card
from vqa_plugin_clip.distill.shards import SetPlan
from vqa_plugin_clip.distill.training import (
    EpochReport,
    Sources,
    TrainSettings,
    evaluate,
    train,
)
from vqa_plugin_clip.network.model import ClipVqa


def distill(recipe: DistillRecipe, out: Path, cache: Path, progress: Progress) -> CheckpointCard:
    """Make a checkpoint that predicts VMAF without a reference.

    Stills become moving clips, these are damaged and scored by VMAF; a network learns the scores
    from single frames, which show it more clips in the same time, and is then widened to whole
    clips. After every epoch the checkpoint at ``out`` is replaced and rows are added to a table
    beside it, so an interruption leaves what was reached. Clips and the result of each stage stay
    in ``cache``; a second run goes on from there.

    Args:
        recipe: Data and settings.
        out: Where the checkpoint goes, ending in ``.safetensors``.
        cache: Folder for the clips, about 0.9 MB each.
        progress: Called as the work goes on.

    Returns:
        The card that was written.

    Raises:
        UsageError: There are too few stills, or values do not fit.
        InputError: A still cannot be used.
        MissingBackend: There is no ffmpeg with libvmaf, or there are no ImageNet weights.
    """
    if out.suffix != ".safetensors":
        raise UsageError(f"--output {out.name}: needs a name that ends in .safetensors")
    torch.set_num_threads(recipe.workers)
    torch.manual_seed(recipe.seed)
    plans = recipe.plans()
    sources = _sources(recipe, plans, cache, progress)
    stills = 0 if sources.opinions is None else len(sources.opinions)
    contents = len(plans["train"].contents)
    origin = DistillOrigin(recipe.sizes()["train"], contents, stills, recipe)
    run = _Run(recipe, plans, origin, out, progress)
    model = run.trained(sources, cache).to(recipe.device)
    if model.architecture.frames != recipe.frames:
        model = widen(model, recipe.frames)
    progress("evaluation", 0, 1, "")
    report = evaluate(model, sources, recipe.stages()[-1].settings, epoch=0, loss=math.nan)
    progress("evaluation", 1, 1, "")
    return run.save("final", model, report)


def _sources(
    recipe: DistillRecipe, plans: dict[str, SetPlan], cache: Path, progress: Progress
) -> Sources:
    sizes = recipe.sizes()
    sets = {
        name: labelled_clips(plan, sizes[name], cache, recipe.workers, progress)
        for name, plan in plans.items()
    }
    opinions, validation = None, None
    if recipe.mos is not None:
        development, held_back = split(read_opinions(recipe.mos))
        if not held_back:
            raise UsageError(f"--mos {recipe.mos.name}: needs at least 100 rows")
        opinions, validation = OpinionSet(development), OpinionSet(held_back)
    return Sources(sets.pop("train"), sets, opinions, validation)


@dataclass(slots=True)
class _Run:
    """Holds what every stage needs to train and to write its results."""

    recipe: DistillRecipe
    plans: dict[str, SetPlan]
    origin: DistillOrigin
    out: Path
    progress: Progress

    def trained(self, sources: Sources, cache: Path) -> ClipVqa:
        """Train all stages but those whose result the cache holds; returns the network."""
        model: ClipVqa | None = None
        stages = self.recipe.stages()
        for number, stage in enumerate(stages, start=1):
            stored = cache / f"{stage.name}-{self.fingerprint(stages[:number])}.safetensors"
            if stored.is_file():
                model, _ = load_checkpoint(stored, for_inference=False)
                continue
            if model is None:
                model = self.start()
            if model.architecture.frames != stage.frames:
                model = widen(model, stage.frames)
            plan = self.plans["train"], self.recipe.sizes()["train"]
            clips = ClipSet([plan], cache, stage.without) if stage.without else sources.clips
            card = self.stage(stage, model, replace(sources, clips=clips))
            save_checkpoint(model, card, stored, half=False)
        assert model is not None
        return model

    def start(self) -> ClipVqa:
        """Make a new network, or load the checkpoint to go on from, with words for all captions."""
        architecture = small_architecture(frames=1)
        if self.recipe.init is None:
            return new_network(architecture)
        model, _ = load_checkpoint(self.recipe.init, for_inference=False)
        if model.architecture.frames != 1:
            model = narrow(model)
        return with_words(model, architecture.vocabulary)

    def stage(self, stage: Stage, model: ClipVqa, sources: Sources) -> CheckpointCard:
        """Train for the epochs of a stage; the checkpoint is written after each."""
        cards, note = list[CheckpointCard](), ""

        def on_step(step: int, steps: int, loss: float) -> None:
            self.progress(f"training: {stage.name}", step, steps, f"loss {loss:.3f} {note}")

        def on_epoch(report: EpochReport) -> None:
            nonlocal note
            measured = report.tables["heldout"]["all"]
            note = f"held-out SROCC {measured.get('srocc', math.nan):.3f}"
            cards.append(self.save(stage.name, model, report))

        train(model, sources, stage.settings, on_step, on_epoch)
        return cards[-1]

    def save(self, stage: str, model: ClipVqa, report: EpochReport) -> CheckpointCard:
        """Write the checkpoint and the report's rows."""
        append_rows(self.out.with_suffix(".csv"), stage, report)
        return save_checkpoint(model, make_card(model, self.origin, report), self.out)

    def fingerprint(self, stages: Sequence[Stage]) -> str:
        """Return a hash of everything that decides what the network is after these stages."""
        parts = [self.plans["train"].fingerprint(), str(self.recipe.clips)]
        for stage in stages:
            # What does not change the result is left out. Stages in the caches of earlier versions
            # were named by this text, in which the class was still called Settings.
            settings = repr(replace(stage.settings, device="", half=False))
            settings = settings.replace(TrainSettings.__name__, "Settings", 1)
            parts += [stage.name, str(stage.frames), settings]
        for path in (self.recipe.init, self.recipe.mos):
            parts += [file_sha256(path)] if path else []
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]
