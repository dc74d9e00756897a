"""The points of a rate-quality curve: bitrate (kbit/s) and quality, higher better, of its rungs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vqa_harness.errors import InputError
from vqa_harness.gate.facts import find_feature

if TYPE_CHECKING:
    from vqa_harness.gate.features import Offer
    from vqa_harness.gate.target import Evidence
    from vqa_harness.gate.verdict import ScoredCase

POOL = "mean"
"""How the quality of a rung is pooled."""


def measured_point(item: ScoredCase, feature: str, evidence: Evidence) -> tuple[float, float]:
    """The point of a rung that was scored.

    Raises:
        VqaError: its bitrate or its quality is not known.
    """
    name = item.case.name
    if item.log is None:
        raise item.error or InputError(f"{name}: was not scored")
    if item.bitrate is None:
        raise InputError(f"{name}: its bitrate is not known; a log does not tell it")
    offer = evidence.offer(item)
    quality = find_feature(item.log, feature, POOL, offer)
    if quality.value is None:
        raise InputError(f"{name}: {quality.reason}")
    return item.bitrate, _sign(offer) * quality.value


def accepted_point(item: ScoredCase, feature: str, evidence: Evidence) -> tuple[float, float]:
    """The point of the same rung in the baseline.

    Raises:
        InputError: the baseline has none, or one that cannot be compared.
    """
    name, offer = item.case.name, evidence.offer(item)
    logged = feature if offer is None else offer.logged
    quality, reason = evidence.baseline.value(name, f"{logged}.{POOL}")
    entry = evidence.baseline.entry(name)
    if entry is not None and not reason and item.log is not None:
        reason, _ = evidence.baseline.difference(name, item.log, logged, POOL)
    if quality is None or entry is None or reason:
        raise InputError(f"{name}: {reason}")
    if entry.bitrate is None:
        raise InputError(f"{name}: the baseline has no bitrate; --update-baseline adds it")
    return entry.bitrate, _sign(offer) * quality


def _sign(offer: Offer | None) -> int:
    """-1 where lower is better."""
    return -1 if offer is not None and offer.feature.higher_is_better is False else 1
