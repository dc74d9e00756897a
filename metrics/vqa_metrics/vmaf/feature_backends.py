"""Which libvmaf computes the metrics that are its features, for listings and caches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from vqa_harness.spec import Backend, ParamValue
from vqa_metrics.specs.libvmaf import ROWS
from vqa_metrics.vmaf.backend import backend_of


def _backend(name: str, params: Mapping[str, ParamValue]) -> Backend:
    """What computes the metric ``name``, and what is missing for it."""
    asked = [text.partition(":")[0] for text in ROWS[name].extractors]
    return backend_of({**params, "features": "+".join(asked)})


cambi = partial(_backend, "cambi")
psnr_hvs = partial(_backend, "psnr_hvs")
vif = partial(_backend, "vif")
ciede2000 = partial(_backend, "ciede2000")
speed = partial(_backend, "speed")
