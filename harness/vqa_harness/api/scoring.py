"""Scores one video."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vqa_harness.api.inputs import (
    AlignLike,
    VideoLike,
    align_options,
    checked_threads,
    installed,
    requests_of,
    source_of,
)
from vqa_harness.api.result import Result
from vqa_harness.console import Progress
from vqa_harness.errors import MetricError, UsageError
from vqa_harness.logs.build import build_log
from vqa_harness.logs.vmaf_json import to_json
from vqa_harness.media.source import VideoSource
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry
from vqa_harness.request import Request

if TYPE_CHECKING:
    from vqa_harness.result import RunResult

DEFAULT_METRICS = ("clipvqa",)
"""Metrics that are run where none is named."""


def score(
    distorted: VideoLike,
    reference: VideoLike | None = None,
    metrics: str | Iterable[str | Request] = DEFAULT_METRICS,
    *,
    align: AlignLike = None,
    distorted_colour: str = "",
    reference_colour: str = "",
    threads: int = 0,
    progress: Progress | None = None,
    registry: Registry | None = None,
) -> Result:
    """Score a video with any number of metrics, decoding it once.

    Args:
        distorted: the video: a path, a binary file object, or a `Video` of frames in memory.
        reference: what it is compared with; read only if a metric compares.
        metrics: names, with parameters as on the command line: ``"vmaf:model=vmaf_v0.6.1neg"``.
        align: how frames are paired: `AlignOptions`, or the name of a mode.
        distorted_colour: what the distorted video does not say of its colour, or says wrongly:
            ``"matrix=bt709,range=full"``, or a word such as ``"bt709"``.
        reference_colour: the same of the reference.
        threads: threads for metrics; 0 for one per processor this process may use.
        progress: called with the frames done, and the frames expected (None if unknown).
        registry: where metrics come from; None for what is installed.

    Returns:
        The scores. Where some metrics failed, `Result.errors` says why, and the scores of the
        others are valid.

    Raises:
        UsageError: a wrong name, parameter or option, a metric without the reference it needs, or
            something that is not a video.
        InputError: a video cannot be read.
        AlignError: the two videos cannot be compared as ``align`` asks.
        MissingBackend: a package, a program or a model that a metric needs is not there.
        MetricError: every metric failed.
    """
    registry = registry or installed()
    requests = requests_of(metrics, registry)
    pairing = align_options(align, distorted_colour, reference_colour)
    options = RunOptions(checked_threads(threads), progress, pairing)
    shown = source_of(distorted, "distorted")
    original = None if reference is None else source_of(reference, "reference")
    return scored(shown, original, requests, registry, options)


def scored(
    distorted: Path | VideoSource,
    reference: Path | VideoSource | None,
    requests: list[Request],
    registry: Registry,
    options: RunOptions,
) -> Result:
    """Score a video whose arguments were checked; see `score`."""
    if reference is None:
        check_reference(requests)
    outcome = run(distorted, requests, registry, options, reference=reference)
    if reference is not None and outcome.reference is None:
        outcome.warnings.append("the reference was not read: none of the metrics compares with one")
    return finished(outcome, registry, "vqa_harness.score")


def check_reference(requests: list[Request]) -> None:
    """Refuse metrics that need a reference where there is none.

    Raises:
        UsageError: one of them needs a reference.
    """
    for request in requests:
        if request.spec.reference:
            raise UsageError(
                f"metric {request.spec.name!r} compares with a reference; give one (reference=...)"
            )


def finished(outcome: RunResult, registry: Registry, command: str) -> Result:
    """Make a `Result` of what a run gave, and call the plugins that have ``vqa_run_finished``.

    Args:
        outcome: what the run gave.
        registry: knows the plugins.
        command: what the log records as the command.

    Raises:
        MetricError: every metric failed.
    """
    log = build_log(outcome, command=command)
    document = to_json(log)
    for _ in registry.call("vqa_run_finished", log=document):
        pass
    failed = [f"metric {m.spec.name!r} failed: {m.error}" for m in outcome.metrics if m.error]
    if len(failed) == len(outcome.metrics):
        raise MetricError(f"{outcome.distorted.name}: {'; '.join(failed)}")
    return Result(log)
