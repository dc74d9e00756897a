"""Runs a planned search: sources read, every rung searched for, the encodings found put aside."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vqa_harness.errors import UsageError
from vqa_harness.files import make_folder, replacing
from vqa_harness.ladder.config import LadderConfig, LadderSource, Series
from vqa_harness.ladder.scoring import Measuring
from vqa_harness.search.attempts import Attempts, Outcome, SearchSource, search_all
from vqa_harness.search.plan import SearchPlan, prepare, searches_of
from vqa_harness.search.rung import RungSearch, Trial

TRIED = "search"
"""Name of the folder of samples and of encodings that were tried."""
FOUND = "rungs"
"""Name of the folder of encodings that were found."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search found.

    Attributes:
        searches: the search of every rung, over.
        sources: the sources by name.
        sourced: the titles with the encodings found as series.
        settings: the setting of each encoding found.
    """

    searches: Sequence[RungSearch]
    sources: Mapping[str, SearchSource]
    sourced: tuple[LadderSource, ...]
    settings: Mapping[Path, str]

    def ladder(self, config: LadderConfig, metrics: tuple[str, ...]) -> LadderConfig:
        """The configuration of the ladder of the rungs found."""
        return replace(config, metrics=metrics, sources=self.sourced, grids=())


def find(
    plan: SearchPlan,
    how: Measuring,
    folder: Path,
    jobs: int = 1,
    told: Callable[[RungSearch, Trial, Outcome], None] | None = None,
) -> Findings:
    """Search for every rung.

    Args:
        plan: the search.
        how: how encodings are scored; its folder of logs must be set.
        folder: gets the folders `TRIED` and `FOUND`. What is there already is taken again.
        jobs: how many encodings are made at once.
        told: called with every trial.

    Raises:
        VqaError: a source cannot be read, an encoder refuses, or metrics cannot be run.
    """
    tried, found = folder / TRIED, folder / FOUND
    for one in (tried, found):
        make_folder(one)
    sources = prepare(plan, tried)
    searches = searches_of(plan, sources)
    attempts = Attempts(sources, plan.metrics, plan.goals, how, tried, jobs)
    search_all(searches, attempts, told)
    settings: dict[Path, str] = {}
    series: dict[str, dict[str, list[Path]]] = {source.name: {} for source in plan.sources}
    for search in searches:
        if search.found is not None:
            path = _put_aside(search.found.measured.path, found)
            settings[path] = search.found.trial.setting
            series[search.source].setdefault(search.grid.label, []).append(path)
    sourced = tuple(
        replace(
            source,
            series=tuple(Series(name, tuple(paths)) for name, paths in series[source.name].items()),
        )
        for source in plan.sources
    )
    return Findings(searches, sources, sourced, settings)


def _put_aside(path: Path, folder: Path) -> Path:
    """The same file in another folder: another name of it where the file system can, or a copy."""
    target = folder / path.name
    if target.exists():
        return target
    with suppress(OSError):
        os.link(path, target)
        return target
    try:
        with replacing(target) as part:
            shutil.copyfile(path, part)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror or error}") from None
    return target
