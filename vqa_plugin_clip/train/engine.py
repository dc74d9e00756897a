"""The computing part of training: loss, update and prediction, on whatever accelerate finds."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_harness.errors import MissingBackend, UsageError, one_line
from vqa_harness.installation import pip_install
from vqa_plugin_clip.backend.pytorch import choose_device
from vqa_plugin_clip.libraries import MAKING
from vqa_plugin_clip.network.labels import cosine_loss, expected_level, labels_of
from vqa_plugin_clip.network.tokens import tokens_for
from vqa_plugin_clip.train.initial_network import InitialNetwork, keep_statistics, save_memory
from vqa_plugin_clip.train.optimiser import (
    make_optimiser,
    moments,
    restore_moments,
    schedule,
)
from vqa_plugin_clip.train.recipe import Precision, TrainRecipe
from vqa_plugin_clip.train.state_file import State

Values = NDArray[np.float64]


def make_accelerator(device: str, precision: Precision) -> Any:
    """Hugging Face's `Accelerator`: device, processes and mixed precision.

    Args:
        device: Where to compute: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: Precision of forward passes.

    Raises:
        MissingBackend: Accelerate is not installed, or there is no such device.
        UsageError: The device cannot compute in that precision.
    """
    try:
        from accelerate import Accelerator
    except ModuleNotFoundError:
        raise MissingBackend(
            f"training: accelerate is not installed; run: {pip_install(MAKING)}"
        ) from None
    if choose_device(device) == "cpu" and precision == "fp16":
        raise UsageError("--precision fp16: needs a GPU; a processor takes bf16 or no")
    try:
        return Accelerator(cpu=device == "cpu", mixed_precision=precision)
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"--precision {precision}: {one_line(error)}") from None


class Engine:
    """A network with its optimiser.

    Args:
        initial: The network and what belongs to it; it is trained in place.
        recipe: How to train.
        accelerator: From `make_accelerator`.

    Attributes:
        model: The network itself, as it is saved.
        rate: Learning rate of the vision tower in the next update.
    """

    def __init__(self, initial: InitialNetwork, recipe: TrainRecipe, accelerator: Any) -> None:
        self.recipe = recipe
        self.accelerator = accelerator
        self.model = initial.model
        self.preprocessing = initial.preprocessing
        self.levels = len(initial.levels)
        self._labels = labels_of(self.model.architecture.behaviour)
        self.rate = 0.0
        if recipe.checkpointing:
            save_memory(self.model)
        self._adam = make_optimiser(self.model, recipe)
        self._wrapped, self._optimiser = accelerator.prepare(self.model, self._adam)
        tokens = tokens_for(initial.levels, self.model.architecture).to(accelerator.device)
        self._tokens = tokens
        self._text = tokens if recipe.train_text else self._features()

    def restore(self, saved: State) -> None:
        """Take the optimiser's memory from a state, whose weights the network has already.

        Raises:
            ValueError: It does not fit the network.
        """
        restore_moments(self._adam, saved.tensors.get("moments", {}))
        if self.accelerator.scaler is not None and saved.scaler:
            self.accelerator.scaler.load_state_dict(saved.scaler)

    @property
    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Weights and the optimiser's memory, for a state."""
        return {"model": self.model.state_dict(), "moments": moments(self._adam)}

    @property
    def scaler(self) -> dict[str, Any]:
        """State of the loss scaler of fp16; empty without it."""
        scaler = self.accelerator.scaler
        return {} if scaler is None else dict(scaler.state_dict())

    def begin(self, done: int, steps: int) -> None:
        """Get ready for an epoch.

        Args:
            done: Forward passes so far, in all.
            steps: Forward passes per epoch.
        """
        keep_statistics(self.model)
        self._optimiser.zero_grad()
        self.rate = schedule(self._adam, self.recipe, done, steps)

    def accumulate(self, pictures: Tensor, shares: Values, count: int, *, last: bool) -> Tensor:
        """Do one forward and backward pass.

        Args:
            pictures: [B, T, size, size, 3] uint8.
            shares: [B] float64, opinion scores on 0 to 1.
            count: Passes in this update.
            last: Whether this is the last of them.

        Returns:
            The loss, a detached scalar.
        """
        quiet = last or self.accelerator.num_processes == 1
        with nullcontext() if quiet else self.accelerator.no_sync(self._wrapped):
            logits = self._wrapped(self._video(pictures), self._text).logits
            labels = torch.from_numpy(self._labels(shares * (self.levels - 1), self.levels))
            if logits.device.type == "mps":
                labels = labels.float()  # MPS has no float64
            loss = cosine_loss(logits.float().softmax(dim=-1), labels.to(logits.device))
            self.accelerator.backward(loss / count)
        return loss.detach()

    def update(self, done: int, steps: int) -> None:
        """Change the weights by the gradients of the passes so far.

        Args:
            done: Forward passes so far, in all.
            steps: Forward passes per epoch.
        """
        if self.recipe.clip_norm:
            trained = [p for group in self._adam.param_groups for p in group["params"]]
            self.accelerator.clip_grad_norm_(trained, self.recipe.clip_norm)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self.rate = schedule(self._adam, self.recipe, done, steps)

    def shares(self, probabilities: Values) -> Values:
        """Turn level probabilities [n, K] into expected levels [n] on 0 to 1."""
        return expected_level(probabilities) / (self.levels - 1)

    def probabilities(self, pictures: Tensor) -> Values:
        """Compute the level probabilities of clips; leaves the network in evaluation mode.

        Args:
            pictures: [B, T, size, size, 3] uint8.

        Returns:
            [B, K] float64; each row sums to 1.
        """
        self.model.eval()
        with torch.no_grad(), self.accelerator.autocast():
            text = self._features() if self.recipe.train_text else self._text
            logits = self.model(self._video(pictures), text).logits
        return np.asarray(logits.float().softmax(dim=-1).cpu(), np.float64)

    def _video(self, pictures: Tensor) -> Tensor:
        tensor = self.preprocessing.tensor(pictures.numpy())
        return tensor.to(self.accelerator.device, non_blocking=True)

    def _features(self) -> Tensor:
        with torch.no_grad():
            return self.model.encode_text(self._tokens)
