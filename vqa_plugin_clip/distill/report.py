"""The card of a checkpoint, and a table with a row per epoch and evaluation set."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.distill.recipe import DistillRecipe
from vqa_plugin_clip.distill.sampling import GRID, SIDE
from vqa_plugin_clip.distill.training import EpochReport
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.captions import CAPTIONS
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import LABELS

LICENCE = "Apache-2.0"
"""Licence of the weights."""
VERSION = "2"
"""Version of the weights; it changes with anything that changes scores."""
COLUMNS = ("stage", "epoch", "loss", "set", "part", "clips", "srocc", "plcc", "mae", "order")


@dataclass(frozen=True, slots=True)
class DistillOrigin:
    """What a checkpoint was made from.

    Attributes:
        clips: Number of training clips.
        contents: Number of stills that they were made from.
        stills: Number of photographs with opinion scores.
        recipe: The settings.
    """

    clips: int
    contents: int
    stills: int
    recipe: DistillRecipe

    def describe(self) -> str:
        """Describe the training data in words, for the card."""
        kinds = ", ".join(kind for kind in self.recipe.kinds if kind not in ("codec", "none"))
        text = (
            f"{self.clips} clips of 10 frames of 384x384 made from {self.contents} stills"
            f" (pan, zoom, grain), damaged by {', '.join(self.recipe.coders)}, half of it rescaled;"
            f" by {kinds}; label: VMAF v0.6.1 against the clean clip"
        )
        if self.stills:
            mos = self.recipe.mos.parent.name if self.recipe.mos else ""
            text += f"; {self.stills} photographs of {mos} with opinion scores, for their order"
        if self.recipe.init is not None:
            return f"{text}. Went on from {self.recipe.init.name}"
        return f"{text}. Stem initialised from EfficientNet-Lite0 (ImageNet)"


def make_card(model: ClipVqa, origin: DistillOrigin, report: EpochReport) -> CheckpointCard:
    """Make the card of a network after an epoch."""
    return CheckpointCard(
        architecture=model.architecture,
        levels=LABELS,
        preprocessing=Preprocessing(kind="fragments", size=SIDE, grid=GRID).to_dict(),
        training_data=origin.describe(),
        licence=LICENCE,
        version=VERSION,
        extra={
            "command": origin.recipe.command,
            "captions": list(CAPTIONS),
            "quality": quality(report),
        },
    )


def quality(report: EpochReport) -> dict[str, Any]:
    """Collect the measured figures, rounded, by evaluation set and part of it."""
    sets: dict[str, Any] = {
        name: {part: _rounded(figures_of_part) for part, figures_of_part in parts.items()}
        | {"order_within_contents": round(report.order[name], 4)}
        for name, parts in report.tables.items()
    }
    return sets | ({"opinions": _rounded(report.opinions)} if report.opinions else {})


def append_rows(path: Path, stage: str, report: EpochReport) -> None:
    """Add an epoch's figures to a CSV table, which gets its header with the first row."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    if not path.exists():
        writer.writeheader()
    loss = {} if math.isnan(report.loss) else {"loss": round(report.loss, 4)}
    common = {"stage": stage, "epoch": report.epoch} | loss
    for name, parts in report.tables.items():
        for part, figures_of_part in parts.items():
            order = {"order": round(report.order[name], 4)} if part == "all" else {}
            writer.writerow(
                common | {"set": name, "part": part} | _rounded(figures_of_part) | order
            )
    if report.opinions:
        writer.writerow(common | {"set": "opinions", "part": "all"} | _rounded(report.opinions))
    with path.open("a", encoding="utf-8") as file:
        file.write(buffer.getvalue())


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    digits = {"clips": 0, "mae": 2}
    return {key: round(value, digits.get(key, 4)) for key, value in figures.items()}
