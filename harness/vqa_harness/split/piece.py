"""A piece of a video: which frames, which metrics, and what these gave for it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from vqa_harness import memory
from vqa_harness.frames import Frame
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.skipping import NotAsPromised
from vqa_harness.pipeline.clip_driver import ClipDriver
from vqa_harness.pipeline.drivers import Driver, FrameDriver, StreamDriver
from vqa_harness.pipeline.feeding import feed
from vqa_harness.pipeline.job import Job
from vqa_harness.pipeline.runner import RunOptions
from vqa_harness.pipeline.windows import Window, nearby
from vqa_harness.protocols import RunInfo, ask
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.result import MetricResult, WindowScore
from vqa_harness.spec import Scores
from vqa_harness.split.picked import PickedPairs, Recipe, Side


@dataclass(frozen=True, slots=True)
class Piece:
    """One of the pieces of a video.

    Attributes:
        number: its place among them, from 0.
        of: how many there are.
        recipe: how the pairs of the whole video are made.
        pairs: the numbers of all pairs of the video, see `PickedPairs`.
        requests: what is measured.
        metrics: names of all metrics of the whole run.
        threads: what the whole run tells its metrics of threads.
        cheap: numbers of the frames that others are predicted from, for clip metrics that may take
            the nearest of them; None where every frame is looked at.
    """

    number: int
    of: int
    recipe: Recipe
    pairs: Sequence[tuple[int, ...]]
    requests: Sequence[Request]
    metrics: tuple[str, ...]
    threads: int
    cheap: Sequence[int] | None = None

    @property
    def stretch(self) -> tuple[int, int]:
        """The first pair that the piece gives scores for, and one past the last."""
        total = len(self.pairs)
        return self.number * total // self.of, (self.number + 1) * total // self.of

    def around(self, context: tuple[int, int]) -> tuple[int, int]:
        """The stretch with the pairs before and after that a metric looks at."""
        start, stop = self.stretch
        return max(0, start - context[0]), min(len(self.pairs), stop + context[1])


@dataclass(slots=True)
class Measured:
    """What one metric gave for a piece.

    Attributes:
        rows: its scores of each pair of the stretch; of a clip metric none.
        windows: those of a clip metric.
        aggregate: what it said of the whole piece.
        gathered: see `Metric.gather`.
        info: facts, warnings and notes of the metric.
        counts: what was to be seen in the frames, see `Sight`.
        seconds: busy time, summed over threads.
        error: why there is nothing; None if it worked.
    """

    rows: list[Scores] = field(default_factory=list)
    windows: list[WindowScore] = field(default_factory=list)
    aggregate: dict[str, float] = field(default_factory=dict)
    gathered: Any = None
    info: tuple[Any, Any, Any] = ({}, (), ())
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    error: str | None = None


@dataclass(slots=True)
class PieceResult:
    """What a piece gave.

    Attributes:
        promised: whether the frames were those that the packets promise.
        metrics: of each request, in order.
        report: of reading the distorted video; None where nothing was read, or not as promised.
        cpu_seconds: processor time.
    """

    promised: bool
    metrics: list[Measured] = field(default_factory=list)
    report: ReadReport | None = None
    cpu_seconds: float = 0.0


def score_piece(piece: Piece, registry: Registry, options: RunOptions) -> PieceResult:
    """Measure a piece; a function that can be sent to another process or machine.

    Raises:
        InputError: a video cannot be read.
        MissingBackend: a metric's packages or model are missing.
    """
    try:
        try:
            return _PieceRun(piece, registry, options).measure()
        except NotAsPromised:
            if piece.recipe.formats is None:
                return PieceResult(promised=False)
            sides = tuple(Side(side.source, side.deinterlace) for side in piece.recipe.sides)
            recipe = replace(piece.recipe, sides=sides)
            return _PieceRun(replace(piece, recipe=recipe), registry, options).measure()
    except MemoryError as error:
        raise memory.short(error) from None


class _PieceJob(Job):
    """A job whose scores are kept as they are: what they amount to is told of all pieces."""

    def __init__(self, request: Request, registry: Registry, piece: Piece) -> None:
        super().__init__(request, registry.create(request), "")
        self._piece = piece
        self.measured = Measured()

    def judge(self, run: RunInfo) -> None:
        """Nothing: it is judged once, for the whole video."""

    def store(self, rows: Sequence[Scores]) -> None:
        """Keep the scores of the piece's own pairs."""
        own = self._own()
        self.measured.rows = list(rows[own.start : own.stop])

    def tell(self) -> None:
        """Ask for all that has to be joined."""
        measured, result = self.measured, self.result
        measured.windows = result.windows
        measured.aggregate = dict(result.aggregate)
        measured.counts = self.sight.counts
        with self.guarded():
            gather = getattr(self.metric, "gather", None)
            measured.gathered = None if gather is None else gather(self._own())
            told = (ask(self.metric, what) for what in ("info", "warnings", "notes"))
            one, two, three = told
            measured.info = (one, two, three)

    def _own(self) -> range:
        """Which of the pairs that the metric was fed are those of the stretch."""
        piece, spec = self._piece, self.request.spec
        start, stop = piece.stretch
        if spec.kind != "stream":
            return range(stop - start)
        first = piece.around(spec.context or (0, 0))[0]
        return range(start - first, stop - first)

    def given(self) -> Measured:
        """What the metric gave, or its error."""
        self.measured.seconds = self.result.seconds
        self.measured.error = self.result.error
        return self.measured


