"""What a metric package runs on itself: made frames and clips, and checks of metrics and logs."""

from __future__ import annotations

from vqa_harness.testing.declarations import check_spec
from vqa_harness.testing.kit import (
    ArrayPixels,
    check_metric,
    rgb_frame,
    sample_frames,
    stream_info,
    yuv_frame,
)
from vqa_harness.testing.logs import check_contract
from vqa_harness.testing.synthetic import make_video, moving_pattern

__all__ = [
    "ArrayPixels",
    "check_contract",
    "check_metric",
    "check_spec",
    "make_video",
    "moving_pattern",
    "rgb_frame",
    "sample_frames",
    "stream_info",
    "yuv_frame",
]
