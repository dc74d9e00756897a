"""The training loop: AdamW, short warm-up, cosine, averaged weights; a report after every epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from vqa_plugin_clip.distill.average import WeightAverage
from vqa_plugin_clip.distill.batches import Batch, ClipSet
from vqa_plugin_clip.distill.evaluate import (
    Figures,
    figures,
    order_within_groups,
    predict,
    predict_stills,
    table,
)
from vqa_plugin_clip.distill.losses import caption_loss, distill_loss, opinion_loss
from vqa_plugin_clip.distill.network import fast_stem, optimiser
from vqa_plugin_clip.distill.opinions import OpinionSet
from vqa_plugin_clip.distill.sampling import GRID, PATCH, normalise, normalise_rgb
from vqa_plugin_clip.network.captions import CAPTIONS
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import LABELS, tokens_for

BATCH = 24
"""Clips per step."""

OPINION_BATCH = 10
"""Stills with opinion scores per step, where there are any."""

_WARM_UP = 100
"""Steps in which the learning rate rises."""

_LAST_RATE = 0.01
"""Learning rate of the last step, as a part of the highest."""

_CLIP_NORM = 1.0
"""Longest gradient of a step; a batch of odd clips gives much longer ones now and then."""

_VMAF_PER_LEVEL = 20.0
"""VMAF points from one quality level to the next: levels 0 to 5 are VMAF 0 to 100."""

_WHOLE_SHARE = 0.1
"""Share of all steps, at the end, that see whole frames, as the network does when it scores."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How to train.

    Attributes:
        epochs: Passes over the training clips.
        seed: Number that fragments and order follow from.
        rate: Factor on all learning rates.
        vary: Whether to change colours and the arrangement of patches, see `distill.vary`.
        frozen_blocks: How many of the stem's blocks keep their weights, as does its first layer.
        band: Rows of patches, of 7, that a step looks at. Fewer make it cheaper and leave less to
            learn by heart; the last tenth of all steps sees whole frames.
        device: Where to compute: ``cpu``, ``cuda`` or ``mps``.
        half: Whether to compute in bfloat16 where torch considers it safe.
    """

    epochs: int
    seed: int = 1
    rate: float = 1.0
    vary: bool = False
    frozen_blocks: int = 2
    band: int = 4
    device: str = "cpu"
    half: bool = False

    def context(self) -> torch.autocast:
        """Return the context of forward passes: bfloat16 if asked for."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.half)


@dataclass(frozen=True, slots=True)
class Sources:
    """What is trained on and what is measured on.

    Attributes:
        clips: Training clips.
        evaluation: Sets that are scored after every epoch, by name.
        opinions: Stills that teach the order of authentic damage; None for none.
        validation: Stills that are scored after every epoch; None for none.
    """

    clips: ClipSet
    evaluation: Mapping[str, ClipSet]
    opinions: OpinionSet | None = None
    validation: OpinionSet | None = None


@dataclass(frozen=True, slots=True)
class EpochReport:
    """The figures of an epoch.

    Attributes:
        epoch: Number of the epoch, from 1.
        loss: Mean loss over the epoch.
        tables: What `evaluate.table` gives, by evaluation set.
        order: What `evaluate.order_within_groups` gives, by evaluation set.
        opinions: Figures on the stills for validation, without an absolute error.
    """

    epoch: int
    loss: float
    tables: dict[str, dict[str, Figures]] = field(default_factory=dict)
    order: dict[str, float] = field(default_factory=dict)
    opinions: Figures = field(default_factory=dict)


