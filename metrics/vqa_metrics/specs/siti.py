"""Spatial and temporal information, as data."""

from __future__ import annotations

from vqa_harness.spec import Feature, MetricSpec, Param

SITI = MetricSpec(
    name="siti",
    factory="vqa_metrics.siti:Siti",
    features=(
        Feature("siti_si", None, lo=0, help="spatial information, of luma from 0 to 255"),
        Feature("siti_ti", None, lo=0, help="temporal information; the first has none", first=1),
    ),
    kind="stream",
    context=(1, 0),
    params=(
        Param(
            "domain",
            "luma",
            "luma for code values of full range; pq for displayed light coded by PQ",
            choices=("luma", "pq"),
        ),
    ),
    version="2",
    summary="How much detail and motion there is, not how good it looks",
    paper="ITU-T P.910",
    warmup="vqa_metrics.siti_warmup",
    smallest=3,
)
SPECS: tuple[MetricSpec, ...] = (SITI,)
