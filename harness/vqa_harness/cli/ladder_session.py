"""Makes, searches for and measures the rungs of ``vqa-harness ladder``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa_harness import __version__
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.errors import UsageError, VqaError, about, one_line

if TYPE_CHECKING:
    from vqa_harness.ladder.config import LadderConfig, LadderSource
    from vqa_harness.ladder.score import ScoredLadder
    from vqa_harness.ladder.scoring import Measuring
    from vqa_harness.registry import Registry
    from vqa_harness.search.attempts import Outcome
    from vqa_harness.search.plan import SearchPlan
    from vqa_harness.search.rung import RungSearch, Trial


@dataclass(frozen=True, slots=True)
class LadderSession:
    """One call of the command.

    Attributes:
        registry: where metrics come from.
        output: folder of the results; None for none.
        pairing: how frames are paired.
        jobs: how many encodings are made at once.
        threads: how many each metric may use; 0 for one per processor.
        timeout: seconds that an encoding may take; None for no bound.
        quiet: whether progress is not shown.
    """

    registry: Registry
    output: Path | None
    pairing: AlignOptions
    jobs: int = 1
    threads: int = 0
    timeout: float | None = None
    quiet: bool = False

    def measure(self, plan: LadderConfig) -> dict[str, Any]:
        """Make the rungs that are asked for, and measure all.

        Returns:
            The document of the ladder.

        Raises:
            VqaError: there is no rung left to show.
        """
        from vqa_harness.ladder.score import measure

        made: dict[Path, str] = {}
        lost: list[tuple[str, VqaError]] = []
        if plan.grids and self.output is not None:
            plan, made, lost = self._encode(plan, self.output / "rungs")
        how = self._measuring(made)
        measured = measure(plan, how)
        measured.failed[:0] = lost
        _warn(measured)
        if not measured.rungs:
            raise measured.failed[0][1] if measured.failed else UsageError("no rungs; name some")
        return _document(measured, plan, how)

    def search(self, plan: LadderConfig, search: SearchPlan) -> dict[str, Any]:
        """Search for the rungs that meet the targets, and measure those found.

        Returns:
            The document of the ladder, which says what was searched.

        Raises:
            VqaError: a source cannot be read, an encoder refuses, or metrics cannot be run.
        """
        from vqa_harness.ladder.score import measure
        from vqa_harness.search.document import add_searches
        from vqa_harness.search.find import find

        assert self.output is not None  # checked before
        told = None if self.quiet else partial(_tell, search)
        found = find(search, self._measuring({}), self.output, self.jobs, told)
        ladder = found.ladder(plan, search.metrics)
        how = self._measuring(found.settings)
        measured = measure(ladder, how)
        for one in found.searches:
            if one.error is not None:
                name = f"{one.source}, {one.grid.label}, {one.height} lines"
                measured.failed.append((name, one.error))
        _warn(measured)
        document = _document(measured, ladder, how)
        add_searches(document, search.goals, found.searches, found.sources)
        return document

    def _measuring(self, settings: Mapping[Path, str]) -> Measuring:
        from vqa_harness.console import command_line, progress_bar
        from vqa_harness.ladder.scoring import Measuring

        return Measuring(
            registry=self.registry,
            threads=self.threads,
            logs=None if self.output is None else self.output / "logs",
            align=self.pairing,
            command=command_line(),
            settings=settings,
            bar=partial(progress_bar, quiet=self.quiet),
            timeout=self.timeout,
        )

    def _encode(
        self, plan: LadderConfig, folder: Path
    ) -> tuple[LadderConfig, dict[Path, str], list[tuple[str, VqaError]]]:
        """Make the rungs of the grids.

        Returns:
            The plan with them as series, the encoder setting of each file, and the names of those
            that could not be made, with why.
        """
        from vqa_harness.console import note
        from vqa_harness.files import make_folder
        from vqa_harness.ladder.apart import probe_source
        from vqa_harness.ladder.config import Series
        from vqa_harness.ladder.encode import EncodeJob, encode_all
        from vqa_harness.ladder.encode import plan as plan_grid

        make_folder(folder)
        sources, jobs = [], []
        for source in plan.sources:
            series = list(source.series)
            assert source.reference is not None  # checked before
            info = probe_source(source.reference, self.timeout)
            for grid in plan.grids:
                some = plan_grid(source.reference, source.name, grid, folder, info=info)
                series.append(Series(grid.label, tuple(job.target for job in some)))
                jobs += some
            sources.append(replace(source, series=tuple(series)))
        missing = sum(not job.target.exists() for job in jobs)
        count = iter(range(1, missing + 1))

        def done(job: EncodeJob) -> None:
            if not self.quiet:
                size = f"{job.size[0]}x{job.size[1]}"
                note(f"encoded {next(count)} of {missing}: {job.codec} {size} {job.setting}")

        lost = encode_all(jobs, self.jobs, done, self.timeout)
        made = {job.target: job.setting for job in jobs if job.target not in lost}
        there = replace(plan, sources=tuple(_without(source, lost) for source in sources))
        return there, made, [(path.name, error) for path, error in lost.items()]


def _without(source: LadderSource, lost: Mapping[Path, VqaError]) -> LadderSource:
    """The source without the rungs that could not be made."""
    kept = [tuple(path for path in one.rungs if path not in lost) for one in source.series]
    series = [replace(one, rungs=rungs) for one, rungs in zip(source.series, kept, strict=True)]
    return replace(source, series=tuple(series))


def _warn(measured: ScoredLadder) -> None:
    from vqa_harness.console import warn

    for name, error in measured.failed:
        warn(about(name, one_line(error)))
    for rung in measured.rungs:
        for text in rung.warnings:
            warn(about(rung.path.name, text))


def _document(measured: ScoredLadder, plan: LadderConfig, how: Measuring) -> dict[str, Any]:
    from vqa_harness.ladder.compare import compare_ladder
    from vqa_harness.ladder.document import SCHEMA

    return {
        "schema": SCHEMA,
        "kind": "ladder",
        "harness_version": __version__,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": how.command,
        **compare_ladder(measured, plan.settings),
    }


def _tell(search: SearchPlan, one: RungSearch, trial: Trial, outcome: Outcome) -> None:
    """One line about an encoding that was tried."""
    from vqa_harness.console import note

    if isinstance(outcome, VqaError):
        return  # a warning says it at the end
    on = "" if trial.whole else " on samples"
    values = ", ".join(
        f"{goal.target} {value:.3f}"
        for goal, value in zip(search.goals, outcome.values, strict=True)
    )
    name = f"{trial.source}: {one.grid.label}, {trial.height} lines"
    note(f"{name}: {trial.setting}{on}: {values}, {outcome.bitrate / 1000:.1f} kbit/s")
