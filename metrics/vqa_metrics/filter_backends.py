"""Whether the filters of FFmpeg behind some metrics are there, for listings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from vqa_harness.spec import Backend, ParamValue
from vqa_metrics.presence import filter_is_there, of_a_wheel


def _backend(name: str, _params: Mapping[str, ParamValue]) -> Backend:
    """What is missing for a metric that is FFmpeg's filter ``name``."""
    if of_a_wheel() or filter_is_there(name):
        return Backend("PyAV")
    return Backend(
        missing=f"the FFmpeg that av is built on has no filter {name}; "
        "pip install --force-reinstall --only-binary av av"
    )


ssim_ffmpeg = partial(_backend, "ssim")
xpsnr = partial(_backend, "xpsnr")
blockiness = partial(_backend, "blockdetect")
blurriness = partial(_backend, "blurdetect")
