"""How well scores follow VMAF on clips that were never trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_harness.stats.correlation import correlations, spearman
from vqa_plugin_clip.distill.batches import ClipSet
from vqa_plugin_clip.distill.opinions import OpinionSet
from vqa_plugin_clip.distill.sampling import normalise, normalise_rgb
from vqa_plugin_clip.network.labels import score
from vqa_plugin_clip.network.model import ClipVqa

Figures = dict[str, float]
_BATCH = 24
_RUNGS_APART = 0.5
Context = Callable[[], AbstractContextManager[object]]


def predict(
    model: ClipVqa, text: Tensor, clips: ClipSet, context: Context = nullcontext
) -> NDArray[np.float64]:
    """Scores of all clips of a set, 0-100; ``text`` is on the network's device."""
    frames = model.architecture.frames
    return _scores(
        model,
        text,
        context,
        len(clips),
        lambda indices: normalise(clips.batch(indices, frames).fragments.to(text.device)),
    )


def predict_stills(
    model: ClipVqa, text: Tensor, stills: OpinionSet, context: Context = nullcontext
) -> NDArray[np.float64]:
    """Scores of stills as clips without motion, 0-100."""
    frames = model.architecture.frames
    return _scores(
        model,
        text,
        context,
        len(stills),
        lambda indices: normalise_rgb(stills.batch(indices, frames)[0].to(text.device)),
    )


def _scores(
    model: ClipVqa,
    text: Tensor,
    context: Context,
    count: int,
    images: Callable[[NDArray[np.int64]], Tensor],
) -> NDArray[np.float64]:
    out = []
    model.eval()
    with torch.inference_mode(), context():
        for start in range(0, count, _BATCH):
            indices = np.arange(start, min(start + _BATCH, count))
            out.append(score(model(images(indices), text).logits.float().softmax(-1).cpu().numpy()))
    return np.concatenate(out)


def figures(predicted: NDArray[np.float64], wanted: NDArray[np.floating]) -> Figures:
    """SROCC, PLCC (no mapping), mean absolute error in VMAF points, and how many clips."""
    found = correlations(predicted, wanted)
    if found is None:
        return {"clips": float(len(wanted))}
    return {
        "clips": float(len(wanted)),
        "srocc": found.srocc,
        "plcc": found.plcc,
        "mae": float(np.abs(predicted - wanted).mean()),
    }


def order_within_groups(
    predicted: NDArray[np.float64], clips: ClipSet, apart: float = 5.0
) -> float:
    """Share of pairs of one moving clip, at least ``apart`` VMAF points apart, in right order."""
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
    """How well each moving clip's rate ladder is ordered.

    Args:
        predicted: scores of all clips.
        clips: a set of ladders.
        chosen: which of the clips count, whole ladders; None for all.

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
    """`figures` over all clips, and for each kind of damage and each coder."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(clips.labels):
        rows["all"].append(index)
        rows[label.damage.kind].append(index)
        if label.damage.kind == "codec":
            rows[label.damage.coder].append(index)
    return {name: _row(predicted, clips.vmaf, chosen) for name, chosen in sorted(rows.items())}


def _row(
    predicted: NDArray[np.float64], wanted: NDArray[np.float32], chosen: Sequence[int]
) -> Figures:
    return figures(predicted[chosen], wanted[chosen])
