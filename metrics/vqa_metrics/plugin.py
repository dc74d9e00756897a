"""The table of contents of this package: its metrics as data, nothing else."""

from __future__ import annotations

from vqa_harness.hookspecs import hookimpl
from vqa_harness.spec import MetricSpec
from vqa_metrics.specs.filters import SPECS as FILTERS
from vqa_metrics.specs.libvmaf import SPECS as LIBVMAF
from vqa_metrics.specs.nss import SPECS as NSS
from vqa_metrics.specs.reference import SPECS as REFERENCE
from vqa_metrics.specs.siti import SPECS as SITI
from vqa_metrics.specs.skvideo import SPECS as SKVIDEO


@hookimpl
def vqa_register_metrics() -> list[MetricSpec]:
    """NIQE and BRISQUE, full-reference metrics, libvmaf's, SI and TI, filters, scikit-video's."""
    return [*NSS, *REFERENCE, *LIBVMAF, *SITI, *FILTERS, *SKVIDEO]
