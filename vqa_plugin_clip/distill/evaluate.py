"""How well scores follow VMAF on clips that were never trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_harness.stats.correlation import correlations, spearman
from vqa_plugin_clip.distill.batches import ClipSet
from vqa_plugin_clip.distill.forward import logits_of
from vqa_plugin_clip.distill.opinions import OpinionSet
from vqa_plugin_clip.distill.sampling import normalise, normalise_rgb
from vqa_plugin_clip.network.labels import score
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.precision import full_precision

Figures = dict[str, float]
_BATCH = 24
"""Clips scored together."""
_RUNGS_APART = 0.5
"""VMAF points that two rungs must be apart for their order to count."""


def predict(
    model: ClipVqa, text: Tensor, clips: ClipSet, *, half: bool = False
) -> NDArray[np.float64]:
    """Score all clips of a set.

    Args:
        model: The network; it is left in evaluation mode.
        text: Token ids of the quality levels, on the network's device.
        clips: What to score.
        half: Whether to compute the frame tower in bfloat16, else all in float32.

    Returns:
        [clips] float64, 0-100.
    """
    frames = model.architecture.frames
    return _scores(
        model,
        text,
        len(clips),
        lambda indices: normalise(clips.batch(indices, frames).fragments.to(text.device)),
        half=half,
    )


def predict_stills(
    model: ClipVqa, text: Tensor, stills: OpinionSet, *, half: bool = False
) -> NDArray[np.float64]:
    """Score stills as clips without motion; see `predict`."""
    frames = model.architecture.frames
    return _scores(
        model,
        text,
        len(stills),
        lambda indices: normalise_rgb(stills.batch(indices, frames)[0].to(text.device)),
        half=half,
    )


def _scores(
    model: ClipVqa,
    text: Tensor,
    count: int,
    images: Callable[[NDArray[np.int64]], Tensor],
    *,
    half: bool,
) -> NDArray[np.float64]:
    out = []
    model.eval()
    with torch.inference_mode(), full_precision():
        for start in range(0, count, _BATCH):
            indices = np.arange(start, min(start + _BATCH, count))
            logits = logits_of(model, images(indices), text, half=half)
            out.append(score(logits.softmax(-1).cpu().numpy()))
    return np.concatenate(out) if out else np.zeros(0)


def figures(predicted: NDArray[np.float64], truth: NDArray[np.floating]) -> Figures:
    """Compute SROCC, PLCC (no mapping), mean absolute error in VMAF points; and count clips.

    Args:
        predicted: [clips] float64.
        truth: [clips], VMAF or opinion scores.

    Returns:
        ``clips``; and ``srocc``, ``plcc`` and ``mae`` where there is a correlation.
    """
    measured = correlations(predicted, truth)
    if measured is None:
        return {"clips": float(len(truth))}
    return {
        "clips": float(len(truth)),
        "srocc": measured.srocc,
        "plcc": measured.plcc,
        "mae": float(np.abs(predicted - truth).mean()),
    }


def order_within_groups(
    predicted: NDArray[np.float64], clips: ClipSet, apart: float = 5.0
) -> float:
    """Measure the share of pairs in the right order, among clips of the same moving clip.

    Args:
        predicted: [clips] float64, scores of all clips.
        clips: The clips.
        apart: VMAF points that a pair must be apart to count.
    """
    right = total = 0
    for group in np.unique(clips.groups):
        chosen = clips.groups == group
        truth = clips.vmaf[chosen][:, None] - clips.vmaf[chosen][None, :]
        guess = predicted[chosen][:, None] - predicted[chosen][None, :]
        pairs = truth >= apart
        right += int((guess[pairs] > 0).sum())
        total += int(pairs.sum())
    return right / total if total else float("nan")


def ladder_figures(
    predicted: NDArray[np.float64], clips: ClipSet, chosen: NDArray[np.bool_] | None = None
) -> Figures:
    """Measure how well each moving clip's rate ladder is ordered.

    Args:
        predicted: [clips] float64, scores of all clips.
        clips: A set of ladders.
        chosen: [clips], which of the clips count, in whole ladders; None for all.

    Returns:
        ``ladders``; ``srocc``, the mean of SROCC with VMAF inside a ladder; ``swapped``, the share
        of neighbouring rungs (by VMAF, at least half a point apart) whose order is wrong.
    """
    ranks, wrong, pairs = list[float](), 0, 0
    chosen = np.ones(len(clips), bool) if chosen is None else chosen
    for group in np.unique(clips.groups[chosen]):
        truth, guess = clips.vmaf[clips.groups == group], predicted[clips.groups == group]
        if np.ptp(truth) == 0:
            continue
        # scores that are all the same order a ladder as wrongly as can be
        shown = guess if np.ptp(guess) else np.arange(len(guess), 0.0, -1.0)
        ranks.append(spearman(shown, truth))
        order = np.argsort(truth, kind="stable")
        apart = np.diff(truth[order]) >= _RUNGS_APART
        wrong += int((apart & (np.diff(guess[order]) <= 0)).sum())
        pairs += int(apart.sum())
    if not pairs:
        return {"ladders": float(len(ranks))}
    return {
        "ladders": float(len(ranks)),
        "srocc": float(np.mean(ranks)),
        "swapped": wrong / pairs,
    }


def table(predicted: NDArray[np.float64], clips: ClipSet) -> dict[str, Figures]:
    """Compute `figures` over all clips, and for each kind of damage and each coder."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(clips.labels):
        rows["all"].append(index)
        rows[label.damage.kind].append(index)
        if label.damage.kind == "codec":
            rows[label.damage.coder].append(index)
    return {name: _row(predicted, clips.vmaf, chosen) for name, chosen in sorted(rows.items())}


def _row(
    predicted: NDArray[np.float64], truth: NDArray[np.float32], chosen: Sequence[int]
) -> Figures:
    return figures(predicted[chosen], truth[chosen])
