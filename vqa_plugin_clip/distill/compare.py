"""A checkpoint beside NIQE and BRISQUE, on clips and photographs that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_harness.console import warn
from vqa_harness.errors import UsageError
from vqa_harness.files import make_folder
from vqa_metrics.brisque import brisque
from vqa_metrics.niqe import niqe
from vqa_metrics.nss.luma import luma_from_plane, luma_from_rgb
from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.distill.batches import ClipSet, labelled_clips
from vqa_plugin_clip.distill.evaluate import (
    Figures,
    figures,
    ladder_figures,
    predict,
    predict_stills,
    table,
)
from vqa_plugin_clip.distill.motion import FRAMES
from vqa_plugin_clip.distill.opinions import OpinionSet, read_opinions, split
from vqa_plugin_clip.distill.places import GRID, SIDE
from vqa_plugin_clip.distill.progress import Progress
from vqa_plugin_clip.distill.recipe import DistillRecipe
from vqa_plugin_clip.distill.survey import left_out, summary
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import tokens_for

Scores = NDArray[np.float64]
Luma = NDArray[np.uint8]
BASELINES: dict[str, Callable[[Luma], float | None]] = {"niqe": niqe, "brisque": brisque}


def compare(
    checkpoint: str, recipe: DistillRecipe, cache: Path, progress: Progress
) -> dict[str, Any]:
    """Measure a checkpoint, NIQE and BRISQUE on the evaluation sets of a recipe.

    Args:
        checkpoint: A bundled name or the path of a .safetensors file.
        recipe: Contents, table of opinion scores, seed; its training settings are not used.
        cache: Folder of the labelled clips; those that are missing are made.
        progress: Called as the work goes on.

    Returns:
        By set, then part, then metric: what `evaluate.figures` gives, and for the set of ladders
        what `evaluate.ladder_figures` gives. NIQE and BRISQUE count with their sign turned, as
        lower is better.

    Raises:
        UsageError: There are too few contents, or the network does not see what clips can show.
        InputError: A file cannot be used.
        MissingBackend: Clips have to be made, and there is no ffmpeg with libvmaf.
    """
    torch.set_num_threads(recipe.workers)
    model, card = load_checkpoint(checkpoint)
    _check_input(checkpoint, card)
    recipe = replace(recipe, frames=card.architecture.frames)
    stills = None
    if recipe.mos is not None:
        stills = OpinionSet(split(read_opinions(recipe.mos))[1], recipe.device)
    make_folder(cache)
    bad = left_out(recipe.contents(), cache, recipe.workers, progress)
    for line in summary([*bad, *(stills.left_out if stills else ())]):
        warn(line)
    model.to(recipe.device)
    text = tokens_for(card.levels, card.architecture).to(recipe.device)
    results: dict[str, Any] = {}
    sizes = recipe.sizes()
    for name, plan in recipe.evaluation_plans({one.path for one in bad}).items():
        labelled_clips(plan, sizes[name], cache, recipe.workers, progress)
        clips = ClipSet([(plan, sizes[name])], cache, device=recipe.device)
        if clips.hidden:
            hidden = sum(clips.hidden.values())
            warn(f"set {name}: {hidden} clips are left out: no stored frame shows their damage")
        if not len(clips):
            continue
        scores = _of_clips(model, text, clips, progress, name)
        if plan.rungs:
            results[name] = _ladders(scores, clips)
        else:
            tables = {metric: table(values, clips) for metric, values in scores.items()}
            parts = tables["clipvqa"]
            results[name] = {part: {m: tables[m][part] for m in tables} for part in parts}
    if stills is not None:
        scores = _of_stills(model, text, stills, progress)
        rows = {metric: figures(values, stills.mos) for metric, values in scores.items()}
        results["opinions"] = {"all": rows}
    return results


def _check_input(checkpoint: str, card: CheckpointCard) -> None:
    """Refuse a network that takes another picture, or more frames, than stored clips have.

    Raises:
        UsageError: It does.
    """
    seen = card.preprocessing
    if (seen.get("kind"), seen.get("size"), seen.get("grid")) != ("fragments", SIDE, GRID):
        raise UsageError(
            f"{checkpoint}: takes {seen.get('kind')} of {seen.get('size')} pixels;"
            f" only networks of {GRID}x{GRID} fragments, {SIDE} pixels, can be evaluated"
        )
    if card.architecture.frames > FRAMES:
        raise UsageError(
            f"{checkpoint}: takes {card.architecture.frames} frames, and clips have {FRAMES}"
        )


def _ladders(scores: dict[str, Scores], clips: ClipSet) -> dict[str, dict[str, Figures]]:
    coders = np.array([label.damage.coder for label in clips.labels])
    parts = {"all": np.ones(len(coders), bool)} | {c: coders == c for c in sorted(set(coders))}
    return {
        part: {metric: ladder_figures(values, clips, chosen) for metric, values in scores.items()}
        for part, chosen in parts.items()
    }


def _of_clips(
    model: ClipVqa, text: Tensor, clips: ClipSet, progress: Progress, name: str
) -> dict[str, Scores]:
    lumas = (
        [luma_from_plane(plane, 8, full_range=False) for plane in clips.lumas(index)]
        for index in range(len(clips))
    )
    scores = {"clipvqa": predict(model, text, clips)}
    return scores | _baselines(lumas, len(clips), progress, f"NIQE, BRISQUE: {name}")


def _of_stills(
    model: ClipVqa, text: Tensor, stills: OpinionSet, progress: Progress
) -> dict[str, Scores]:
    lumas = ([luma_from_rgb(picture)] for picture in stills.pictures)
    scores = {"clipvqa": predict_stills(model, text, stills)}
    return scores | _baselines(lumas, len(stills), progress, "NIQE, BRISQUE: opinions")


def _baselines(
    lumas: Iterable[list[Luma]], count: int, progress: Progress, label: str
) -> dict[str, Scores]:
    """Average NIQE and BRISQUE over the frames of each clip, with their sign turned.

    Clips without a defined score count as the worst.
    """
    rows: dict[str, list[float]] = {name: [] for name in BASELINES}
    for done, frames in enumerate(lumas, start=1):
        for name, measure in BASELINES.items():
            values = [value for frame in frames if (value := measure(frame)) is not None]
            rows[name].append(-float(np.mean(values)) if values else -np.inf)
        progress(label, done, count, "")
    return {name: _finite(np.array(values)) for name, values in rows.items()}


def _finite(values: Scores) -> Scores:
    known = values[np.isfinite(values)]
    return np.where(np.isfinite(values), values, known.min() - 1 if len(known) else 0.0)


def markdown(results: dict[str, Any]) -> str:
    """Write what `compare` gave as a Markdown table.

    For ladders the share of swapped rungs is in brackets.
    """
    metrics = ("clipvqa", *BASELINES)
    lines = ["| set | part | clips | " + " | ".join(metrics) + " |"]
    lines.append("| --- | --- | --- |" + " --- |" * len(metrics))
    for name, parts in results.items():
        for part, rows in parts.items():
            first = rows["clipvqa"]
            count = f"{first.get('clips', first.get('ladders', 0)):.0f}"
            cells = [_cell(rows[metric]) for metric in metrics]
            lines.append(f"| {name} | {part} | {count} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(row: Figures) -> str:
    if "srocc" not in row:
        return ""
    if "swapped" in row:
        return f"{row['srocc']:.3f} ({100 * row['swapped']:.1f} %)"
    return f"{row['srocc']:.3f} / {row['plcc']:.3f}"
