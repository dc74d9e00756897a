"""What is measured of a network during training and at the end, and how weights are chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from vqa_plugin_clip.distill.batches import ClipSet
from vqa_plugin_clip.distill.evaluate import (
    Figures,
    figures,
    ladder_figures,
    order_within_groups,
    predict,
    predict_stills,
    table,
)
from vqa_plugin_clip.distill.opinions import OpinionSet
from vqa_plugin_clip.distill.selection import Merit
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import LABELS, tokens_for


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was measured at one moment of a training.

    Attributes:
        check: Number of the check, from 1; 0 for the end.
        loss: Mean loss since the check before.
        tables: What `evaluate.table` gives, by set.
        order: What `evaluate.order_within_groups` gives, by set.
        ladders: What `evaluate.ladder_figures` gives, by set of ladders.
        opinions: Figures on stills with opinion scores, without an absolute error.
    """

    check: int
    loss: float
    tables: dict[str, dict[str, Figures]] = field(default_factory=dict)
    order: dict[str, float] = field(default_factory=dict)
    ladders: dict[str, Figures] = field(default_factory=dict)
    opinions: Figures = field(default_factory=dict)


def merit_of(report: CheckReport) -> Merit:
    """Return what weights are chosen by: order in ladders, and SROCC over all other damage."""
    damage = [
        parts.get("all", {}).get("srocc", math.nan)
        for name, parts in report.tables.items()
        if name not in report.ladders
    ]
    ladders = list(report.ladders.values())
    return Merit(
        damage=damage[0] if damage else math.nan,
        swapped=ladders[0].get("swapped", 1.0) if ladders else 1.0,
        inside=ladders[0].get("srocc", -1.0) if ladders else -1.0,
    )


def evaluate(
    model: ClipVqa,
    sets: Mapping[str, ClipSet],
    *,
    device: str,
    half: bool = False,
    held_back: OpinionSet | None = None,
    check: int = 0,
    loss: float = math.nan,
) -> CheckReport:
    """Score sets of clips and stills.

    Args:
        model: The network, on the device.
        sets: The sets by name.
        device: Where to compute.
        half: Whether to compute the frame tower in bfloat16, else all in float32.
        held_back: Stills with opinion scores; None for none.
        check: For the report.
        loss: For the report.
    """
    text = tokens_for(LABELS, model.architecture).to(device)
    report = CheckReport(check, loss)
    for name, clips in sets.items():
        predicted = predict(model, text, clips, half=half)
        report.tables[name] = table(predicted, clips)
        report.order[name] = order_within_groups(predicted, clips)
        if clips.ladders:
            report.ladders[name] = ladder_figures(predicted, clips)
    if held_back is not None:
        predicted = predict_stills(model, text, held_back, half=half)
        measured = figures(predicted, held_back.mos)
        report.opinions.update({key: measured[key] for key in measured if key != "mae"})
    return report
