"""A checkpoint beside NIQE and BRISQUE, on clips and photographs that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_metrics.brisque import brisque
from vqa_metrics.niqe import niqe
from vqa_metrics.nss.luma import luma_from_plane, luma_from_rgb
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.distill.batches import ClipSet, Progress, labelled_clips
from vqa_plugin_clip.distill.evaluate import (
    Figures,
    figures,
    ladder_figures,
    predict,
    predict_stills,
    table,
)
from vqa_plugin_clip.distill.opinions import OpinionSet, read_opinions, split
from vqa_plugin_clip.distill.recipe import Recipe
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import tokens_for

Scores = NDArray[np.float64]
Luma = NDArray[np.uint8]
BASELINES: dict[str, Callable[[Luma], float | None]] = {"niqe": niqe, "brisque": brisque}


def compare(checkpoint: str, recipe: Recipe, cache: Path, progress: Progress) -> dict[str, Any]:
    """Measure a checkpoint, NIQE and BRISQUE on the evaluation sets of a recipe.

    Args:
        checkpoint: a bundled name or the path of a .safetensors file.
        recipe: contents, table of opinion scores, seed; its training settings are not used.
        cache: folder of the labelled clips; what is missing is made.
        progress: told what is going on.

    Returns:
        by set, then part, then metric: figures of `evaluate.figures`; for the set of ladders those
        of `evaluate.ladder_figures`. The signs of NIQE and BRISQUE are turned, lower is better.

    Raises:
        UsageError: too few stills.
        InputError: a file cannot be used.
        MissingBackend: no ffmpeg with libvmaf, where clips have to be made.
    """
    torch.set_num_threads(recipe.workers)
    model, card = load_checkpoint(checkpoint)
    model.to(recipe.device)
    text = tokens_for(card.levels, card.architecture).to(recipe.device)
    found: dict[str, Any] = {}
    plans, sizes = recipe.plans(), recipe.sizes()
    for name, plan in plans.items():
        if name == "train":
            continue
        clips = labelled_clips(plan, sizes[name], cache, recipe.workers, progress)
        scores = _of_clips(model, text, clips, progress, name)
        if plan.rungs:
            found[name] = _ladders(scores, clips)
        else:
            tables = {metric: table(values, clips) for metric, values in scores.items()}
            parts = tables["clipvqa"]
            found[name] = {part: {m: tables[m][part] for m in tables} for part in parts}
    if recipe.mos is not None:
        stills = OpinionSet(split(read_opinions(recipe.mos))[1])
        scores = _of_stills(model, text, stills, progress)
        rows = {metric: figures(values, stills.mos) for metric, values in scores.items()}
        found["opinions"] = {"all": rows}
    return found


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
    """The mean over the frames of each clip, sign turned; undefined clips count as the worst."""
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


def markdown(found: dict[str, Any]) -> str:
    """The figures as a Markdown table; for ladders the share of swapped rungs is in brackets."""
    metrics = ("clipvqa", *BASELINES)
    lines = ["| set | part | clips | " + " | ".join(metrics) + " |"]
    lines.append("| --- | --- | --- |" + " --- |" * len(metrics))
    for name, parts in found.items():
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