def train(
    model: ClipVqa,
    sources: Sources,
    settings: TrainSettings,
    on_step: Callable[[int, int, float], None],
    on_epoch: Callable[[EpochReport], None],
) -> None:
    """Train a network in place.

    Args:
        model: The network; its early stem is frozen.
        sources: Clips and stills.
        settings: How to train.
        on_step: Called with the step, the number of steps and the loss.
        on_epoch: Called after every epoch, with the averaged weights in place, so that the network
            can be saved.
    """
    rng = np.random.default_rng([settings.seed, 1])
    text = tokens_for((*LABELS, *CAPTIONS), model.architecture).to(settings.device)
    model.to(settings.device)
    steps = settings.epochs * (len(sources.clips) // BATCH)
    optim = optimiser(model, settings.frozen_blocks)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optim, lambda step: settings.rate * _rate(step, steps)
    )
    average, step = WeightAverage(model), 0
    for epoch in range(1, settings.epochs + 1):
        losses = []
        model.train()
        with fast_stem(model, settings.frozen_blocks):
            frames = model.architecture.frames
            for batch in sources.clips.epoch(BATCH, frames, rng, vary=settings.vary):
                rows = settings.band if step < (1 - _WHOLE_SHARE) * steps else GRID
                loss = _loss(model, text, batch, sources.opinions, settings, rows, rng)
                _update(model, optim, loss)
                # After the update: the schedule is for the next step, and the average takes in
                # the new weights.
                schedule.step()
                average.update()
                step += 1
                losses.append(loss.item())
                on_step(step, steps, losses[-1])
        # Measured and saved with the averaged weights; training goes on with its own.
        with average.swapped():
            report = evaluate(model, sources, settings, epoch, float(np.mean(losses)))
            on_epoch(report)
    average.apply()


def evaluate(
    model: ClipVqa, sources: Sources, settings: TrainSettings, epoch: int, loss: float
) -> EpochReport:
    """Score every set that is measured on.

    Args:
        model: The network, on the device of ``settings``.
        sources: Names the sets.
        settings: Device and precision.
        epoch: For the report.
        loss: For the report.
    """
    text = tokens_for(LABELS, model.architecture).to(settings.device)
    report = EpochReport(epoch, loss)
    for name, clips in sources.evaluation.items():
        predicted = predict(model, text, clips, settings.context)
        report.tables[name] = table(predicted, clips)
        report.order[name] = order_within_groups(predicted, clips)
    if sources.validation is not None:
        predicted = predict_stills(model, text, sources.validation, settings.context)
        measured = figures(predicted, sources.validation.mos)
        report.opinions.update({key: measured[key] for key in measured if key != "mae"})
    return report


def _loss(
    model: ClipVqa,
    text: Tensor,
    batch: Batch,
    opinions: OpinionSet | None,
    settings: TrainSettings,
    rows: int,
    rng: np.random.Generator,
) -> Tensor:
    images, mos = normalise(batch.fragments.to(settings.device)), None
    if opinions is not None:
        chosen = rng.choice(len(opinions), min(OPINION_BATCH, len(opinions)), replace=False)
        stills, mos = opinions.batch(chosen, model.architecture.frames, rng)
        images = torch.cat([images, normalise_rgb(stills.to(settings.device))])
    first = int(rng.integers(GRID - rows + 1))
    images = images[..., first * PATCH : (first + rows) * PATCH, :]
    with settings.context():
        band = first * PATCH // model.architecture.patch_size
        logits = model(images, text, band).logits
    clips, levels = len(batch.vmaf), (batch.vmaf / _VMAF_PER_LEVEL).to(settings.device)
    probs = logits[:, : len(LABELS)].float().softmax(-1)
    loss = distill_loss(probs[:clips], levels, batch.group.to(settings.device))
    captions = logits[:clips, len(LABELS) :].float()
    loss = loss + caption_loss(captions, batch.caption.to(settings.device))
    return loss if mos is None else loss + opinion_loss(probs[clips:], mos.to(settings.device))


def _update(model: ClipVqa, optim: torch.optim.Optimizer, loss: Tensor) -> None:
    optim.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP_NORM)
    optim.step()


def _rate(step: int, steps: int) -> float:
    if step < _WARM_UP:
        return (step + 1) / _WARM_UP
    done = (step - _WARM_UP) / max(1, steps - _WARM_UP)
    return _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))
