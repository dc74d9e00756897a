"""The training loop: AdamW, short warm-up, cosine, averaged weights; measured now and then."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_harness.errors import MetricError, UsageError
from vqa_plugin_clip.distill.average import WeightAverage
from vqa_plugin_clip.distill.batches import ClipSet, View
from vqa_plugin_clip.distill.check import CheckReport, evaluate, merit_of
from vqa_plugin_clip.distill.forward import logits_of
from vqa_plugin_clip.distill.losses import caption_loss, distill_loss, opinion_loss
from vqa_plugin_clip.distill.network import DECAY, RATE, optimiser
from vqa_plugin_clip.distill.opinions import OpinionSet
from vqa_plugin_clip.distill.places import GRID, PATCH
from vqa_plugin_clip.distill.sampling import normalise, normalise_rgb
from vqa_plugin_clip.distill.schedule import Schedule
from vqa_plugin_clip.distill.selection import Selection
from vqa_plugin_clip.distill.training_stem import fast_stem
from vqa_plugin_clip.network.captions import CAPTIONS
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import LABELS, tokens_for

BATCH = 24
"""Clips per step, unless another number is asked for."""

OPINION_BATCH = 10
"""Stills with opinion scores per step, where there are any."""

_CLIP_NORM = 1.0
"""Longest gradient of a step; a batch of odd clips gives much longer ones now and then."""

_WHOLE_SHARE = 0.1
"""Share of all training, at the end, that sees whole frames, as the network does when it scores."""

_TOLD_EVERY = 20
"""Steps on a GPU from one look at the loss to the next: every look waits for the GPU."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How to train.

    Attributes:
        epochs: Passes over the training clips; unused with ``minutes``.
        seed: Number that fragments and order follow from.
        rate: Highest learning rate of all but the stem, which has half of it.
        decay: Weight decay of matrices.
        batch: Clips per step.
        opinion_batch: Stills with opinion scores per step.
        rank: Weight of the ranking loss.
        minutes: How long to train, measuring included; 0 to go by passes.
        checks: How often to measure in that time; without it that is done after every pass.
        vary: Whether to change colours and the arrangement of patches, see `distill.vary`.
        frozen_blocks: How many of the stem's blocks keep their weights, as does its first layer.
        band: Rows of patches, of 7, that a step looks at. Fewer make it cheaper and leave less to
            learn by heart; the last tenth of the training sees whole frames.
        device: Where to compute: ``cpu``, ``cuda`` or ``mps``.
        half: Whether to compute the frame tower in bfloat16.
    """

    epochs: int
    seed: int = 1
    rate: float = RATE
    decay: float = DECAY
    batch: int = BATCH
    opinion_batch: int = OPINION_BATCH
    rank: float = 0.2
    minutes: float = 0.0
    checks: int = 10
    vary: bool = False
    frozen_blocks: int = 2
    band: int = 4
    device: str = "cpu"
    half: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """What is trained on and what is measured on.

    Attributes:
        clips: Training clips.
        validation: Sets that the weights to keep are chosen by, see `check.merit_of`; empty to
            keep the last weights.
        opinions: Stills that teach the order of authentic damage; None for none.
    """

    clips: ClipSet
    validation: Mapping[str, ClipSet] = field(default_factory=dict)
    opinions: OpinionSet | None = None


OnStep = Callable[[int, int, float], None]
"""Called with steps (or seconds) done and to be done, and the loss."""
OnCheck = Callable[[CheckReport, bool], None]
"""Called with what was measured and whether these weights are the best, which are in place."""


def train(
    model: ClipVqa, sources: Sources, settings: TrainSettings, on_step: OnStep, on_check: OnCheck
) -> Selection | None:
    """Train a network in place; it ends with the best averaged weights of all checks.

    Args:
        model: The network; its early stem is frozen.
        sources: Clips and stills.
        settings: How to train.
        on_step: Called now and then as training goes on.
        on_check: Called after every check, with the averaged weights in place, so that the network
            can be saved.

    Returns:
        Which weights were kept; None without validation sets, when the last ones are.

    Raises:
        UsageError: There are fewer clips than a batch takes.
        MetricError: The loss is not finite.
    """
    per_epoch = len(sources.clips) // settings.batch
    if not per_epoch:
        raise UsageError(
            f"--batch {settings.batch}: there are only {len(sources.clips)} clips to train on"
        )
    model.to(settings.device)
    optim = optimiser(model, settings.frozen_blocks, settings.rate, settings.decay)
    average, selection = WeightAverage(model), Selection(model) if sources.validation else None
    schedule = Schedule(per_epoch, settings.epochs, settings.minutes, settings.checks)
    rate = torch.optim.lr_scheduler.LambdaLR(optim, lambda _: schedule.factor())
    steps, number = _Steps(model, sources, settings), 0
    while number == 0 or not schedule.over:
        model.train()
        with fast_stem(model, settings.frozen_blocks):
            while True:
                _update(model, optim, steps.loss(schedule.progress))
                # After the update: the schedule is for the next step, and the average takes in
                # the new weights.
                schedule.step += 1
                rate.step()
                average.update()
                if schedule.step % steps.told_every == 0:
                    on_step(*schedule.told(), steps.mean_loss())
                if schedule.check_is_due():
                    break
        number += 1
        with average.swapped():
            report = evaluate(
                model,
                sources.validation,
                device=settings.device,
                half=settings.half,
                check=number,
                loss=steps.restart(),
            )
            kept = selection is None or selection.offer(number, merit_of(report))
            on_check(report, kept)
    if selection is None:
        average.apply()
    else:
        selection.restore()
    return selection


class _Steps:
    """Makes the loss of one step after another.

    Args:
        model: The network.
        sources: Clips and stills.
        settings: How to train.
    """

    def __init__(self, model: ClipVqa, sources: Sources, settings: TrainSettings) -> None:
        self._model, self._sources, self._settings = model, sources, settings
        self._text = tokens_for((*LABELS, *CAPTIONS), model.architecture).to(settings.device)
        self._rng = np.random.default_rng([settings.seed, 1])
        self._draws = torch.Generator(sources.clips.device).manual_seed(settings.seed)
        self._batches = _endless(sources.clips, settings.batch, self._rng)
        self._stills = None
        if sources.opinions is not None:
            self._stills = sources.opinions.draws(settings.seed)
        self.told_every = 1 if settings.device == "cpu" else _TOLD_EVERY
        self._sum, self._count = torch.zeros((), device=settings.device), 0

    def loss(self, progress: float) -> Tensor:
        """Compute the loss of the next batch.

        Args:
            progress: How much of the training is done, 0 to 1.
        """
        settings, sources, rng = self._settings, self._sources, self._rng
        rows = settings.band if progress < 1 - _WHOLE_SHARE else GRID
        first = int(rng.integers(GRID - rows + 1))
        frames = self._model.architecture.frames
        view = View(rng, self._draws, vary=settings.vary, first=first, rows=rows)
        batch = sources.clips.batch(next(self._batches), frames, view)
        images, mos = normalise(batch.fragments.to(settings.device)), None
        if sources.opinions is not None:
            count = min(settings.opinion_batch, len(sources.opinions))
            chosen = rng.choice(len(sources.opinions), count, replace=False)
            stills, mos = sources.opinions.batch(chosen, frames, self._stills)
            stills = stills[..., first * PATCH : (first + rows) * PATCH, :]
            images = torch.cat([images, normalise_rgb(stills)])
        band = first * PATCH // self._model.architecture.patch_size
        logits = logits_of(self._model, images, self._text, half=settings.half, band=band)
        clips = len(batch.level)
        probs = logits[:, : len(LABELS)].softmax(-1)
        loss = distill_loss(probs[:clips], batch.label, batch.level, batch.group, settings.rank)
        loss = loss + caption_loss(logits[:clips, len(LABELS) :], batch.caption)
        if mos is not None:
            loss = loss + opinion_loss(probs[clips:], mos)
        self._sum += loss.detach()
        self._count += 1
        return loss

    def mean_loss(self) -> float:
        """Return the mean loss since `restart`.

        Raises:
            MetricError: It is not finite.
        """
        loss = float(self._sum) / max(1, self._count)
        if not math.isfinite(loss):
            raise MetricError(f"training: the loss is {loss}; try a lower --rate")
        return loss

    def restart(self) -> float:
        """Return the mean loss, and begin a new mean."""
        loss = self.mean_loss()
        self._sum.zero_()
        self._count = 0
        return loss


def _endless(clips: ClipSet, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    while True:
        yield from clips.epoch(size, rng)


def _update(model: ClipVqa, optim: torch.optim.Optimizer, loss: Tensor) -> None:
    optim.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP_NORM)
    optim.step()
