"""One metric at work: its object, its clock, what it gave so far and its first error."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from vqa_harness.errors import MetricError, VqaError, one_line
from vqa_harness.frames import Frame
from vqa_harness.pipeline.judged import (
    aggregate_of,
    defined,
    facts_of,
    lines_of,
    scores_of,
    shortfall,
)
from vqa_harness.pipeline.sight import Sight, beyond_sdr, too_small
from vqa_harness.protocols import RunInfo, StreamScores, ask
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.result import MetricResult
from vqa_harness.spec import Scores


class Job:
    """One metric object in a run, with its result, its clock and its first error."""

    def __init__(self, request: Request, metric: Any, provider: str) -> None:
        self.request = request
        self.metric = metric
        self._declared = {feature.name: feature for feature in request.declared}
        self.result = MetricResult(request.spec, request.params, provider=provider)
        self.short: MemoryError | None = None
        """Set where the metric found no memory."""
        self._lock = threading.Lock()
        """For the error and the seconds, which several frames may change at once."""
        self.sight = Sight()
        """Counts what is to be seen in the frames."""

    @property
    def alive(self) -> bool:
        """Whether the metric has not failed yet."""
        return self.result.error is None

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Count the time spent, and turn an exception into the metric's error.

        The lock is never held while the metric works.
        """
        begin = time.perf_counter()
        try:
            yield
        except (Exception, SystemExit) as error:
            if isinstance(error, MemoryError):
                self.short = error
            kind = "" if isinstance(error, VqaError) else f"{type(error).__name__}: "
            self.fail((kind + one_line(error)).removesuffix(": "))
        finally:
            with self._lock:
                self.result.seconds += time.perf_counter() - begin

    def open(self, run: RunInfo) -> None:
        """Tell the metric about the streams, unless it cannot judge such pictures."""
        self.judge(run)
        if self.alive:
            with self.guarded():
                self.metric.open(run)

    def judge(self, run: RunInfo) -> None:
        """Say whether the metric can judge such pictures, and whether it was made for them."""
        if fault := too_small(self.request.spec, run.distorted):
            self.fail(fault)
        if warning := beyond_sdr(self.request.spec, run.distorted):
            self.result.warnings.append(warning)

    def sees(self, frame: Frame) -> bool:
        """Whether the frame has what the metric needs; False if it is blank."""
        return not self.request.spec.needs_detail or self.sight.look(frame)

    def nothing(self) -> dict[str, float | None]:
        """The scores of a frame or window in which there is nothing to see."""
        return dict.fromkeys(self._declared)

    def fail(self, text: str) -> None:
        """Record why the metric gives nothing, unless something else came first."""
        with self._lock:
            if self.result.error is None:
                self.result.error = text

    def read(self, answer: Any) -> dict[str, float | None]:
        """The scores that the metric gave for one frame or window.

        Raises:
            MetricError: they are no mapping of the features that it declares to numbers.
        """
        free = self.request.spec.kind in ("stream", "file")  # libvmaf gives more than it names
        return scores_of(answer, self._declared, only_declared=not free)

    def tell(self) -> None:
        """Collect what the metric says of itself; call after ``close``."""
        self.result.warnings += self.sight.lines()
        with self.guarded():
            self.result.info = facts_of(ask(self.metric, "info"))
            self.result.warnings += lines_of("warnings", ask(self.metric, "warnings"))
            self.result.notes += lines_of("notes", ask(self.metric, "notes"))

    def store(self, rows: Sequence[Scores]) -> None:
        """Turn one mapping per frame into columns, with the names the log will have.

        Raises:
            MetricError: there is no score among them.
        """
        names = dict.fromkeys(name for row in rows for name in row)
        some = False
        for name in names:
            given = [row.get(name) for row in rows]
            feature = self._declared.get(name)
            logged = name + self.request.suffix if feature else name
            column = defined(given, feature)
            if feature and feature.diagnostic:
                self.result.diagnostics[logged] = column
                continue
            some = some or any(x is not None for x in column)
            self.result.columns[logged] = column
            self.result.warnings += shortfall(logged, given, column, feature)
        if not some:
            gave = "no score" if names else "nothing"
            raise MetricError(f"gave {gave}: it is undefined on all {len(rows)} frames")

    def take(self, scores: Any, frames: int) -> None:
        """Put the scores of a stream, file or fusion metric into the result.

        Raises:
            MetricError: there are more or fewer scores than frames, or one is no number.
        """
        if not isinstance(scores, StreamScores):
            raise MetricError(f"gave {type(scores).__name__}; it must give StreamScores")
        if len(scores.frames) != frames:
            raise MetricError(f"gave {len(scores.frames)} scores for {frames} frames")
        self.result.aggregate = aggregate_of(scores.aggregate)
        self.store([self.read(row) for row in scores.frames])


def make_jobs(requests: Sequence[Request], registry: Registry) -> list[Job]:
    """Make the metrics of a run.

    One whose class is broken has failed, and the others go on.

    Raises:
        MissingBackend: a metric's packages or model are missing.
        UsageError: a metric cannot take a parameter's value.
        MetricError: every metric is broken; the first is named.
    """
    jobs: list[Job] = []
    broken: list[MetricError] = []
    for request in requests:
        provider = str(registry.provider(request.spec.name))
        try:
            job = Job(request, registry.create(request), provider)
        except MetricError as error:
            job = Job(request, None, provider)
            job.fail(one_line(error))
            broken.append(error)
        jobs.append(job)
    if broken and len(broken) == len(jobs):
        raise broken[0]
    return jobs
