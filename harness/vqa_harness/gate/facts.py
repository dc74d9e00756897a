"""What a log says of a value a rule looks at: a pooled feature, or a fact of pairing or reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vqa_harness.gate.features import Offer
from vqa_harness.gate.rules import Target
from vqa_harness.logs.log import LARGEST, Log
from vqa_harness.logs.view import as_list, as_object, metric_entry
from vqa_harness.stats.pooling import pooled, worst_run

_RESIDUALS = ("median", "p95", "max")


@dataclass(frozen=True, slots=True)
class Finding:
    """A value, or why there is none.

    Attributes:
        value: None where it could not be computed.
        reason: why; empty where there is a value.
        note: what to know of the value; mostly empty.
    """

    value: float | None = None
    reason: str = ""
    note: str = ""


def find(log: Log, target: Target, offer: Offer | None) -> Finding:
    """Look up a target of kind ``feature``, ``align`` or ``reading``.

    Args:
        log: of the case.
        target: what is wanted.
        offer: the metric's word on the feature; None for a log of unknown metrics.
    """
    if target.kind != "feature":
        return _fact(log, target)
    name = offer.logged if offer is not None else target.name
    values = [x for x in log.columns.get(name, []) if x is not None]
    if not values:
        return Finding(reason=_absence(log, name, offer))
    if target.pool == "worst_run":
        return _worst_run(log, name, values, offer)
    value = log.pooled.get(name, {}).get(target.pool)
    if value is None:
        value = pooled(values, target.pool)
    return Finding(value, note=_note(log, name, target.pool))


def known_facts(kind: str) -> list[str]:
    """Keys that ``align.`` or ``reading.`` rules may name: numbers, truths, and lists (counted).

    What stands inside another object has a dotted key: ``extra_head.distorted``.
    """
    if kind == "reading":
        from vqa_harness.media.read_report import ReadReport

        return sorted(_flat(ReadReport("", first_error="").to_json()))
    from vqa_harness.alignment.options import AlignOptions
    from vqa_harness.alignment.report import AlignReport

    facts = AlignReport(AlignOptions(), residual=dict.fromkeys(_RESIDUALS, 0.0)).to_json()
    del facts["options"]
    return sorted(_flat(facts))


def _flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, float | None]:
    """Every fact that is a number, or a list with its length, by its dotted key."""
    found: dict[str, float | None] = {}
    for name, value in facts.items():
        key = prefix + name
        if isinstance(value, Mapping):
            if isinstance(value.get("list"), list) and isinstance(value.get("count"), int):
                found[key] = _finite(value["count"])
            elif not prefix:
                found |= _flat(value, f"{key}.")
        elif isinstance(value, list):
            found[key] = float(len(value))
        elif value is None or isinstance(value, int | float):
            found[key] = _finite(value)
    return found


def _finite(value: float | None) -> float | None:
    """The number as float; None where it is none, or beyond what floats hold."""
    return None if value is None or not abs(value) < LARGEST else float(value)


def _fact(log: Log, target: Target) -> Finding:
    section = "alignment" if target.kind == "align" else "reading"
    facts = as_object(log.extra.get(section))
    if target.kind == "reading":
        facts = as_object(facts.get("distorted"))
    found = _flat(facts)
    if target.name not in found:
        return Finding(reason=f"the log says nothing of {target}")
    value = found[target.name]
    return Finding(value) if value is not None else Finding(reason=f"{target} is unknown")


def _absence(log: Log, name: str, offer: Offer | None) -> str:
    errors = as_object(log.extra.get("errors"))
    if offer is not None and offer.request.label in errors:
        return f"metric {offer.request.label} failed: {errors[offer.request.label]}"
    if name in log.columns or metric_entry(log, name)[0]:
        return f"{name} is undefined on every frame"
    return f"the log has no {name}, it has {', '.join(list(log.columns)[:12])}"


def _worst_run(log: Log, name: str, values: list[float], offer: Offer | None) -> Finding:
    length = as_object(log.extra.get("pooling")).get("worst_run_frames")
    if not isinstance(length, int) or length < 1:
        return Finding(reason="the log does not say how many frames a second has")
    better = offer.feature.higher_is_better if offer is not None else None
    if better is None:
        return Finding(reason=f"of {name} neither higher nor lower is known to be better")
    run = worst_run(values, length, higher_is_better=better)
    return Finding(run.mean, note=f"frames {run.start} to {run.stop - 1}")


def _note(log: Log, name: str, pool: str) -> str:
    _, entry = metric_entry(log, name)
    held = len(as_list(as_object(entry.get("undefined_frames")).get(name)))
    lacking = sum(x is None for x in log.columns[name])
    if held or lacking:
        return f"undefined on {held or lacking} of {len(log)} frames"
    replaced = as_list(as_object(log.extra.get("pooling")).get("harmonic_mean_replaced"))
    if pool == "harmonic_mean" and name in replaced:
        return "the harmonic mean is undefined, this is the mean"
    return ""
