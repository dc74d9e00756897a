"""What an epoch leaves: checkpoints with their card, predictions, the curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.files import write_text
from vqa_plugin_clip.checkpoint.card import Card
from vqa_plugin_clip.checkpoint.files import save_checkpoint
from vqa_plugin_clip.svr import SvrDecoder
from vqa_plugin_clip.train.curve import draw_curve, write_curve
from vqa_plugin_clip.train.dataset import Ratings, as_csv
from vqa_plugin_clip.train.engine import Engine
from vqa_plugin_clip.train.figures import figures, on_scale, rank
from vqa_plugin_clip.train.initial_network import Start
from vqa_plugin_clip.train.state_file import Position

BEST, LAST = "best.safetensors", "last.safetensors"
PREDICTIONS = "validation.csv"
VERSION = "1"
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Origin:
    """What the card tells about the training.

    Attributes:
        data: words about the training data; empty for what the tables tell.
        table: name of the table.
        licence: of the weights.
        command: the command line, without folders.
        facts: of the recipe.
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
        folder: where.
        start: levels and preprocessing of the network.
        ratings: files and their scores.
        origin: see `Origin`.
        svr: the paper's decoder, fitted on the training scores; None for none.
    """

    folder: Path
    start: Start
    ratings: Ratings
    origin: Origin
    svr: SvrDecoder | None

    def begin(self, engine: Engine, position: Position, probabilities: Values) -> None:
        """Add a row for the network before training, which is never the best.

        Args:
            engine: the network.
            position: at the beginning.
            probabilities: [n, K] of the validation files.
        """
        found = self._figures(engine, probabilities)
        nothing = {"rate": None, "loss": None, "seconds": None}
        position.rows.append({"epoch": 0, "updates": 0, **found, **nothing})

    def epoch(self, engine: Engine, position: Position, probabilities: Values) -> bool:
        """Write an epoch's results; adds to the position's rows and best figures.

        Args:
            engine: the network after the epoch.
            position: at its end.
            probabilities: [n, K] of the validation files.

        Returns:
            whether it is the best epoch so far.
        """
        found = self._figures(engine, probabilities)
        row: dict[str, float | None] = {
            "epoch": position.epoch + 1,
            "updates": position.updates,
            "rate": position.rate,
            "loss": position.loss / max(1, position.step),
            **found,
            "seconds": round(position.seconds, 1),
        }
        position.rows.append(row)
        quality = {key: value for key, value in found.items() if value is not None}
        if self.svr is not None:
            quality |= self._decoded(probabilities)
        card = self._card(engine, position, quality)
        save_checkpoint(engine.model, card, self.folder / LAST, half=False)
        best = not position.best or rank(found) > rank({**position.best})
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
        """Figures of what the support-vector regressor makes of the probabilities."""
        assert self.svr is not None
        top = probabilities.shape[1] - 1
        predicted = on_scale(self.svr.predict(probabilities) / top, self.ratings.scale)
        found = figures(predicted, self._scores())
        return {f"svr_{key}": value for key, value in found.items() if value is not None}

    def _card(self, engine: Engine, position: Position, quality: dict[str, float]) -> Card:
        extra = {
            "command": self.origin.command,
            "scale": list(self.ratings.scale),
            "init": self.start.origin,
            "recipe": dict(self.origin.facts),
            "epoch": position.epoch + 1,
            "updates": position.updates,
            "validation_files": len(self.ratings.validation),
            "quality": {key: round(value, 4) for key, value in quality.items()},
        }
        if self.svr is not None:
            extra["svr"] = self.svr.to_dict()
        return Card(
            architecture=engine.model.architecture,
            levels=self.start.levels,
            preprocessing=self.start.preprocessing.to_dict(),
            training_data=self._described(),
            licence=self.origin.licence,
            version=VERSION,
            extra=extra,
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
