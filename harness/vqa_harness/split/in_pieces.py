"""A video in pieces: which ones, and what they gave laid out as a run in one piece does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vqa_harness.errors import InputError, VqaError
from vqa_harness.media.source import VideoSource, hash_source
from vqa_harness.pipeline.demands import check_requests, refuse_hdr
from vqa_harness.pipeline.drivers import FusionDriver
from vqa_harness.pipeline.job import Job
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.processes import in_order, threads_each
from vqa_harness.protocols import RunInfo
from vqa_harness.qc.check import check
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.result import MetricResult, RunResult
from vqa_harness.split.join import NotJoinable, joined
from vqa_harness.split.piece import Measured, Piece, PieceResult, score_piece
from vqa_harness.split.plan import SplitPlan
from vqa_harness.system import processors

Score = Callable[[Piece, Registry, RunOptions], PieceResult]
Elsewhere = Callable[[Score, Iterable[Piece], RunOptions], Iterator[PieceResult]]
"""Has pieces measured somewhere, and gives what they gave in the order of the pieces."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """How a video is split.

    Attributes:
        pieces: how many pieces, at least 2; fewer where there are fewer frames.
        elsewhere: measures them; None for as many processes of this machine as it has processors.
        told: is told, a line each, what could not be split and why.
    """

    pieces: int
    elsewhere: Elsewhere | None = None
    told: Callable[[str], None] = lambda _: None


class Undivided(Exception):
    """A video has to be measured in one piece; the text says why."""


def completed(
    requests: Sequence[Request],
    registry: Registry,
    options: RunOptions,
    reference: Path | VideoSource | None,
) -> tuple[Sequence[Request], Path | VideoSource | None]:
    """The metrics with those that they need, and the reference if one of them looks at it."""
    if requests or not options.qc:
        check_requests(requests, with_reference=reference is not None)
    requests = registry.with_needed(requests)
    compares = any(request.spec.reference for request in requests)
    return requests, reference if compares else None


def splits(request: Request) -> bool:
    """Whether the metric can be measured in pieces, with these parameters."""
    if request.spec.context is None or request.spec.kind in ("file", "fusion"):
        return False
    return all(request.params[p.name] == p.default for p in request.spec.params if p.whole)


class InPieces:
    """A video that is measured in pieces: says which, and joins what they give.

    Args:
        plan: its pairs.
        distorted: the video.
        requests: as ``run`` takes them.
        registry: makes metrics.
        options: as ``run`` takes them.
        splitting: how it is split.
        reference: as ``run`` takes it.

    Raises:
        Undivided: it has to be measured in one piece.
        InputError: it has no frame, or a warning is an error.
    """

    def __init__(
        self,
        plan: SplitPlan,
        distorted: Path | VideoSource,
        requests: Sequence[Request],
        registry: Registry,
        options: RunOptions,
        splitting: Splitting,
        *,
        reference: Path | VideoSource | None = None,
    ) -> None:
        requests, reference = completed(requests, registry, options, reference)
        self._plan, self._requests, self._registry = plan, requests, registry
        self._options, self._splitting = options, splitting
        self._distorted, self._reference = distorted, reference
        self._whole = partial(run, distorted, reference=reference)
        if not plan.pairs:
            raise InputError(f"{plan.recipe.distorted.name}: no frame to score")
        self._run = RunInfo(
            plan.recipe.distorted,
            plan.recipe.reference,
            tuple(request.spec.name for request in requests),
            options.workers,
        )
        self._split = [request for request in requests if self._in_pieces(request)]
        if not self._split:
            raise Undivided("its metrics cannot be split")
        if options.align is not None and options.align.strict:
            refuse_hdr(requests, plan.recipe.distorted)

    def joined(self, results: Sequence[PieceResult], begin: float, cpu: float) -> RunResult:
        """Join what the pieces gave, and lay everything out as a run in one piece does.

        Args:
            results: of all pieces, in order.
            begin: when all of it began, by `time.perf_counter`.
            cpu: `time.process_time` then.

        Raises:
            Undivided: it has to be measured in one piece.
        """
        plan, pieces = self._plan, self.pieces()
        if not all(result.promised for result in results):
            raise Undivided("its frames are not those that its packets promise")
        reading, warnings = self._reading(results)
        metrics = self._metrics(pieces, results)
        qc: dict[str, Any] = {}
        if self._options.qc:
            qc = check(self._distorted, threads=self._options.threads).to_json()
        sources = {"distorted": self._distorted, "reference": self._reference}
        end = time.perf_counter()
        return RunResult(
            distorted=plan.recipe.distorted,
            reference=plan.recipe.reference,
            frame_times=plan.times,
            metrics=metrics,
            reading=reading,
            alignment=plan.alignment,
            warnings=[*warnings, *(t for t in qc.get("warnings", ()) if t not in warnings)],
            qc=qc,
            seconds={"total": end - begin, "load": 0.0, "decode": 0.0},
            cpu_seconds=time.process_time() - cpu + sum(result.cpu_seconds for result in results),
            sha256={
                role: digest
                for role, source in sources.items()
                if source is not None and (digest := hash_source(source)) is not None
            },
        )

    def _in_pieces(self, request: Request) -> bool:
        if not splits(request):
            return False
        # windows are planned for the frames that the video promises
        promised = self._plan.recipe.distorted.expected_frames
        return request.spec.kind != "clip" or promised == len(self._plan.pairs)

    def pieces(self) -> list[Piece]:
        """The pieces, in order; at most as many as there are pairs."""
        plan, of = self._plan, min(self._splitting.pieces, len(self._plan.pairs))
        cheap = None
        if self._choosy and plan.table is not None:
            cheap = plan.table.referenced()
        return [
            Piece(
                number,
                of,
                plan.recipe,
                plan.pairs,
                self._split,
                self._run.metrics,
                self._run.threads,
                cheap,
            )
            for number in range(of)
        ]

    @property
    def _choosy(self) -> bool:
        """Whether a run in one piece would leave frames out that no window samples."""
        looking = [request for request in self._requests if request.spec.kind != "fusion"]
        clips = all(request.spec.kind == "clip" for request in looking)
        return clips and not self._options.everything and self._plan.table is not None

    def measured(self) -> list[PieceResult]:
        """What the pieces give, measured where the splitting says.

        Raises:
            Undivided: one tells that the video has to be measured in one piece.
        """
        pieces = self.pieces()
        jobs = min(len(pieces), processors())
        options = RunOptions(threads_each(self._options.threads, jobs))
        elsewhere = self._splitting.elsewhere or partial(_in_processes, jobs=jobs)
        results: list[PieceResult] = []
        for piece, result in zip(pieces, elsewhere(score_piece, pieces, options), strict=True):
            if not result.promised:
                raise Undivided("its frames are not those that its packets promise")
            results.append(result)
            if self._options.progress is not None:
                self._options.progress(piece.stretch[1], len(self._plan.pairs))
        return results

    def _reading(self, results: Sequence[PieceResult]) -> tuple[dict[str, Any], list[str]]:
        """What decoding lost, and the warnings; where only pieces read, one tells for all.

        Every piece reads all packets, and none of what it decodes is damaged.
        """
        plan = self._plan
        if plan.reading is not None:
            return plan.reading, plan.warnings
        report = next(result.report for result in results if result.report is not None)
        if report.size_changes:
            raise Undivided("the size of its frames changes")
        decoded = None
        if self._choosy and plan.table is not None:
            sampled = {
                i
                for result in results
                for measured in result.metrics
                for window in measured.windows
                for i in window.indices
            }
            decoded = plan.table.frames_in(bytes(plan.table.plan(sampled)))
        report.leave_out(decoded)
        return {"distorted": report.to_json()}, report.warnings()

    def _metrics(
        self, pieces: Sequence[Piece], results: Sequence[PieceResult]
    ) -> list[MetricResult]:
        jobs: dict[str, Job] = {}
        again = [r for r in self._requests if r not in self._split and r.spec.kind != "fusion"]
        for place, request in enumerate(self._split):
            measured: list[tuple[Piece, Measured]] = [
                (piece, result.metrics[place])
                for piece, result in zip(pieces, results, strict=True)
            ]
            try:
                jobs[request.label] = joined(request, self._registry, self._run, measured)
            except NotJoinable:
                again.append(request)
        if again:
            names = ", ".join(request.label for request in again)
            self._splitting.told(f"{names}: scored in one piece, as it cannot be split")
            whole = self._whole(again, self._registry, self._options)
            for metric, request in zip(whole.metrics, again, strict=True):
                jobs[request.label] = _done(request, metric)
        for request in self._requests:
            if request.spec.kind == "fusion":
                jobs[request.label] = self._fuse(request, jobs)
        return [jobs[request.label].result for request in self._requests]

    def _fuse(self, request: Request, jobs: dict[str, Job]) -> Job:
        needed = [jobs[one.label] for one in self._registry.needed(request)]
        provider = str(self._registry.provider(request.spec.name))
        job = Job(request, self._registry.create(request), provider)
        FusionDriver(job, needed).finish(len(self._plan.pairs))
        return job


def _done(request: Request, result: MetricResult) -> Job:
    job = Job(request, None, result.provider)
    job.result = result
    return job


def _in_processes(
    score: Score, pieces: Iterable[Piece], options: RunOptions, *, jobs: int
) -> Iterator[PieceResult]:
    return in_order(score, pieces, options, jobs, _lost)


def _lost(piece: Piece, error: VqaError) -> PieceResult:
    raise type(error)(f"piece {piece.number + 1} of {piece.of}: {error}")
