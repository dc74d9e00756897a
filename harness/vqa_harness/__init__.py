"""vqa-harness: score video quality with many metrics in one decoding pass.

What a metric package may rely on is exported here; heavy modules load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vqa_harness.errors import VqaError
from vqa_harness.hookspecs import hookimpl
from vqa_harness.spec import Feature, Metric, MetricSpec, Param, RunInfo, Sampling, StreamScores

if TYPE_CHECKING:
    from vqa_harness.frames import Clip, ColourInfo, Frame, StreamInfo

__version__ = "0.1.0"

__all__ = [
    "Clip",
    "ColourInfo",
    "Feature",
    "Frame",
    "Metric",
    "MetricSpec",
    "Param",
    "RunInfo",
    "Sampling",
    "StreamInfo",
    "StreamScores",
    "VqaError",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    """Load frame classes, which need NumPy, when they are first asked for."""
    if name in {"Clip", "ColourInfo", "Frame", "StreamInfo"}:
        from vqa_harness import frames

        return getattr(frames, name)
    raise AttributeError(f"module 'vqa_harness' has no attribute {name!r}")
