"""Makes and scores the encodings that searches ask for, together where several ask at once.

Encodings are kept under names that hold a hash of all they depend on, and their logs beside the
ladder's, so that a search which was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vqa_harness.errors import InputError, VqaError
from vqa_harness.ladder.config import LadderConfig, LadderSource, Series
from vqa_harness.ladder.encode import EncodeJob, encode_all, plan
from vqa_harness.ladder.score import Rung, measure
from vqa_harness.ladder.scoring import Measuring
from vqa_harness.logs.read import read_log
from vqa_harness.search.goals import Goal
from vqa_harness.search.rung import Measured, RungSearch, Trial

Outcome = Measured | VqaError
Attempt = Callable[[Sequence[Trial]], Sequence[Outcome]]
"""Makes and scores encodings: the outcome of each trial, in their order."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video that is encoded.

    Attributes:
        path: the file.
        sha256: the hash of its bytes.
    """

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class SearchSource:
    """A source of searches.

    Attributes:
        name: shown in every output.
        whole: the video.
        samples: a part of it; None where everything is searched on the whole.
        share: share of the frames that the samples are.
        stretches: first and last frame of each sample.
    """

    name: str
    whole: Video
    samples: Video | None = None
    share: float = 1.0
    stretches: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Attempts:
    """Encodes and scores trials.

    Attributes:
        sources: the sources by name.
        metrics: the metrics to score with.
        goals: the targets.
        how: how encodings are scored; its folder of logs must be set.
        folder: where encodings are kept.
        jobs: how many are encoded at once.
    """

    sources: Mapping[str, SearchSource]
    metrics: tuple[str, ...]
    goals: tuple[Goal, ...]
    how: Measuring
    folder: Path
    jobs: int = 1

    def __call__(self, trials: Sequence[Trial]) -> list[Outcome]:
        """The outcome of each trial.

        Raises:
            VqaError: an encoder refuses its options, or metrics cannot be run.
        """
        jobs = [self._job(trial) for trial in trials]
        missing = {job.target for job in jobs if not job.target.exists()}
        encode_all(jobs, self.jobs, timeout=self.how.timeout)
        places = [
            LadderSource(
                f"{trial.source} {job.setting}",
                self._video(trial).path,
                (Series(trial.grid.label, (job.target,)),),
            )
            for trial, job in zip(trials, jobs, strict=True)
        ]
        found = measure(LadderConfig(self.metrics, tuple(_joined(places))), self.how)
        failed = dict(found.failed)
        rungs = {rung.path: rung for rung in found.rungs}
        return [
            self._outcome(rungs[job.target], job, missing)
            if job.target in rungs
            else failed[job.target.name]
            for job in jobs
        ]

    def _video(self, trial: Trial) -> Video:
        source = self.sources[trial.source]
        return source.whole if trial.whole or source.samples is None else source.samples

    def _job(self, trial: Trial) -> EncodeJob:
        video = self._video(trial)
        name = trial.source if trial.whole else f"{trial.source}-samples"
        (job,) = plan(video.path, name, trial.grid, self.folder, video.sha256)
        return job

    def _outcome(self, rung: Rung, job: EncodeJob, missing: set[Path]) -> Outcome:
        try:
            if rung.log is None:
                raise InputError(f"{job.target.name}: its log was not kept")
            log = read_log(rung.log)
            values = tuple(goal.value(log) for goal in self.goals)
        except InputError as error:
            return error
        return Measured(values, rung.bitrate.mean, job.target, job.target in missing)


def _joined(sources: Sequence[LadderSource]) -> list[LadderSource]:
    """One source for each reference, so that what has the same one is scored in step."""
    joined: dict[Path | None, LadderSource] = {}
    for one in sources:
        before = joined.get(one.reference)
        series = one.series if before is None else (*before.series, *one.series)
        joined[one.reference] = replace(before or one, series=series)
    return list(joined.values())


def search_all(
    searches: Sequence[RungSearch],
    attempt: Attempt,
    told: Callable[[RungSearch, Trial, Outcome], None] | None = None,
) -> None:
    """Take all searches to their ends; what they ask for at one time is attempted together.

    Args:
        searches: the searches, which hold what came out.
        attempt: makes and scores the encodings.
        told: called with every outcome.
    """
    while True:
        asking = [(one, trial) for one in searches if (trial := one.wanted()) is not None]
        if not asking:
            return
        outcomes = attempt([trial for _, trial in asking])
        for (one, trial), outcome in zip(asking, outcomes, strict=True):
            one.take(trial, outcome)
            if told is not None:
                told(one, trial, outcome)
