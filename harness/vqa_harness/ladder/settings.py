"""How a ladder is compared, and what is searched for in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from vqa_harness.errors import UsageError
from vqa_harness.stats.bdrate import MIN_OVERLAP
from vqa_harness.stats.rate_curve import METHODS

NotMonotone = Literal["refuse", "pareto"]
CurveKind = Literal["auto", "points", "hull"]
DEFAULT_JND: Mapping[str, float] = {"vmaf": 6.0}
"""Just noticeable difference by feature; that of VMAF is about 6 points (Ozer, RealNetworks)."""


@dataclass(frozen=True, slots=True)
class CompareSettings:
    """How rungs are compared.

    Attributes:
        pool: which pooled value of a feature is its quality, such as ``mean`` or ``p5``.
        method: ``pchip`` or ``akima``.
        min_overlap: smallest part of the narrower quality range that two curves must share.
        not_monotone: ``refuse`` a curve with a point no better than one of less bitrate, or leave
            such points out (``pareto``).
        curve: ``points``: the curve of a series goes through all its rungs. ``hull``: through those
            on its convex hull. ``auto``: hull where a series has several resolutions.
        anchor: the series the others are compared with; empty to compare every pair.
        features: names of the features to compare; empty for the first of each metric.
        jnd: just noticeable difference by feature.
        target_bitrates: bit/s to choose a rung for.
        target_qualities: feature to qualities to choose a rung for.
    """

    pool: str = "mean"
    method: str = "pchip"
    min_overlap: float = MIN_OVERLAP
    not_monotone: NotMonotone = "refuse"
    curve: CurveKind = "auto"
    anchor: str = ""
    features: tuple[str, ...] = ()
    jnd: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_JND))
    target_bitrates: tuple[float, ...] = ()
    target_qualities: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from vqa_harness.stats.pooling import pooled

        pooled([0.0], self.pool)
        _one_of("method", self.method, METHODS)
        _one_of("not_monotone", self.not_monotone, get_args(NotMonotone))
        _one_of("curve", self.curve, get_args(CurveKind))
        if not 0 <= self.min_overlap <= 1:
            raise UsageError(f"min_overlap {self.min_overlap:g}: must be from 0 to 1")
        if any(not value > 0 for value in (*self.jnd.values(), *self.target_bitrates)):
            raise UsageError("just noticeable differences and target bitrates must be above 0")


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What is searched for: the last setting of each coder and height that meets all targets.

    Attributes:
        targets: rules such as ``vmaf.p5 >= 93``; empty for no search.
        samples: how much of a video is searched on: ``all``, ``auto``, or a share as ``20%``.
        crf_step: distance of neighbouring CRFs.
    """

    targets: tuple[str, ...] = ()
    samples: str = "auto"
    crf_step: float = 1.0


def _one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UsageError(f"{what} {value!r}: choose one of {', '.join(allowed)}")
