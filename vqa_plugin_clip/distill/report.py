"""The card of a checkpoint, and a table with a row per check and set."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa_harness.errors import UsageError
from vqa_harness.files import write_text
from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.checkpoint.window import SHORT_SECONDS
from vqa_plugin_clip.distill.check import CheckReport
from vqa_plugin_clip.distill.places import GRID, SIDE
from vqa_plugin_clip.distill.recipe import DistillRecipe
from vqa_plugin_clip.distill.survey import LeftOut
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.captions import CAPTIONS
from vqa_plugin_clip.network.labels import labels_of
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import LABELS

LICENCE = "Apache-2.0"
"""Licence of the weights."""
COLUMNS = (
    *("stage", "check", "loss", "set", "part", "clips", "srocc", "plcc", "mae", "order"),
    *("inside", "swapped"),
)
_NAMED = 200
"""How many files that were left out a card names."""


@dataclass(frozen=True, slots=True)
class DistillOrigin:
    """What a checkpoint was made from.

    Attributes:
        clips: Number of training clips.
        contents: Number of stills and videos that they were made from.
        stills: Number of photographs with opinion scores.
        recipe: The settings.
        left_out: Files that could not be used.
        hidden: Clips that are left out because no stored frame shows their damage, by set.
    """

    clips: int
    contents: int
    stills: int
    recipe: DistillRecipe
    left_out: tuple[LeftOut, ...] = ()
    hidden: dict[str, int] = field(default_factory=dict)

    def describe(self) -> str:
        """Describe the training data in words, for the card."""
        recipe = self.recipe
        kinds = ", ".join(kind for kind in recipe.kinds if kind not in ("codec", "none"))
        more = " and further settings (varied)" if recipe.varied else ""
        text = (
            f"{self.clips} clips of 10 frames of 384x384 made from {self.contents} contents"
            f" (stills with pan, zoom, grain; videos), damaged by {', '.join(recipe.coders)}{more},"
            f" partly rescaled; by {kinds}; label: VMAF v0.6.1 against the clean clip"
        )
        if self.stills:
            mos = recipe.mos.parent.name if recipe.mos else ""
            text += f"; {self.stills} photographs of {mos} with opinion scores, for their order"
        if recipe.init is not None:
            return f"{text}. Went on from {recipe.init.name}"
        return f"{text}. Stem initialised from EfficientNet-Lite0 (ImageNet)"


def make_card(
    model: ClipVqa,
    origin: DistillOrigin,
    report: CheckReport,
    chosen: dict[str, Any] | None = None,
) -> CheckpointCard:
    """Make the card of a network.

    Args:
        model: The network.
        origin: What it was made from.
        report: What was measured.
        chosen: How its weights were chosen; None if that is not known yet.
    """
    extra: dict[str, Any] = {
        "command": origin.recipe.command,
        "captions": list(CAPTIONS),
        "label": labels_of(model.architecture.behaviour).__name__,
        "quality": quality(report),
    }
    extra |= {"chosen": chosen} if chosen else {}
    if origin.left_out:
        named = {one.path.name: one.reason for one in origin.left_out[:_NAMED]}
        extra["left_out"] = {"files": len(origin.left_out), "named": named}
    if origin.hidden:
        extra["clips_whose_damage_no_frame_shows"] = origin.hidden
    return CheckpointCard(
        architecture=model.architecture,
        levels=LABELS,
        preprocessing=Preprocessing(kind="fragments", size=SIDE, grid=GRID).to_dict(),
        training_data=origin.describe(),
        licence=LICENCE,
        version=origin.recipe.version,
        window=SHORT_SECONDS,
        extra=extra,
    )


def quality(report: CheckReport) -> dict[str, Any]:
    """Collect the measured figures, rounded, by set and part of it."""
    sets: dict[str, Any] = {
        name: {part: _rounded(figures_of_part) for part, figures_of_part in parts.items()}
        | _finite({"order_within_contents": report.order[name]})
        | ({"ladders": _rounded(report.ladders[name])} if name in report.ladders else {})
        for name, parts in report.tables.items()
    }
    return sets | ({"opinions": _rounded(report.opinions)} if report.opinions else {})


def check_table(path: Path) -> None:
    """Refuse to add rows to a table of other columns.

    Raises:
        UsageError: The file cannot be read, or is another table.
    """
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8") as file:
            header = file.readline().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    if header != ",".join(COLUMNS):
        raise UsageError(f"{path}: has other columns than rows are added with; move it away")


def append_rows(path: Path, stage: str, report: CheckReport) -> None:
    """Add a check's figures to a CSV table, which gets its header with the first row.

    Raises:
        UsageError: The table cannot be written.
    """
    buffer = io.StringIO()
    before = path.read_text("utf-8") if path.exists() else ""
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    if not before:
        writer.writeheader()
    loss = {} if math.isnan(report.loss) else {"loss": round(report.loss, 4)}
    common = {"stage": stage, "check": report.check} | loss
    for name, parts in report.tables.items():
        for part, figures_of_part in parts.items():
            whole = _of_whole(report, name) if part == "all" else {}
            writer.writerow(
                common | {"set": name, "part": part} | _rounded(figures_of_part) | whole
            )
    if report.opinions:
        writer.writerow(common | {"set": "opinions", "part": "all"} | _rounded(report.opinions))
    write_text(path, before + buffer.getvalue())


def _of_whole(report: CheckReport, name: str) -> dict[str, float]:
    ladders = report.ladders.get(name, {})
    found = {"order": report.order[name]}
    found |= (
        {"inside": ladders["srocc"], "swapped": ladders["swapped"]} if "srocc" in ladders else {}
    )
    return _finite(found)


def _finite(figures: dict[str, float]) -> dict[str, float]:
    """Round what there is: without pairs there is no order."""
    return {key: round(value, 4) for key, value in figures.items() if math.isfinite(value)}


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    digits = {"clips": 0, "ladders": 0, "mae": 2}
    return {key: round(value, digits.get(key, 4)) for key, value in figures.items()}
