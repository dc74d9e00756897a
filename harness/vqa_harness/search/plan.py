"""A search before anything is encoded: its targets, the scale of each coder, what it is run on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vqa_harness.errors import UsageError, refuse_twice
from vqa_harness.files import file_sha256, make_folder
from vqa_harness.ladder.config import LadderConfig, LadderSource
from vqa_harness.ladder.encode import EncodeGrid, even
from vqa_harness.registry import Registry
from vqa_harness.search.attempts import SearchSource, Video
from vqa_harness.search.goals import Goal, read_goals
from vqa_harness.search.rung import RungSearch
from vqa_harness.search.samples import choose, file_of, read_share, usual_share, write_samples
from vqa_harness.search.scale import Scale, scale_of


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """A search that can be run.

    Attributes:
        goals: the targets.
        metrics: the metrics that were named, and those that the targets need.
        grids: each coder with its scale.
        sources: the titles; each has a reference.
        share: how much of each video to search on; None for what is usual for its length.
    """

    goals: tuple[Goal, ...]
    metrics: tuple[str, ...]
    grids: tuple[tuple[EncodeGrid, Scale], ...]
    sources: tuple[LadderSource, ...]
    share: float | None


def plan_search(config: LadderConfig, registry: Registry) -> SearchPlan:
    """Check a search; nothing is read or encoded.

    Raises:
        UsageError: a target, a bound or a share that does not fit; nothing to encode with; rungs
            that exist already, of which nothing can be searched; or one name for two series.
    """
    if not config.grids:
        raise UsageError("a target is searched for with encoders; add --encode CODEC")
    for source in config.sources:
        if source.reference is None:
            raise UsageError(f"{source.name}: a search needs the source; give its reference")
        if source.series:
            raise UsageError(
                f"{source.name}: a search makes its rungs; leave those out that exist, or the "
                "targets"
            )
    refuse_twice("series", (grid.label for grid in config.grids), "give each its own name")
    goals, metrics = read_goals(config.search.targets, config.metrics, registry)
    scales = [(grid, scale_of(grid, config.search.crf_step)) for grid in config.grids]
    share = read_share(config.search.samples)
    return SearchPlan(goals, metrics, tuple(scales), config.sources, share)


def prepare(plan: SearchPlan, folder: Path) -> dict[str, SearchSource]:
    """Read the sources, and write the samples of those that are searched on samples.

    Args:
        plan: the search.
        folder: where samples go; those that are there already are taken again.

    Raises:
        InputError: a source cannot be read.
        UsageError: samples cannot be written, or a video's length is not known.
    """
    return {source.name: _prepared(source, plan.share, folder) for source in plan.sources}


def searches_of(plan: SearchPlan, sources: dict[str, SearchSource]) -> list[RungSearch]:
    """The search of every coder and height in every source.

    Raises:
        InputError: a source cannot be read.
    """
    from vqa_harness.media.reader import probe

    searches = []
    for source in plan.sources:
        assert source.reference is not None  # see `plan_search`
        own = probe(source.reference).height
        sampled = sources[source.name].samples is not None
        for grid, scale in plan.grids:
            for height in dict.fromkeys(even(height) for height in grid.heights or (own,)):
                search = RungSearch(source.name, grid, height, scale, plan.goals, sampled=sampled)
                searches.append(search)
    return searches


def _prepared(source: LadderSource, share: float | None, folder: Path) -> SearchSource:
    from vqa_harness.media.reader import probe

    assert source.reference is not None  # see `plan_search`
    path = source.reference
    info = probe(path)
    whole = Video(path, file_sha256(path))
    rate, frames = info.rate, info.expected_frames
    seconds = float(frames / rate) if rate and frames else None
    share = usual_share(seconds) if share is None else share
    if share == 1.0:
        return SearchSource(source.name, whole)
    if rate is None or frames is None:
        raise UsageError(f"{path.name}: does not say how long it is; use --samples all")
    stretches = choose(frames, _cuts(path), rate, share)
    if sum(map(len, stretches)) == frames:
        return SearchSource(source.name, whole)
    make_folder(folder)
    target = file_of(folder, path.stem, whole.sha256, stretches)
    if not target.exists():
        write_samples(path, stretches, target)
    taken = sum(map(len, stretches)) / frames
    samples = Video(target, file_sha256(target))
    places = tuple((one.start, one.stop - 1) for one in stretches)
    return SearchSource(source.name, whole, samples, taken, places)


def _cuts(path: Path) -> list[int]:
    """The first frame of every scene of a video but the first."""
    from vqa_harness.qc.scenes import scene_cuts

    return [cut.frame for cut in scene_cuts(path)]
