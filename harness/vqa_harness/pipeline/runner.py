"""One decoding pass, many metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vqa_harness import memory
from vqa_harness.console import Progress
from vqa_harness.errors import InputError, UsageError
from vqa_harness.media.skipping import NotAsPromised
from vqa_harness.media.source import VideoSource, hash_source
from vqa_harness.media.without_grain import grained
from vqa_harness.pipeline.clip_driver import ClipDriver
from vqa_harness.pipeline.demands import check_requests, refuse_file_metrics, refuse_hdr
from vqa_harness.pipeline.drivers import (
    Driver,
    FileDriver,
    FrameDriver,
    FusionDriver,
    StreamDriver,
)
from vqa_harness.pipeline.feeding import feed
from vqa_harness.pipeline.job import make_jobs
from vqa_harness.pipeline.open_ended import OpenEndedDriver
from vqa_harness.pipeline.qc_driver import QcDriver
from vqa_harness.pipeline.sources import Pairs, SingleStream, Skippable
from vqa_harness.protocols import RunInfo
from vqa_harness.qc.check import check
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.result import RunResult
from vqa_harness.system import processors

if TYPE_CHECKING:
    from vqa_harness.alignment.options import AlignOptions


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is done, whatever the metrics.

    Attributes:
        threads: threads for metrics; 0 for one per processor this process may use.
        progress: called after every frame, with the frames done and the frames expected.
        align: how frames of a reference are paired and made comparable; None for the defaults.
        everything: whether every frame is decoded, also where no metric looks at it, so that the
            report of reading tells all damage.
        qc: whether events of the distorted video are looked for as well; see `vqa_harness.qc`.
        beside: how many other runs this process does at the same time; of the processor time that
            passes, an equal part is taken for this run's.
    """

    threads: int = 0
    progress: Progress | None = None
    align: AlignOptions | None = None
    everything: bool = False
    qc: bool = False
    beside: int = 0

    @property
    def workers(self) -> int:
        """The number of metric threads."""
        return self.threads or processors()


def run(
    distorted: Path | VideoSource,
    requests: Sequence[Request],
    registry: Registry,
    options: RunOptions | None = None,
    *,
    reference: Path | VideoSource | None = None,
) -> RunResult:
    """Score one video with every metric asked for, decoding it once.

    A reference is read only if a metric compares with it. Where every metric looks at some frames
    only, frames that these do not depend on are not decoded.

    Raises:
        UsageError: no metric is named, one is named twice, one needs a reference that is not there,
            or one reads a file by itself where there is none.
        InputError: a video cannot be opened or has no frames.
        AlignError: reference and distorted cannot be paired as the options ask.
        MissingBackend: a metric's packages or model are missing.
    """
    options = options or RunOptions()
    if requests or not options.qc:
        check_requests(requests, with_reference=reference is not None)
    requests = registry.with_needed(requests)
    if reference is None and options.align is not None and options.align.reference_colour:
        raise UsageError("--reference-colour: there is no reference whose colour could be stated")
    if not any(request.spec.reference for request in requests):
        reference = None
    sources = {"distorted": distorted, "reference": reference}
    if not all(source is None or isinstance(source, Path) for source in sources.values()):
        refuse_file_metrics(requests)
    if options.align is not None and options.align.grain == "off":
        refuse_file_metrics(requests, "leave --grain off out")
    open_pairs = partial(_open_pairs, distorted, reference, options.align)

    def score(chosen: RunOptions) -> RunResult:
        with Run(open_pairs, requests, registry, chosen, sources) as current:
            return current.to_end()

    try:
        try:
            return score(options)
        except NotAsPromised:
            return score(replace(options, everything=True))
    except MemoryError as error:
        raise memory.short(error) from None


