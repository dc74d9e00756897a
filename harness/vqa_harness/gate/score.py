"""Scores the cases of a gate, or takes what was scored before."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vqa_harness.console import progress_bar
from vqa_harness.engine.in_order import in_order_on
from vqa_harness.engine.places import HERE, Places
from vqa_harness.errors import UsageError, VqaError, one_line
from vqa_harness.gate.pairing import scored_with
from vqa_harness.gate.plan import Case
from vqa_harness.gate.verdict import ScoredCase
from vqa_harness.logs.build import build_log
from vqa_harness.logs.cache import ResultCache
from vqa_harness.logs.cache_key import CacheKey, CacheKeys
from vqa_harness.logs.log import Log
from vqa_harness.logs.read import read_log
from vqa_harness.media.bitrate import measure_bitrate
from vqa_harness.media.inputs import as_source
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry


@dataclass(frozen=True, slots=True)
class GateScoring:
    """How cases are scored.

    Attributes:
        cache: keeps earlier logs; None for no cache.
        threads: how many each metric may use; 0 for one per processor.
        quiet: whether there is no progress bar.
        bitrates: names of the cases whose bitrate is measured.
        command: the command line, recorded in the logs.
    """

    cache: ResultCache | None = None
    threads: int = 0
    quiet: bool = False
    bitrates: Collection[str] = ()
    command: str = ""


def measure_all(
    cases: Sequence[Case],
    registry: Registry,
    scoring: GateScoring,
    places: Places = HERE,
    timeout: float | None = None,
) -> Iterator[ScoredCase]:
    """Yield every case with its log, in order.

    Args:
        cases: what to score.
        registry: where metrics come from; in processes, those installed.
        scoring: how they are scored.
        places: where cases are scored, each in a process of its own.
        timeout: seconds that a case may take; None for no bound.

    Raises:
        UsageError: as `measure`, or a scheduler cannot be reached.
        MissingBackend: its workers cannot score.
    """
    if not places.needed(len(cases), timeout):
        for case in cases:
            yield measure(case, registry, scoring)
        return
    several = places.jobs != 1
    scoring = replace(
        scoring, threads=places.threads(scoring.threads), quiet=scoring.quiet or several
    )
    with places.open() as engine:
        yield from in_order_on(
            engine, measure, cases, scoring, _died, timeout=timeout, away=places.away
        )


def _died(case: Case, error: VqaError) -> ScoredCase:
    scored = ScoredCase(case)
    scored.error = error
    return scored


def measure(case: Case, registry: Registry, scoring: GateScoring) -> ScoredCase:
    """The log of a case: read, kept from before, or made now and kept.

    Errors of the case's own, such as a video that cannot be read, are in the answer.

    Raises:
        UsageError: an option is wrong.
    """
    begin = time.perf_counter()
    scored = ScoredCase(case)
    try:
        if case.log is not None:
            scored.log = read_log(case.log)
        elif case.distorted is not None:
            _score(scored, case.distorted, registry, scoring)
            if case.name in scoring.bitrates and scored.log is not None:
                scored.bitrate = _kilobits(case.distorted, scored.log)
    except UsageError as error:
        place = case.place or case.name
        raise type(error)(f"{place}: {error}") from None
    except VqaError as error:
        scored.log, scored.error = None, error
    scored.seconds = time.perf_counter() - begin
    return scored


def _score(scored: ScoredCase, distorted: Path, registry: Registry, scoring: GateScoring) -> None:
    case = scored.case
    align = scored_with(case.align)
    key: CacheKey | None = None
    if scoring.cache is not None:
        keys = CacheKeys(case.requests, registry, align, case.stated, qc=case.qc)
        key = keys.of(distorted, case.reference)
        scored.log = scoring.cache.get(key)
        if scored.log is not None:
            scored.cached = True
            return
    with progress_bar(case.name, quiet=scoring.quiet) as progress:
        # all is decoded, because rules and the cache go by what reading reports of the whole video
        options = RunOptions(scoring.threads, progress, align, everything=True, qc=case.qc)
        reference = case.reference and as_source(case.reference, case.stated.reference)
        source = as_source(distorted, case.stated.distorted)
        result = run(source, case.requests, registry, options, reference=reference)
    scored.log = build_log(result, command=scoring.command)
    if scoring.cache is not None and key is not None:
        try:
            scoring.cache.put(key, scored.log)
        except UsageError as error:  # scores are worth more than their copy
            scored.not_kept = one_line(error)


def _kilobits(video: Path, log: Log) -> float:
    stream = log.view.inputs.distorted
    return measure_bitrate(video, stream.rate if stream is not None else None).mean / 1000
