"""The loop over epochs: where it stands, when it saves, and how it stops and goes on.

A saved state is always that after an update. Gradients of the passes since then are not in it: a
training that goes on repeats those passes, with the same clips, and arrives at the same weights.
With several processes every decision (the loss is not finite, someone asked to stop) is made
together, after an update: a process that left the loop alone would leave the others waiting for its
gradients.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_harness.errors import MetricError
from vqa_plugin_clip.train.clips import VALIDATION, Key, Rated, epoch_batches
from vqa_plugin_clip.train.engine import Engine
from vqa_plugin_clip.train.interrupt import StopRequest
from vqa_plugin_clip.train.loading import ClipLoader
from vqa_plugin_clip.train.random_state import random_state
from vqa_plugin_clip.train.state_file import Position

Values = NDArray[np.float64]


@dataclass(slots=True)
class EpochLoop:
    """Training from a position to the end.

    Attributes:
        engine: Holds the network and changes its weights.
        loading: Makes the clips.
        position: Where to begin; it is moved on while training.
        stop: Says whether someone asked to stop.
        save_every: Updates from one saved state to the next; 0 to save after epochs only.
        save: Writes the state.
        on_step: Called with the forward passes done and to be done in the epoch, and the mean loss
            so far (NaN before the first update).
        on_start: Called with the level probabilities [n, K] of the validation files, before the
            first update.
        on_epoch: Called with those probabilities after every epoch.
        random: Random state at the last update, which is what a saved state has to hold.
    """

    engine: Engine
    loading: ClipLoader
    position: Position
    stop: StopRequest
    save_every: int
    save: Callable[[], None]
    on_step: Callable[[int, int, float], None]
    on_start: Callable[[Values], None]
    on_epoch: Callable[[Values], None]
    random: tuple[dict[str, Tensor], dict[str, Any]] = field(default_factory=random_state)

    @property
    def training(self) -> Sequence[Rated]:
        """The files that are trained on."""
        return self.loading.clips.training

    def run(self) -> None:
        """Train until the recipe's epochs are over.

        Raises:
            KeyboardInterrupt: Someone asked to stop; the state was saved.
            InputError: A file can no longer be read.
            MetricError: The loss is not finite.
        """
        position = self.position
        if not position.rows:
            self.on_start(self._validate())
        while position.epoch < self.engine.recipe.epochs:
            self._train()
            self.on_epoch(self._validate())
            position.epoch += 1
            position.step, position.loss, position.seconds = 0, 0.0, 0.0
            self.save()

    def _train(self) -> None:
        """Train for the rest of the current epoch."""
        position, recipe = self.position, self.engine.recipe
        batches = self._batches()
        steps = len(batches)
        if position.step >= steps:
            return
        self.engine.begin(position.epoch * steps + position.step, steps)
        losses: list[Tensor] = []
        began = time.monotonic()
        with closing(self.loading.batches(batches[position.step :])) as rest:
            for index, pictures in enumerate(rest, start=position.step):
                first = index - index % recipe.accumulate
                count = min(recipe.accumulate, steps - first)
                last = index + 1 == first + count
                shares = np.array([self.training[key.row].share for key in batches[index]])
                losses.append(self.engine.accumulate(pictures, shares, count, last=last))
                if last:
                    self._advance(index + 1, steps, losses)
                    losses.clear()
                    position.seconds += time.monotonic() - began
                    began = time.monotonic()
                    self._save_now_and_then()
                loss = position.loss / position.step if position.step else math.nan
                self.on_step(index + 1, steps, loss)
                self._stop_if_asked(agreed=last)

    def _batches(self) -> list[list[Key]]:
        recipe, accelerator = self.engine.recipe, self.engine.accelerator
        return epoch_batches(
            len(self.training),
            recipe.batch,
            self.position.epoch,
            recipe.seed,
            accelerator.process_index,
            accelerator.num_processes,
        )

    def _advance(self, done: int, steps: int, losses: Sequence[Tensor]) -> None:
        position, accelerator = self.position, self.engine.accelerator
        loss = torch.stack([loss.float() for loss in losses]).sum()
        total = float(accelerator.reduce(loss, "mean") if accelerator.num_processes > 1 else loss)
        if not math.isfinite(total):
            raise MetricError(
                f"training: the loss is {total} after {position.updates} updates;"
                " try a lower --rate, or --precision no"
            )
        position.rate = self.engine.rate
        self.engine.update(position.epoch * steps + done, steps)
        position.step = done
        position.updates += 1
        position.loss += total
        self.random = random_state()

    def _save_now_and_then(self) -> None:
        if self.save_every and self.position.updates % self.save_every == 0:
            self.save()

    def _validate(self) -> Values:
        """Compute level probabilities [n, K] of all validation files, alike in all processes."""
        engine, accelerator = self.engine, self.engine.accelerator
        count = len(self.loading.clips.validation)
        mine = range(accelerator.process_index, count, accelerator.num_processes)
        # The published network mixes the videos of a batch, so each is scored alone.
        size = engine.recipe.batch if engine.model.architecture.attend_over_tokens else 1
        keys = [Key(VALIDATION, row) for row in mine]
        batches = [keys[i : i + size] for i in range(0, len(keys), size)]
        rows: list[tuple[int, Values]] = []
        with closing(self.loading.batches(batches)) as clips:
            for batch, pictures in zip(batches, clips, strict=True):
                values = engine.probabilities(pictures)
                rows += [(key.row, row) for key, row in zip(batch, values, strict=True)]
                # Processes validate different numbers of clips, so they cannot agree here.
                self._stop_if_asked(agreed=False)
        if accelerator.num_processes > 1:
            from accelerate.utils import gather_object

            rows = gather_object(rows)
        by_row = dict(rows)
        return np.stack([by_row[row] for row in range(count)])

    def _stop_if_asked(self, *, agreed: bool) -> None:
        """Save and stop if someone asked to.

        Args:
            agreed: Whether all processes are at this point, so that they can decide together;
                otherwise only a single process stops.

        Raises:
            KeyboardInterrupt: The state was saved.
        """
        accelerator = self.engine.accelerator
        asked = self.stop.asked
        if accelerator.num_processes > 1:
            if not agreed:
                return
            votes = torch.tensor(float(asked), device=accelerator.device)
            asked = bool(accelerator.reduce(votes, "sum") > 0)
        if asked:
            self.save()
            raise KeyboardInterrupt
