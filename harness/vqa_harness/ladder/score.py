"""Measures the rungs of an encoder ladder: bitrate from the packets, quality from the metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa_harness.console import note, warn
from vqa_harness.errors import AlignError, InputError, MetricError, UsageError, VqaError, one_line
from vqa_harness.ladder.apart import bitrate_of, reading, score_all
from vqa_harness.ladder.config import LadderConfig, LadderSource
from vqa_harness.ladder.scoring import Measuring, Outcome
from vqa_harness.logs.cache_key import FIELD, CacheKey, CacheKeys
from vqa_harness.logs.features import FeatureInfo, features_of, pooled_values
from vqa_harness.logs.log import Log
from vqa_harness.logs.read import read_log
from vqa_harness.logs.view import StreamEntry
from vqa_harness.logs.write import BUILTIN, log_targets, write_log
from vqa_harness.media.bitrate import StreamBitrate
from vqa_harness.processes import Apart
from vqa_harness.request import Request

POOLS = ("mean", "min", "harmonic_mean", "p5")
"""Pooled values recorded of every feature, beside the one that is compared."""


@dataclass(slots=True)
class Rung:
    """One encoding that was measured.

    Attributes:
        source: name of the title.
        series: name of the series.
        path: file of the encoding.
        stream: facts of the encoding, as its log has them.
        size: (width, height) in pixels as encoded, before it was scaled to the reference.
        bitrate: bitrate of its video stream.
        frames: how many frames were scored.
        quality: feature to pooling to value; undefined frames are left out.
        setting: the quality set when it was encoded; empty where that is not known.
        log: path of its log; None where none is kept.
        alignment: the object ``alignment`` of its log.
        warnings: the warnings of its log.
        reused: whether an earlier log was taken.
    """

    source: str
    series: str
    path: Path
    stream: StreamEntry
    size: tuple[int, int]
    bitrate: StreamBitrate
    frames: int
    quality: dict[str, dict[str, float]]
    setting: str = ""
    log: Path | None = None
    alignment: Mapping[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    reused: bool = False


@dataclass(slots=True)
class ScoredLadder:
    """The measured rungs of a ladder.

    Attributes:
        rungs: the rungs in the order of the configuration.
        features: the features of all rungs that have a direction, by name.
        references: name of a source to ``inputs.reference`` of its logs, or None.
        failed: rungs that were left out: file name, and why.
    """

    rungs: list[Rung] = field(default_factory=list)
    features: dict[str, FeatureInfo] = field(default_factory=dict)
    references: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    failed: list[tuple[str, VqaError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Work:
    """A rung to measure: its series, its file, and where its log belongs."""

    series: str
    path: Path
    target: Path | None
    key: CacheKey | None


def measure(config: LadderConfig, how: Measuring) -> ScoredLadder:
    """Score every rung of every source; one that fails is recorded and left out.

    Raises:
        UsageError: no or unknown metrics, none with a feature to compare, or one that needs a
            reference where a source has none.
        MissingBackend: a metric's packages or model are missing.
    """
    requests = how.registry.requests(config.metrics)
    check_features(requests, config.settings.features)
    keys = CacheKeys(requests, how.registry, how.align)
    pools = list(dict.fromkeys((*POOLS, config.settings.pool)))
    result = ScoredLadder()
    targets = _targets(config, how.logs)
    count = sum(len(one.rungs) for source in config.sources for one in source.series)
    with reading(count, how.timeout) as call:
        for source in config.sources:
            result.references[source.name] = None
            for work, log, reused in _logs(source, requests, keys, how, targets, call):
                try:
                    if isinstance(log, VqaError):
                        raise log
                    rung = _rung(source.name, work, log, pools, how, call)
                except (InputError, MetricError, AlignError) as error:
                    result.failed.append((work.path.name, error))
                    continue
                rung.reused = reused
                result.rungs.append(rung)
                result.references[source.name] = log.extra["inputs"]["reference"]
                result.features |= features_of(log)
    return result


def _logs(
    source: LadderSource,
    requests: list[Request],
    keys: CacheKeys,
    how: Measuring,
    targets: Mapping[Path, Path],
    call: Apart | None,
) -> Iterator[tuple[_Work, Outcome, bool]]:
    """Every rung of a source, with its log or error, and whether an earlier log was taken."""
    works: list[_Work] = []
    found: dict[int, Outcome] = {}
    taken: set[int] = set()
    for name, path in ((one.name, path) for one in source.series for path in one.rungs):
        number, target = len(works), targets.get(path)
        key = None
        try:
            key = None if target is None else keys.of(path, source.reference)
            log = None if target is None or key is None else _earlier(target, key)
        except InputError as error:
            found[number] = error
        else:
            if log is not None:
                found[number] = log
                taken.add(number)
        works.append(_Work(name, path, target, key))
    left = [number for number in range(len(works)) if number not in found]

    def keep(place: int, log: Log) -> None:
        work = works[left[place]]
        if work.target is not None and work.key is not None:
            work.key.record(log)
            try:
                write_log(log, work.target, "json")
            except UsageError as error:  # its scores are in the results all the same
                warn(f"{one_line(error)}; {work.path.name} is scored again the next time")

    paths = [works[n].path for n in left]
    scored = score_all(paths, source.reference, requests, how, keep, call)
    found |= dict(zip(left, scored, strict=True))
    for number, work in enumerate(works):
        yield work, found[number], number in taken


def check_features(requests: Sequence[Request], names: Sequence[str]) -> None:
    """Refuse what would be scored for hours and then not compared.

    Args:
        requests: the metrics.
        names: the features to compare, as in a log; empty for the first of each metric.

    Raises:
        UsageError: a feature that no metric gives, or no feature has a direction.
    """
    features = [feature for request in requests for feature in request.features]
    known = [f.name for f in features if f.higher_is_better is not None and not f.diagnostic]
    for name in names:
        if name not in known:
            offered = ", ".join(known) or "none"
            raise UsageError(f"feature {name!r} cannot be compared: the metrics give {offered}")
    if requests and not known:
        labels = ", ".join(request.label for request in requests)
        raise UsageError(
            f"nothing to compare: of what {labels} gives, neither higher nor lower is better; add a"
            " metric of quality, such as vmaf"
        )


def log_paths(config: LadderConfig, folder: Path | None) -> list[Path]:
    """The logs that are written into a folder; none without one."""
    return list(_targets(config, folder).values())


def _targets(config: LadderConfig, folder: Path | None) -> dict[Path, Path]:
    paths = [path for source in config.sources for one in source.series for path in one.rungs]
    if folder is None or not paths:
        return {}
    targets = log_targets(paths, f"{folder}/", "json", BUILTIN)
    return {path: Path(target) for path, target in targets.items()}


def _rung(
    source: str,
    work: _Work,
    log: Log,
    pools: Sequence[str],
    how: Measuring,
    call: Apart | None,
) -> Rung:
    path = work.path
    stream, size = log.view.inputs.distorted, log.view.alignment.distorted_size or log.size
    if stream is None or size is None:
        raise InputError(f"{path.name}: its log does not say how large the video is; remove it")
    return Rung(
        source=source,
        series=work.series,
        path=path,
        stream=stream,
        size=size,
        bitrate=bitrate_of(path, stream.rate, call, how.timeout),
        frames=len(log),
        quality=pooled_values(log, pools),
        setting=how.settings.get(path, ""),
        log=work.target,
        alignment=log.extra.get("alignment") or {},
        warnings=list(log.view.warnings),
    )


def _earlier(target: Path, key: CacheKey) -> Log | None:
    """The log at a path if it records this key; otherwise a note says why it is scored again."""
    if not target.is_file():
        return None
    try:
        log = read_log(target)
    except InputError:
        why = "cannot be read"
    else:
        if key.recorded(log):
            return key.renamed(log)
        why = "is of another file, metric, model, option or version"
        if FIELD not in log.extra:
            why = "does not record what it depends on"
    note(f"{target}: {why}; scored again")
    return None
