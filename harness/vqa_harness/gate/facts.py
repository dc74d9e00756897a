"""What a log says of a value a rule looks at: a pooled feature, or a fact of pairing or reading."""

from __future__ import annotations

from dataclasses import dataclass

from vqa_harness.gate.features import Offer
from vqa_harness.logs.log import Log
from vqa_harness.logs.view import Reading
from vqa_harness.logs.view_parser import flat_facts
from vqa_harness.stats.pooling import pooled, worst_run

_RESIDUALS = ("median", "p95", "max")
"""Keys under ``align.residual`` of a log."""


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


def find_feature(log: Log, name: str, pool: str, offer: Offer | None) -> Finding:
    """Look for a pooled feature in a log.

    Args:
        log: the log of the case.
        name: the feature, as in the rule.
        pool: how it is pooled; ``worst_run`` is the mean of the worst second.
        offer: what the metric declares of the feature; None for a log of unknown metrics.
    """
    name = offer.logged if offer is not None else name
    values = [x for x in log.columns.get(name, []) if x is not None]
    if not values:
        return Finding(reason=_absence(log, name, offer))
    if pool == "worst_run":
        return _worst_run(log, name, values, offer)
    value = log.pooled.get(name, {}).get(pool)
    if value is None:
        value = pooled(values, pool)
    return Finding(value, note=_note(log, name, pool))


def known_facts(section: str) -> list[str]:
    """Keys that ``align.`` or ``reading.`` rules may name: numbers, truths, and lists (counted).

    What stands inside another object has a dotted key: ``extra_head.distorted``.
    """
    if section == "reading":
        from vqa_harness.media.read_report import ReadReport

        return sorted(flat_facts(ReadReport("", first_error="").to_json()))
    from vqa_harness.alignment.options import AlignOptions
    from vqa_harness.alignment.report import AlignReport

    facts = AlignReport(AlignOptions(), residual=dict.fromkeys(_RESIDUALS, 0.0)).to_json()
    del facts["options"]
    return sorted(flat_facts(facts))


def find_fact(log: Log, section: str, name: str) -> Finding:
    """Look for a fact in a log.

    Args:
        log: the log of the case.
        section: ``align``, or ``reading`` for the facts of decoding the distorted video.
        name: one of `known_facts`.
    """
    if section == "align":
        facts = log.view.alignment.facts
    else:
        facts = log.view.reading.get("distorted", Reading()).facts
    if name not in facts:
        return Finding(reason=f"the log says nothing of {section}.{name}")
    value = facts[name]
    return Finding(value) if value is not None else Finding(reason=f"{section}.{name} is unknown")


def _absence(log: Log, name: str, offer: Offer | None) -> str:
    errors = log.view.errors
    if offer is not None and offer.label in errors:
        return f"metric {offer.label} failed: {errors[offer.label]}"
    if name in log.columns or log.view.metric_of(name):
        return f"{name} is undefined on every frame"
    return f"the log has no {name}, it has {', '.join(list(log.columns)[:12])}"


def _worst_run(log: Log, name: str, values: list[float], offer: Offer | None) -> Finding:
    length = log.view.pooling.worst_run_frames
    if length is None:
        return Finding(reason="the log does not say how many frames a second has")
    better = offer.feature.higher_is_better if offer is not None else None
    if better is None:
        return Finding(reason=f"of {name} neither higher nor lower is known to be better")
    run = worst_run(values, length, higher_is_better=better)
    return Finding(run.mean, note=f"frames {run.start} to {run.stop - 1}")


def _note(log: Log, name: str, pool: str) -> str:
    metric = log.view.metric_of(name)
    held = len(metric.undefined_frames.get(name, ())) if metric is not None else 0
    lacking = sum(x is None for x in log.columns[name])
    if held or lacking:
        return f"undefined on {held or lacking} of {len(log)} frames"
    if pool == "harmonic_mean" and name in log.view.pooling.harmonic_mean_replaced:
        return "the harmonic mean is undefined, this is the mean"
    return ""