class _Stretch:
    """Feeds a driver a stretch of the pairs, which it counts from 0."""

    def __init__(self, driver: Driver, stretch: tuple[int, int]) -> None:
        self._driver = driver
        self.wanted = range(*stretch)

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> Sequence[Future[None]]:
        """See `Driver.feed`; pairs outside are ignored."""
        if number not in self.wanted:
            return ()
        return self._driver.feed(number - self.wanted.start, frame, ref)

    def finish(self, frames: int) -> list[MetricResult]:
        """See `Driver.finish`."""
        return self._driver.finish(len(self.wanted))

    def abort(self) -> None:
        """See `Driver.abort`."""
        self._driver.abort()


class _Windows(ClipDriver):
    """Scores some of the windows of a video: whole batches, as they are formed in a whole run."""

    def __init__(self, job: Job, run: RunInfo, pool: ThreadPoolExecutor, piece: Piece) -> None:
        self._piece = piece
        super().__init__(job, run, pool)
        self._settled = True  # the number of frames is known

    @property
    def wanted(self) -> set[int]:
        """Numbers of the pairs that the windows sample."""
        return {i for window in self._pending for i in window.indices}

    def thin(self, cheap: Sequence[int]) -> None:
        """Take the nearest of these frames where the metric is content with that."""
        if self._sampling.nearby:
            self._pending = [nearby(window, cheap) for window in self._pending]

    def _first_plan(self, expected: int | None) -> list[Window]:
        piece = self._piece
        windows = super()._first_plan(len(piece.pairs))
        batches = -(-len(windows) // self._batch)
        first, last = (
            self._batch * ((piece.number + more) * batches // piece.of) for more in (0, 1)
        )
        return windows[first:last]

    def _extend(self, number: int) -> None:
        """Nothing: there are no more frames than were planned for."""

    def finish(self, frames: int) -> list[MetricResult]:
        """Score what is left and close the metric; the scores are spread when they are joined."""
        self._score_ready()
        self._thread.shutdown()
        if self.job.alive:
            with self.job.guarded():
                self.job.result.aggregate = dict(ask(self.job.metric, "close") or {})
            self.job.tell()
        return [self.job.result]


class _PieceRun:
    """One pass over a piece."""

    def __init__(self, piece: Piece, registry: Registry, options: RunOptions) -> None:
        self._piece, self._options = piece, options
        self._jobs = [_PieceJob(request, registry, piece) for request in piece.requests]

    def measure(self) -> PieceResult:
        """Decode what the piece needs, and have it measured."""
        begin = time.process_time()
        drivers: list[_Stretch | _Windows] = []
        ended = False
        with ThreadPoolExecutor(self._options.workers, thread_name_prefix="metric") as pool:
            try:
                drivers += self._make_drivers(pool)
                report = self._feed(drivers)
                for driver in drivers:
                    driver.finish(0)
                ended = True
            finally:
                for driver in () if ended else drivers:
                    driver.abort()
        measured = [job.given() for job in self._jobs]
        return PieceResult(True, measured, report, time.process_time() - begin)

    def _make_drivers(self, pool: ThreadPoolExecutor) -> Iterator[_Stretch | _Windows]:
        piece = self._piece
        recipe = piece.recipe
        info = RunInfo(recipe.distorted, recipe.reference, piece.metrics, piece.threads)
        whole: list[Job] = []
        for job in self._jobs:
            kind, context = job.request.spec.kind, job.request.spec.context or (0, 0)
            if kind == "clip":
                yield _Windows(job, info, pool, piece)
            elif kind == "stream":
                yield _Stretch(StreamDriver(job, info), piece.around(context))
            else:
                whole.append(job)
        if whole:  # frame metrics look at nothing but the frame
            yield _Stretch(FrameDriver(whole, info, pool), piece.stretch)

    def _feed(self, drivers: Sequence[_Stretch | _Windows]) -> ReadReport | None:
        piece = self._piece
        for driver in drivers if piece.cheap is not None else ():
            if isinstance(driver, _Windows):
                driver.thin(piece.cheap or ())
        wanted = sorted(set().union(*(driver.wanted for driver in drivers)))
        if not wanted:
            return None
        numbers = [piece.pairs[i] for i in wanted]
        pairs = PickedPairs(piece.recipe, numbers)
        try:
            workers = self._options.workers
            feed(pairs, drivers, self._jobs, workers, number_of=lambda count, _: wanted[count])
            return pairs.report
        finally:
            pairs.close()
