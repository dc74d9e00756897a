"""Gathers what the page of a corpus shows from the rows of a batch, which are read once.

What grows with the corpus is one number a case and metric; lists of files are bounded.
"""

from __future__ import annotations

import random
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from pathlib import Path
from statistics import fmean
from typing import Any

from vqa_harness.batch.row import Row
from vqa_harness.batch.store import Store
from vqa_harness.stats.pooling import percentiles

WORST = 10
"""How many of the worst files are listed for each metric, if not more are asked for."""
POINTS = 2000
"""How many points a scatter plot has at most."""
KINDS = 30
"""How many kinds of failure are listed."""
EXIT_CODES = {
    2: "usage",
    3: "input or decoding",
    4: "alignment",
    5: "metric or crash",
    6: "missing part",
}
"""What the exit codes of failed cases mean."""


@dataclass(slots=True)
class Worst:
    """One of the worst files by a feature.

    Attributes:
        file: as the manifest names it.
        value: mean of the feature.
        frames: that were scored.
        log: key of its log.
    """

    file: str
    value: float
    frames: int
    log: str


@dataclass(slots=True)
class FeatureFacts:
    """A feature over all cases.

    Attributes:
        name: its name.
        unit: its unit; empty without one.
        sign: 1 where higher is better, -1 where lower is, 0 where it only describes.
        values: the mean of each case.
        worst: the worst files, worst first.
        most: how many of them are kept.
    """

    name: str
    unit: str
    sign: int
    values: array[float] = field(default_factory=lambda: array("d"))
    worst: list[Worst] = field(default_factory=list)
    most: int = WORST
    _heap: list[tuple[float, str, Worst]] = field(default_factory=list)

    def add(self, row: Row, value: float) -> None:
        """Take a case."""
        self.values.append(value)
        if self.sign and row.log is not None:
            entry = (-self.sign * value, row.key, Worst(row.file, value, row.frames, row.log))
            (heappush if len(self._heap) < self.most else heappushpop)(self._heap, entry)

    def finish(self) -> None:
        """Put the worst in order."""
        self.worst = [worst for _, _, worst in sorted(self._heap, reverse=True)]


@dataclass(slots=True)
class Failures:
    """Cases that failed for the same reason.

    Attributes:
        kind: what the exit code means.
        text: the message, with the file's name and numbers taken out.
        count: how many there are.
        example: the file of one of them.
        message: its message.
    """

    kind: str
    text: str
    count: int
    example: str
    message: str


@dataclass(slots=True)
class CorpusData:
    """What the page of a corpus shows.

    Attributes:
        name: of its folder.
        version: of vqa-harness, by which it was scored.
        metrics: that were asked for.
        done: cases that were scored.
        failed: cases that failed.
        frames: scored, of all cases.
        seconds: that the cases took together.
        features: the first of each metric.
        failures: by kind, the most frequent first.
        points: (value, value, file) of some cases, for the first two features.
    """

    name: str
    version: str = ""
    metrics: list[str] = field(default_factory=list)
    done: int = 0
    failed: int = 0
    frames: int = 0
    seconds: float = 0.0
    features: list[FeatureFacts] = field(default_factory=list)
    failures: list[Failures] = field(default_factory=list)
    points: list[tuple[float, float, str]] = field(default_factory=list)


def is_batch(path: Path) -> bool:
    """Whether a path is the folder of a batch."""
    return (path / "batch.json").is_file()


def load_corpus(folder: Path, worst: int = WORST) -> CorpusData:
    """Read the rows of a batch, those of the settings that were used last.

    Args:
        folder: of the batch.
        worst: how many of the worst files by the first feature are listed at least.

    Raises:
        InputError: the folder is not of a batch, or a row cannot be read.
    """
    store = Store(folder)
    digest, settings = store.settings()
    corpus = CorpusData(folder.resolve().name, str(settings.get("vqa_harness", "")))
    corpus.metrics = [str(one) for one in settings.get("metrics", []) if isinstance(one, str)]
    corpus.features = _leading(settings.get("features"))
    for judged in [one for one in corpus.features if one.sign][:1]:
        judged.most = max(worst, WORST)
    gathered = _Gathered(corpus)
    for row in store.rows():
        if row.settings == digest:
            gathered.add(row)
    gathered.finish()
    return corpus


def _leading(features: Any) -> list[FeatureFacts]:
    """The first feature of each metric, one with a direction where there is one."""
    if not isinstance(features, dict):
        return []
    chosen: dict[str, FeatureFacts] = {}
    for name, about in features.items():
        if not isinstance(about, dict):
            continue
        better = about.get("higher_is_better")
        sign = 0 if not isinstance(better, bool) else 1 if better else -1
        one = FeatureFacts(str(name), str(about.get("unit") or ""), sign)
        metric = str(about.get("metric"))
        before = chosen.get(metric)
        wanted = before is None or (not before.sign and sign) or (name == metric and sign)
        if wanted and (before is None or before.name != metric):
            chosen[metric] = one
    return list(chosen.values())


class _Gathered:
    def __init__(self, corpus: CorpusData) -> None:
        self._corpus = corpus
        self._draw = random.Random(0)
        self._seen = 0
        self._failures: dict[tuple[int, str], Failures] = {}

    def add(self, row: Row) -> None:
        corpus = self._corpus
        corpus.frames += row.frames
        corpus.seconds += row.seconds
        if row.status == "failed":
            corpus.failed += 1
            self._fail(row)
        else:
            corpus.done += 1
        values = [row.pooled.get(one.name, {}).get("mean") for one in corpus.features]
        for one, value in zip(corpus.features, values, strict=True):
            if value is not None:
                one.add(row, value)
        if len(values) > 1 and values[0] is not None and values[1] is not None:
            self._point((values[0], values[1], row.file))

    def _point(self, point: tuple[float, float, str]) -> None:
        """Keep a fair choice of the points, whatever their number."""
        self._seen += 1
        if len(self._corpus.points) < POINTS:
            self._corpus.points.append(point)
        elif (at := self._draw.randrange(self._seen)) < POINTS:
            self._corpus.points[at] = point

    def _fail(self, row: Row) -> None:
        text = shape_of(row.message, (row.file, row.reference))
        key = (row.exit_code, text)
        if key in self._failures:
            self._failures[key].count += 1
        elif len(self._failures) < 10 * KINDS:
            kind = EXIT_CODES.get(row.exit_code, str(row.exit_code))
            self._failures[key] = Failures(kind, text, 1, row.file, row.message)

    def finish(self) -> None:
        corpus = self._corpus
        for one in corpus.features:
            one.finish()
        corpus.features = [one for one in corpus.features if one.values]
        found = sorted(self._failures.values(), key=lambda one: -one.count)
        corpus.failures = found[:KINDS]


def shape_of(message: str, names: Iterable[str]) -> str:
    """A message without what differs from file to file: its name, and numbers."""
    for name in names:
        base = Path(name).name
        if base:
            message = re.sub(rf"\S*{re.escape(base)}", "FILE", message)
    return re.sub(r"\d+(\.\d+)?", "N", message)


def quartiles(values: Sequence[float]) -> Mapping[str, float]:
    """Mean, least and greatest of values, and the fifth percentile and the median of values."""
    p5, median = percentiles(values, (5, 50))
    return {
        "mean": fmean(values),
        "min": min(values),
        "p5": p5,
        "median": median,
        "max": max(values),
    }
