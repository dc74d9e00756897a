"""The files that an epoch writes: checkpoints with their card, predictions, the curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.files import write_text
from vqa_plugin_clip.checkpoint.card import WHOLE_VIDEO, CheckpointCard
from vqa_plugin_clip.checkpoint.files import save_checkpoint
from vqa_plugin_clip.svr import SvrDecoder
from vqa_plugin_clip.train.curve import draw_curve, write_curve
from vqa_plugin_clip.train.dataset import Ratings, as_csv
from vqa_plugin_clip.train.engine import Engine
from vqa_plugin_clip.train.figures import figures, on_scale, rank
from vqa_plugin_clip.train.initial_network import InitialNetwork
from vqa_plugin_clip.train.state_file import Position

BEST, LAST = "best.safetensors", "last.safetensors"
PREDICTIONS = "validation.csv"
VERSION = "1"
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainOrigin:
    """What the card says about the training.

    Attributes:
        data: Name of the training data; empty to say only what the tables hold.
        table: Name of the table.
        licence: Licence of the weights.
        command: The command line, without folders.
        facts: The settings of the recipe.
    """

    data: str = ""
    table: str = ""
    licence: str = "not stated"
    command: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """Writes everything into a folder.

    Attributes:
        folder: Where to write.
        initial: Levels and preprocessing of the network.
        ratings: The files and their scores.
        origin: What the card says about the training.
        svr: The paper's decoder, fitted on the training scores; None to leave it out.
    """

    folder: Path
    initial: InitialNetwork
    ratings: Ratings
    origin: TrainOrigin
    svr: SvrDecoder | None

    def begin(self, engine: Engine, position: Position, probabilities: Values) -> None:
        """Add a row for the network before training, which is never the best.

        Args:
            engine: Holds the network.
            position: Where training stands, at its beginning.
            probabilities: [n, K] float64, of the validation files.
        """
        measured = self._figures(engine, probabilities)
        nothing = {"rate": None, "loss": None, "seconds": None}
        position.rows.append({"epoch": 0, "updates": 0, **measured, **nothing})

    def epoch(self, engine: Engine, position: Position, probabilities: Values) -> bool:
        """Write an epoch's results; adds to the position's rows and best figures.

        Args:
            engine: Holds the network after the epoch.
            position: Where training stands, at the end of the epoch.
            probabilities: [n, K] float64, of the validation files.

        Returns:
            Whether it is the best epoch so far.
        """
        measured = self._figures(engine, probabilities)
        row: dict[str, float | None] = {
            "epoch": position.epoch + 1,
            "updates": position.updates,
            "rate": position.rate,
            "loss": position.loss / max(1, position.step),
            **measured,
            "seconds": round(position.seconds, 1),
        }
        position.rows.append(row)
        quality = {key: value for key, value in measured.items() if value is not None}
        if self.svr is not None:
            quality |= self._decoded(probabilities)
        card = self._card(engine, position, quality)
        save_checkpoint(engine.model, card, self.folder / LAST, half=False)
        best = not position.best or rank(measured) > rank({**position.best})
        if best:
            position.best = {"epoch": position.epoch + 1, **quality}
            save_checkpoint(engine.model, card, self.folder / BEST, half=False)
            self._write_predictions(self._predicted(engine, probabilities))
        write_curve(position.rows, self.folder)
        draw_curve(position.rows, self.folder)
        return best

    def _figures(self, engine: Engine, probabilities: Values) -> dict[str, float | None]:
        return figures(self._predicted(engine, probabilities), self._scores())

    def _predicted(self, engine: Engine, probabilities: Values) -> Values:
        return on_scale(engine.shares(probabilities), self.ratings.scale)

    def _scores(self) -> Values:
        return np.array([file.score for file in self.ratings.validation])

    def _decoded(self, probabilities: Values) -> dict[str, float]:
        """Compute the figures of the paper's decoder."""
        assert self.svr is not None
        top = probabilities.shape[1] - 1
        predicted = on_scale(self.svr.predict(probabilities) / top, self.ratings.scale)
        measured = figures(predicted, self._scores())
        return {f"svr_{key}": value for key, value in measured.items() if value is not None}

    def _card(
        self, engine: Engine, position: Position, quality: dict[str, float]
    ) -> CheckpointCard:
        extra = {
            "command": self.origin.command,
            "scale": list(self.ratings.scale),
            "init": self.initial.origin,
            "recipe": dict(self.origin.facts),
            "epoch": position.epoch + 1,
            "updates": position.updates,
            "validation_files": len(self.ratings.validation),
            "quality": {key: round(value, 4) for key, value in quality.items()},
        }
        if self.svr is not None:
            extra["svr"] = self.svr.to_dict()
        return CheckpointCard(
            architecture=engine.model.architecture,
            levels=self.initial.levels,
            preprocessing=self.initial.preprocessing.to_dict(),
            training_data=self._described(),
            licence=self.origin.licence,
            version=VERSION,
            extra=extra,
            window=WHOLE_VIDEO,  # as `Clips` cuts training and validation files
        )

    def _described(self) -> str:
        files, scale = self.ratings.training, self.ratings.scale
        contents = len({file.group for file in files})
        text = (
            f"{len(files)} files of {contents} contents with mean opinion scores on"
            f" {scale[0]:g} to {scale[1]:g} ({self.origin.table})"
        )
        return f"{self.origin.data}: {text}" if self.origin.data else text

    def _write_predictions(self, predicted: Values) -> None:
        rows = [
            (file.name, file.group, file.score, f"{value:.4f}")
            for file, value in zip(self.ratings.validation, predicted, strict=True)
        ]
        text = as_csv(("file", "group", "score", "predicted"), rows)
        write_text(self.folder / PREDICTIONS, text)
