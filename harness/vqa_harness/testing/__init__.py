"""For tests of metric and writer packages: checks to run, and frames, videos and logs to run on."""

from __future__ import annotations

from vqa_harness.testing.declarations import check_spec
from vqa_harness.testing.kit import (
    check_metric,
    rgb_frame,
    sample_frames,
    stream_info,
    yuv_frame,
)
from vqa_harness.testing.logs import check_contract
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_harness.testing.writers import check_writer, sample_log

__all__ = [
    "check_contract",
    "check_metric",
    "check_spec",
    "check_writer",
    "make_video",
    "moving_pattern",
    "rgb_frame",
    "sample_frames",
    "sample_log",
    "stream_info",
    "yuv_frame",
]
