"""vqa-harness: score video quality with many metrics in one decoding pass.

What is exported here is public: what a script needs, and what a metric package may rely on
(``docs/python-api.md``). Every other module may move without notice. Each name loads when it is
first used, so that a command can answer signals before anything else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "AlignError",
    "AlignOptions",
    "AlignReport",
    "Clip",
    "ColourInfo",
    "Feature",
    "Frame",
    "GateFailed",
    "ImageSequence",
    "InputError",
    "Log",
    "Metric",
    "MetricError",
    "MetricSpec",
    "MissingBackend",
    "Param",
    "PartialResult",
    "QcEvent",
    "QcReport",
    "RawVideo",
    "Registry",
    "Result",
    "RunInfo",
    "RunOptions",
    "Sampling",
    "Scorer",
    "StreamInfo",
    "StreamScores",
    "UnknownMetric",
    "UsageError",
    "Video",
    "VideoReader",
    "VqaError",
    "WriterSpec",
    "align",
    "bd_rate",
    "find_events",
    "hookimpl",
    "read_log",
    "run",
    "score",
    "score_many",
    "write_log",
]

_LAZY = {
    "AlignError": "errors",
    "AlignOptions": "alignment.options",
    "AlignReport": "alignment.report",
    "Clip": "frames",
    "ColourInfo": "frames",
    "Feature": "spec",
    "Frame": "frames",
    "GateFailed": "errors",
    "ImageSequence": "media.numbered",
    "InputError": "errors",
    "Log": "logs.log",
    "Metric": "protocols",
    "MetricError": "errors",
    "MetricSpec": "spec",
    "MissingBackend": "errors",
    "Param": "spec",
    "PartialResult": "errors",
    "QcEvent": "qc.events",
    "QcReport": "qc.events",
    "RawVideo": "media.raw",
    "Registry": "registry",
    "Result": "api.result",
    "RunInfo": "protocols",
    "RunOptions": "pipeline.runner",
    "Sampling": "protocols",
    "Scorer": "api.streaming",
    "StreamInfo": "frames",
    "StreamScores": "protocols",
    "UnknownMetric": "errors",
    "UsageError": "errors",
    "Video": "api.video",
    "VideoReader": "media.reader",
    "VqaError": "errors",
    "WriterSpec": "spec",
    "align": "api.aligning",
    "bd_rate": "stats.bdrate",
    "find_events": "api.events",
    "hookimpl": "hookspecs",
    "read_log": "logs.read",
    "run": "pipeline.runner",
    "score": "api.scoring",
    "score_many": "api.many",
    "write_log": "logs.write",
}
"""Public names that are loaded when they are first asked for, and their modules."""

if TYPE_CHECKING:
    from vqa_harness.alignment.options import AlignOptions
    from vqa_harness.alignment.report import AlignReport
    from vqa_harness.api.aligning import align
    from vqa_harness.api.events import find_events
    from vqa_harness.api.many import score_many
    from vqa_harness.api.result import Result
    from vqa_harness.api.scoring import score
    from vqa_harness.api.streaming import Scorer
    from vqa_harness.api.video import Video
    from vqa_harness.errors import (
        AlignError,
        GateFailed,
        InputError,
        MetricError,
        MissingBackend,
        PartialResult,
        UnknownMetric,
        UsageError,
        VqaError,
    )
    from vqa_harness.frames import Clip, ColourInfo, Frame, StreamInfo
    from vqa_harness.hookspecs import hookimpl
    from vqa_harness.logs.log import Log
    from vqa_harness.logs.read import read_log
    from vqa_harness.logs.write import write_log
    from vqa_harness.media.numbered import ImageSequence
    from vqa_harness.media.raw import RawVideo
    from vqa_harness.media.reader import VideoReader
    from vqa_harness.pipeline.runner import RunOptions, run
    from vqa_harness.protocols import Metric, RunInfo, Sampling, StreamScores
    from vqa_harness.qc.events import QcEvent, QcReport
    from vqa_harness.registry import Registry
    from vqa_harness.spec import Feature, MetricSpec, Param, WriterSpec
    from vqa_harness.stats.bdrate import bd_rate
else:

    def __getattr__(name: str) -> object:
        """Load a public name on first use; a type checker sees the imports above instead."""
        if name not in _LAZY:
            raise AttributeError(f"module 'vqa_harness' has no attribute {name!r}")
        module = importlib.import_module(f"vqa_harness.{_LAZY[name]}")
        value = globals()[name] = getattr(module, name)
        return value


def __dir__() -> list[str]:
    """Every public name, loaded or not."""
    return sorted({*globals(), *__all__})
