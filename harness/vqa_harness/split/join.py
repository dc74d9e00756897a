"""What the pieces of a video gave, joined so that nothing tells that there were pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vqa_harness.errors import MetricError
from vqa_harness.pipeline.clip_driver import spread_scores
from vqa_harness.pipeline.job import Job
from vqa_harness.pipeline.judged import aggregate_of
from vqa_harness.protocols import RunInfo, ask
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.split.piece import Measured, Piece


class NotJoinable(Exception):
    """A metric says of its pieces what cannot be said of the whole."""


def joined(
    request: Request,
    registry: Registry,
    run: RunInfo,
    pieces: Sequence[tuple[Piece, Measured]],
) -> Job:
    """Make the job of a metric as it would be after a run in one piece.

    Args:
        request: the metric.
        registry: makes it where it has to be asked about the whole.
        run: what a metric learns of the run.
        pieces: every piece and what the metric gave for it, in order.

    Raises:
        NotJoinable: the metric has to measure the video in one piece.
    """
    parts = [measured for _, measured in pieces]
    job = Job(request, None, str(registry.provider(request.spec.name)))
    job.result.seconds = sum(part.seconds for part in parts)
    failed = next((part.error for part in parts if part.error is not None), None)
    if failed is not None:
        job.judge(run)
        job.fail(failed)
        return job
    for part in parts:
        job.sight.counts += part.counts
    gathered = [part.gathered for part in parts]
    if all(one is None for one in gathered):
        job.metric = _Told(parts)
        job.judge(run)
    else:
        with job.guarded():
            job.metric = registry.create(request)
        job.open(run)
        if job.alive:
            with job.guarded():
                job.metric.join(gathered)
    if job.alive:
        with job.guarded():
            _store(job, request, pieces)
        job.tell()
    return job


def _store(job: Job, request: Request, pieces: Sequence[tuple[Piece, Measured]]) -> None:
    """Put scores and the numbers about the whole into the job's result."""
    kind = request.spec.kind
    if kind != "stream":
        job.result.aggregate = aggregate_of(ask(job.metric, "close"))
    elif any(part.aggregate for _, part in pieces):
        raise NotJoinable
    if kind == "clip":
        for _, part in pieces:
            job.result.windows += part.windows
        spread_scores(job, len(pieces[0][0].pairs))
        return
    rows: list[Mapping[str, Any]] = []
    for piece, part in pieces:
        start, stop = piece.stretch
        if len(part.rows) != stop - start:
            raise MetricError(f"gave {len(part.rows)} scores for {stop - start} frames of a piece")
        rows += part.rows
    job.store(rows)


class _Told:
    """A metric that counts nothing: what it says of each piece it says of the whole."""

    def __init__(self, parts: Sequence[Measured]) -> None:
        self._info = parts[0].info[0]
        if any(part.info[0] != self._info or part.aggregate for part in parts):
            raise NotJoinable
        self._warnings = dict.fromkeys(line for part in parts for line in part.info[1])
        self._notes = dict.fromkeys(line for part in parts for line in part.info[2])

    def info(self) -> Any:
        return self._info

    def warnings(self) -> list[str]:
        return list(self._warnings)

    def notes(self) -> list[str]:
        return list(self._notes)