class Run:
    """The state of one pass: streams, drivers, frames under way.

    Args:
        open_pairs: opens the source of frames; called once, when the metrics are made, so that a
            missing model is told before anything is decoded.
        requests: the metrics, in order.
        registry: makes them.
        options: see `RunOptions`.
        sources: the videos by role; they are hashed, and handed to metrics of kind ``file``.

    Raises:
        InputError, AlignError: as ``open_pairs``.
        MissingBackend: a metric's packages or model are missing.
    """

    def __init__(
        self,
        open_pairs: Callable[[], Pairs],
        requests: Sequence[Request],
        registry: Registry,
        options: RunOptions,
        sources: Mapping[str, Path | VideoSource | None],
    ) -> None:
        self._sources = sources
        self._options = options
        self._registry = registry
        self._begin = time.perf_counter()
        self._cpu = time.process_time()
        self._jobs = make_jobs(requests, registry)
        self._made = time.perf_counter()
        self._pairs = open_pairs()
        self._pool = ThreadPoolExecutor(options.workers, thread_name_prefix="metric")
        self._drivers: list[Driver] = []
        self._qc: QcDriver | None = None
        self._ended = False

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._ended:
            for driver in self._drivers:
                driver.abort()
        self._pool.shutdown(cancel_futures=True)
        self._pairs.close()

    def to_end(self) -> RunResult:
        """Decode everything, score everything, and put the results in order."""
        if self._options.align is not None and self._options.align.strict:
            refuse_hdr((job.request for job in self._jobs), self._pairs.distorted)
        self._drivers = self._make_drivers()
        hashes = self._pool.submit(self._hash)
        times, waited = self._feed()
        if not times:
            raise InputError(f"{self._pairs.distorted.name}: no frame to score")
        results = [r for driver in self._drivers for r in driver.finish(len(times))]
        self._ended = True
        order = {id(job.result): number for number, job in enumerate(self._jobs)}
        qc = self._events()
        told = self._pairs.warnings()
        end = time.perf_counter()
        return RunResult(
            distorted=self._pairs.distorted,
            reference=self._pairs.reference,
            frame_times=times,
            metrics=sorted(results, key=lambda r: order[id(r)]),
            reading=self._pairs.reading(),
            alignment=self._pairs.alignment(),
            warnings=[*told, *(text for text in qc.get("warnings", ()) if text not in told)],
            seconds={
                "total": end - self._begin,
                "load": self._made - self._begin,
                "decode": waited,
            },
            cpu_seconds=(time.process_time() - self._cpu) / (1 + self._options.beside),
            sha256=hashes.result(),
            qc=qc,
        )

    def _events(self) -> dict[str, Any]:
        """The events of the distorted video, if they are looked for.

        Of a pair some frames may have been left out, or made comparable; there the video is read
        once more, as it is.
        """
        source = self._sources.get("distorted")  # frames that are made on the fly have none
        if not self._options.qc or source is None:
            return {}
        if self._qc is not None:
            return self._qc.report(source).to_json()
        return check(source, threads=self._options.threads).to_json()

    def _make_drivers(self) -> list[Driver]:
        info = RunInfo(
            self._pairs.distorted,
            self._pairs.reference,
            tuple(job.request.spec.name for job in self._jobs),
            self._options.workers,
        )
        per_frame = [job for job in self._jobs if job.request.spec.kind == "frame"]
        drivers: list[Driver] = [FrameDriver(per_frame, info, self._pool)] if per_frame else []
        for job in self._jobs:
            kind = job.request.spec.kind
            if kind == "clip":
                known = info.distorted.expected_frames is not None
                driver = ClipDriver if known else OpenEndedDriver
                drivers.append(driver(job, info, self._pool))
            elif kind == "stream":
                drivers.append(StreamDriver(job, info))
            elif kind == "file":
                video, reference = self._sources["distorted"], self._sources["reference"]
                drivers.append(FileDriver(job, video, reference))
        if self._options.qc and self._pairs.reference is None:
            self._qc = QcDriver(self._pairs.distorted)
            drivers.append(self._qc)
        others = {job.request.label: job for job in self._jobs}
        for job in self._jobs:  # last, as they take what the others gave
            if job.request.spec.kind == "fusion":
                needed = [others[one.label] for one in self._registry.needed(job.request)]
                drivers.append(FusionDriver(job, needed))
        return drivers

    def _feed(self) -> tuple[list[Fraction | None], float]:
        """Hand every frame to every driver.

        Returns:
            The time of each frame, those left out included, and the seconds spent waiting for
            frames.
        """
        all_times = self._leave_out()
        workers, progress = self._options.workers, self._options.progress
        if all_times is None:
            return feed(self._pairs, self._drivers, self._jobs, workers, progress)
        by_index = partial(feed, number_of=lambda _, frame: frame.index)
        return all_times, by_index(self._pairs, self._drivers, self._jobs, workers, progress)[1]

    def _leave_out(self) -> list[Fraction | None] | None:
        """Have frames left out that no metric looks at, and the time that takes.

        Returns:
            The time of every frame; None where all are read.
        """
        looking = [driver for driver in self._drivers if not isinstance(driver, FusionDriver)]
        drivers = [driver for driver in looking if isinstance(driver, ClipDriver)]
        choosy = len(drivers) == len(looking) and all(d.plans_ahead for d in drivers)
        if self._options.everything or not choosy or not isinstance(self._pairs, Skippable):
            return None
        table = self._pairs.packets()
        if table is None:
            return None
        wanted = [driver.settle(table) for driver in drivers]
        return self._pairs.only(table, set().union(*wanted))

    def _hash(self) -> dict[str, str]:
        hashes = {role: hash_source(s) for role, s in self._sources.items() if s is not None}
        return {role: digest for role, digest in hashes.items() if digest is not None}


def _open_pairs(
    distorted: Path | VideoSource, reference: Path | VideoSource | None, align: AlignOptions | None
) -> Pairs:
    if reference is None:
        if align is None:
            return SingleStream(distorted)
        return SingleStream(grained(distorted, align.grain), align.colours[0])
    from vqa_harness.alignment.pairs import AlignedPairs

    return AlignedPairs(distorted, reference, align)
