"""The table of contents of this package: its metrics as data, nothing else."""

from __future__ import annotations

from vqa_harness.hookspecs import hookimpl
from vqa_harness.spec import MetricSpec
from vqa_metrics.specs_nss import SPECS as NSS


@hookimpl
def vqa_register_metrics() -> list[MetricSpec]:
    """NIQE and BRISQUE."""
    return [*NSS]
