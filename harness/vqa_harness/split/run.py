"""A run in pieces: planned here, measured by several processes, joined."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from vqa_harness.errors import UsageError
from vqa_harness.media.source import VideoSource
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.result import RunResult
from vqa_harness.split.in_pieces import InPieces, Splitting, Undivided, completed, splits
from vqa_harness.split.plan import SplitPlan, plan_pairs, plan_single


def run_in_pieces(
    distorted: Path | VideoSource,
    requests: Sequence[Request],
    registry: Registry,
    options: RunOptions,
    splitting: Splitting,
    *,
    reference: Path | VideoSource | None = None,
) -> RunResult:
    """Score one video as `vqa_harness.pipeline.runner.run` does, in pieces at the same time.

    The frames are paired once, for the whole video; each piece then decodes and measures its own
    pairs, with the few around them that its metrics look at. What cannot be measured in pieces is
    measured in one, and told. Scores, warnings and facts are those of a run in one piece; only
    times differ.

    Raises:
        VqaError: as ``run``.
    """
    begin, cpu = time.perf_counter(), time.process_time()
    try:
        plan = plan_pieces(distorted, requests, registry, options, reference=reference)
        video = InPieces(
            plan, distorted, requests, registry, options, splitting, reference=reference
        )
        return video.joined(video.measured(), begin, cpu)
    except Undivided as why:
        splitting.told(f"scored in one piece: {why}")
        return run(distorted, requests, registry, options, reference=reference)


def plan_pieces(
    distorted: Path | VideoSource,
    requests: Sequence[Request],
    registry: Registry,
    options: RunOptions,
    *,
    reference: Path | VideoSource | None = None,
) -> SplitPlan:
    """Find the pairs of a video that is to be measured in pieces; the first step of three.

    `InPieces.pieces` and `InPieces.joined` are the others, for those who do each elsewhere.

    Raises:
        Undivided: it has to be measured in one.
        VqaError: as ``run``.
    """
    requests, reference = completed(requests, registry, options, reference)
    for source in (distorted, reference):
        if source is not None and not isinstance(source, Path) and not _sendable(source):
            raise Undivided("a video in memory cannot be handed to other processes")
    if reference is None and options.align is not None and options.align.grain == "off":
        raise Undivided("the frames that lack film grain are counted over the whole video")
    if not any(splits(request) for request in requests):
        names = ", ".join(request.label for request in requests) or "looking for events alone"
        raise Undivided(f"{names}: cannot be split")
    if reference is None:
        if options.align is not None and options.align.reference_colour:
            raise UsageError(
                "--reference-colour: there is no reference whose colour could be stated"
            )
        return plan_single(distorted, options.align)
    return plan_pairs(distorted, reference, options.align, options.progress)


def _sendable(source: VideoSource) -> bool:
    """Whether a source is a file in disguise, which another process can open as well."""
    return isinstance(getattr(source, "path", None), Path)
