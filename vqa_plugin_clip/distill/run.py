"""Everything from contents to a checkpoint: labelled clips, stages of training, the card."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from vqa_harness.destinations import check_destinations
from vqa_harness.errors import UsageError
from vqa_harness.files import file_sha256, try_folder
from vqa_plugin_clip.checkpoint.card import CheckpointCard, read_card
from vqa_plugin_clip.checkpoint.files import load_checkpoint, save_checkpoint
from vqa_plugin_clip.checkpoint.find import find_checkpoint
from vqa_plugin_clip.distill.batches import ClipSet, labelled_clips
from vqa_plugin_clip.distill.check import CheckReport, evaluate
from vqa_plugin_clip.distill.coders import check_coders, more_beside
from vqa_plugin_clip.distill.network import (
    LAYERS,
    WIDTH,
    check_trainable,
    new_network,
    refit,
    small_architecture,
    with_words,
)
from vqa_plugin_clip.distill.opinions import OpinionSet, read_opinions, split
from vqa_plugin_clip.distill.planes import recode
from vqa_plugin_clip.distill.progress import Progress
from vqa_plugin_clip.distill.recipe import DistillRecipe, Stage
from vqa_plugin_clip.distill.report import DistillOrigin, append_rows, check_table, make_card
from vqa_plugin_clip.distill.selection import Selection
from vqa_plugin_clip.distill.shards import SetPlan
from vqa_plugin_clip.distill.survey import left_out, summary
from vqa_plugin_clip.distill.training import Sources, TrainSettings, train
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.stem import imagenet_weights

Tell = Callable[[str], None]
"""Called with a line about what was left out or chosen, for people."""
_LABEL = "label of the expected level"
"""Part of the name of a stored stage: those of earlier versions learned another label."""


def distill(
    recipe: DistillRecipe, out: Path, cache: Path, progress: Progress, tell: Tell = lambda _: None
) -> CheckpointCard:
    """Make a checkpoint that predicts VMAF without a reference.

    Stills become moving clips, videos short ones; these are damaged and scored by VMAF; a network
    learns the scores, from single frames first, which show it more clips in the same time, or from
    whole clips at once. Now and then it is measured on training contents that are kept for that;
    the best weights so far replace the checkpoint at ``out`` and rows are added to a table beside
    it, so an interruption leaves what was reached. Clips and the result of each stage stay in
    ``cache``; a second run goes on from there. The evaluation sets are measured once, at the end.

    Args:
        recipe: Data and settings.
        out: Where the checkpoint goes, ending in ``.safetensors``.
        cache: Folder for the clips, 0.22 MB for every frame that is kept.
        progress: Called as the work goes on.
        tell: Called with what people should know.

    Returns:
        The card that was written.

    Raises:
        UsageError: There are too few contents, values do not fit, or a path cannot be written.
        InputError: No still with an opinion score can be used, or a checkpoint is damaged.
        MissingBackend: There is no ffmpeg with libvmaf, no encoder, or there are no ImageNet
            weights.
        MetricError: The loss is not finite.
    """
    if out.suffix != ".safetensors":
        raise UsageError(f"--output {out.name}: needs a name that ends in .safetensors")
    check_destinations(
        [out, out.with_suffix(".json"), out.with_suffix(".csv")], [recipe.mos, recipe.init]
    )
    check_table(out.with_suffix(".csv"))
    try_folder(cache)
    _check_start(recipe)
    torch.set_num_threads(recipe.workers)
    torch.manual_seed(recipe.seed)
    opinions, held_back = _opinions(recipe)
    bad = left_out(recipe.contents(), cache, recipe.workers, progress)
    plans = recipe.plans({one.path for one in bad})
    for stills in (opinions, held_back):
        bad += [] if stills is None else stills.left_out
    for line in summary(bad):
        tell(line)
    if "validation" not in plans:
        tell("no contents are kept for validation: the last weights are taken, not the best")
    coders = {name: None for plan in plans.values() for name in plan.coders}
    check_coders([*coders, *(more_beside(recipe.coders) if recipe.varied else ())], recode)
    sizes = recipe.sizes()
    for name, plan in plans.items():
        labelled_clips(plan, sizes[name], cache, recipe.workers, progress)
    photographs = 0 if opinions is None else len(opinions)
    contents = len(set(plans["train"].contents))
    origin = DistillOrigin(sizes["train"], contents, photographs, recipe, tuple(bad))
    run = _Run(recipe, plans, origin, out, cache, progress, tell)
    return run.finish(run.trained(opinions), held_back)


def _check_start(recipe: DistillRecipe) -> None:
    """Refuse a start that would fail after the clips are made.

    Raises:
        UsageError: The checkpoint to go on from cannot be, or sizes of a new network do not fit.
        InputError: It is missing or damaged.
        MissingBackend: There are no ImageNet weights for a new network.
    """
    if recipe.init is None:
        small_architecture(recipe.frames, recipe.width, recipe.layers)
        imagenet_weights()
        return
    sizes = read_card(find_checkpoint(recipe.init)).architecture
    check_trainable(sizes, recipe.init.name)
    for flag, asked, usual, there in (
        ("--width", recipe.width, WIDTH, sizes.vision_width),
        ("--layers", recipe.layers, LAYERS, sizes.vision_layers),
    ):
        if asked not in (usual, there):
            raise UsageError(f"{flag} {asked}: {recipe.init.name}, gone on from, has {there}")


def _opinions(recipe: DistillRecipe) -> tuple[OpinionSet | None, OpinionSet | None]:
    """Read the stills with opinion scores: those to learn from, and those to measure on."""
    if recipe.mos is None:
        return None, None
    development, held_back = split(read_opinions(recipe.mos))
    if not held_back:
        raise UsageError(f"--mos {recipe.mos.name}: needs at least 100 rows")
    return OpinionSet(development, recipe.device), OpinionSet(held_back, recipe.device)


@dataclass(slots=True)
class _Run:
    """Holds what every stage needs to train and to write its results."""

    recipe: DistillRecipe
    plans: dict[str, SetPlan]
    origin: DistillOrigin
    out: Path
    cache: Path
    progress: Progress
    tell: Tell
    told: set[str] = field(default_factory=set)

    def trained(self, opinions: OpinionSet | None) -> ClipVqa:
        """Train all stages but those whose result the cache holds; returns the network."""
        model: ClipVqa | None = None
        stages = self.recipe.stages()
        for number, stage in enumerate(stages, start=1):
            stored = self.cache / f"{stage.name}-{self.fingerprint(stages[:number])}.safetensors"
            if stored.is_file():
                model, _ = load_checkpoint(stored, for_inference=False)
                self.tell(f"stage {stage.name}: its result is in the cache, {stored.name}")
                continue
            model = self.start(stage.frames) if model is None else refit(model, stage.frames)
            card = self.stage(stage, model, opinions)
            save_checkpoint(model, card, stored, half=False)
        assert model is not None
        return refit(model, self.recipe.frames)

    def start(self, frames: int) -> ClipVqa:
        """Make a new network, or load the checkpoint to go on from, with words for all captions."""
        recipe = self.recipe
        if recipe.init is None:
            return new_network(small_architecture(frames, recipe.width, recipe.layers))
        model, _ = load_checkpoint(recipe.init, for_inference=False)
        return with_words(refit(model, frames), small_architecture(frames).vocabulary)

    def stage(self, stage: Stage, model: ClipVqa, opinions: OpinionSet | None) -> CheckpointCard:
        """Train a stage; the checkpoint is written whenever a check finds better weights."""
        names = [name for name in self.plans if name.startswith("validation")]
        validation = {name: self.open(name, stage.without) for name in names}
        clips = self.open("train", stage.without)
        if stage.settings.device != "cpu":
            where = "stay in the GPU's memory" if clips.resident else "are read from disk"
            self.tell(f"stage {stage.name}: training clips {where}")
        note, last = "", CheckReport(0, math.nan)

        def on_step(done: int, total: int, loss: float) -> None:
            self.progress(f"training: {stage.name}", done, total, f"loss {loss:.3f} {note}")

        def on_check(report: CheckReport, best: bool) -> None:
            nonlocal note, last
            note = _note(report)
            append_rows(self.out.with_suffix(".csv"), stage.name, report)
            if best:
                last = report
                save_checkpoint(model, make_card(model, self.origin, report), self.out)

        sources = Sources(clips, validation, opinions)
        chosen = train(model, sources, stage.settings, on_step, on_check)
        return make_card(model, self.origin, last, self._chosen(stage, chosen))

    def _chosen(self, stage: Stage, selection: Selection | None) -> dict[str, object] | None:
        if selection is None:
            return None
        self.tell(f"stage {stage.name}: the weights of check {selection.number} are kept")
        return {"stage": stage.name, **selection.to_dict()}

    def open(self, name: str, without: Sequence[str] = ()) -> ClipSet:
        """Open a set, and tell how many of its clips no stored frame shows the damage of."""
        parts = [(self.plans[name], self.recipe.sizes()[name])]
        resident = self.recipe.resident if name == "train" else False
        clips = ClipSet(parts, self.cache, without, self.recipe.device, resident=resident)
        hidden = sum(clips.hidden.values())
        if hidden and name not in self.told:
            self.told.add(name)
            self.origin.hidden[name] = hidden
            self.tell(
                f"set {name}: {hidden} clips are left out, as none of their"
                f" {self.plans[name].keep} stored frames shows the damage"
                f" ({', '.join(clips.hidden)})"
            )
        return clips

    def finish(self, model: ClipVqa, held_back: OpinionSet | None) -> CheckpointCard:
        """Measure the evaluation sets, in float32, and write the checkpoint."""
        model.to(self.recipe.device)
        names = [n for n in self.plans if n != "train" and not n.startswith("validation")]
        reports = CheckReport(0, math.nan)
        for done, name in enumerate(names):
            self.progress("evaluation", done, len(names), name)
            found = evaluate(model, {name: self.open(name)}, device=self.recipe.device)
            reports.tables.update(found.tables)
            reports.order.update(found.order)
            reports.ladders.update(found.ladders)
        if held_back is not None:
            found = evaluate(model, {}, device=self.recipe.device, held_back=held_back)
            reports.opinions.update(found.opinions)
        self.progress("evaluation", len(names), len(names), "")
        append_rows(self.out.with_suffix(".csv"), "final", reports)
        chosen = self._stored_choice()
        return save_checkpoint(model, make_card(model, self.origin, reports, chosen), self.out)

    def _stored_choice(self) -> dict[str, object] | None:
        """Read how the weights of the last stage were chosen."""
        stages = self.recipe.stages()
        name = f"{stages[-1].name}-{self.fingerprint(stages)}.json"
        return read_card(self.cache / name).extra.get("chosen")

    def fingerprint(self, stages: Sequence[Stage]) -> str:
        """Return a hash of everything that decides what the network is after these stages."""
        recipe = self.recipe
        parts = [_LABEL, f"{recipe.width} {recipe.layers} {recipe.frames}"]
        for name, plan in self.plans.items():
            if name == "train" or name.startswith("validation"):
                parts += [plan.fingerprint(), str(recipe.sizes()[name])]
        for stage in stages:
            # What does not change the result is left out.
            settings = repr(replace(stage.settings, device="", half=False))
            settings = settings.replace(TrainSettings.__name__, "", 1)
            parts += [stage.name, str(stage.frames), settings]
        if recipe.init is not None:
            parts.append(file_sha256(find_checkpoint(recipe.init).with_suffix(".safetensors")))
        if recipe.mos is not None:
            parts.append(file_sha256(recipe.mos))
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]


def _note(report: CheckReport) -> str:
    ladders = [figures.get("swapped", math.nan) for figures in report.ladders.values()]
    return f"swapped {100 * ladders[0]:.1f} %" if ladders else ""
