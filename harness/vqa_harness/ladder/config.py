"""What an encoder ladder is made of: sources, series of rungs, and how they are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vqa_harness import config as toml
from vqa_harness.config import Numbers, Table, Texts
from vqa_harness.errors import UsageError, placed, refuse_twice
from vqa_harness.ladder.encode import Codec, EncodeGrid
from vqa_harness.ladder.settings import (
    DEFAULT_JND,
    CompareSettings,
    CurveKind,
    NotMonotone,
    SearchSettings,
)
from vqa_harness.stats.bdrate import MIN_OVERLAP
from vqa_harness.stats.rate_curve import Method

Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Series:
    """Encodings of one source with one encoder at several bitrates.

    Attributes:
        name: shown in every output; one name is one series in all sources.
        rungs: the files.
    """

    name: str
    rungs: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class LadderSource:
    """One title with its encodings.

    Attributes:
        name: shown in every output.
        reference: the video the encodings were made from; None where there is none.
        series: its encodings.
    """

    name: str
    reference: Path | None
    series: tuple[Series, ...] = ()


@dataclass(frozen=True, slots=True)
class LadderConfig:
    """Everything `vqa_harness.ladder.score.measure` needs.

    Attributes:
        metrics: requests such as ``vmaf`` or ``clipvqa:window=4``.
        sources: the titles whose encodings are measured.
        grids: the encodings to make of every source.
        settings: how the rungs are compared.
        search: what is searched for; the CRFs or bitrates of the grids are then its bounds.
    """

    metrics: tuple[str, ...]
    sources: tuple[LadderSource, ...]
    grids: tuple[EncodeGrid, ...] = ()
    settings: CompareSettings = field(default_factory=CompareSettings)
    search: SearchSettings = field(default_factory=SearchSettings)


class CompareTable(Table):
    """The table ``[compare]``: how rungs are compared."""

    pool: str = Field(default="mean", description="pooled value taken as quality: mean, p5, ...")
    method: Method = Field(default="pchip", description="how curves are drawn through points")
    min_overlap: float = Field(
        default=MIN_OVERLAP,
        ge=0,
        le=1,
        description="part of the narrower quality range that two curves must share",
    )
    not_monotone: NotMonotone = Field(
        default="refuse",
        description="a rung no better than one of less bitrate: refuse the curve, or leave it out",
    )
    curve: CurveKind = Field(
        default="auto", description="curves go through all rungs (points), or those on the hull"
    )
    anchor: str = Field(
        default="", description="series the others are compared with; default: every pair"
    )
    features: Texts = Field(
        default=[], description="features to compare; default: the first of each metric"
    )
    jnd: dict[str, Positive] = Field(
        default={}, description="just noticeable difference per feature"
    )
    target_kbps: Numbers = Field(default=[], description="bitrates to choose a rung for, kbit/s")
    target_quality: dict[str, Numbers] = Field(
        default={}, description="qualities to choose a rung for, by feature"
    )

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        self.settings()
        return self

    def settings(self) -> CompareSettings:
        """The table as the settings of a comparison.

        Raises:
            ValueError: a value that does not fit.
        """
        with toml.refusals():
            return CompareSettings(
                pool=self.pool,
                method=self.method,
                min_overlap=self.min_overlap,
                not_monotone=self.not_monotone,
                curve=self.curve,
                anchor=self.anchor,
                features=tuple(self.features),
                jnd={**DEFAULT_JND, **self.jnd},
                target_bitrates=tuple(1000 * rate for rate in self.target_kbps),
                target_qualities={k: tuple(v) for k, v in self.target_quality.items()},
            )


class SeriesTable(Table):
    """An entry ``[[source.series]]``: encodings with one encoder at several bitrates."""

    name: str = Field(description="name of the series; one name is one series in all sources")
    rungs: Texts = Field(min_length=1, description="files, * ? [] ** allowed")


class SourceTable(Table):
    """An entry ``[[source]]``: one title with its encodings."""

    name: str = Field(description="shown in every output")
    reference: str | None = Field(
        default=None, min_length=1, description="the video that the rungs were made from"
    )
    series: list[SeriesTable] = Field(default=[], description="encodings of the title")


class EncodeTable(Table):
    """An entry ``[[encode]]``: encodings to make of every source."""

    name: str = Field(
        default="", description="name of the series; default: the codec and its options"
    )
    codec: Codec = Field(description="FFmpeg's name of the encoder")
    options: dict[str, Annotated[str | int | float | bool, Field(union_mode="left_to_right")]] = (
        Field(default={}, description="options of the encoder itself")
    )
    heights: list[int] = Field(default=[], description="in pixels; default: the source's own")
    crf: Numbers = Field(
        default=[], description="constant quality levels; the two bounds of a search"
    )
    kbps: Numbers = Field(default=[], description="kbit/s, single pass; beside or instead of crf")

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        self.grid()
        return self

    def grid(self) -> EncodeGrid:
        """The table as a grid of encodings.

        Raises:
            ValueError: a value that does not fit the codec.
        """
        with toml.refusals():
            return EncodeGrid(
                codec=self.codec,
                name=self.name,
                options={key: _option(value) for key, value in self.options.items()},
                heights=tuple(self.heights),
                crfs=tuple(self.crf),
                bitrates=tuple(1000 * rate for rate in self.kbps),
            )


class SearchTable(Table):
    """The table ``[search]``: the last setting of each coder and height that meets all targets."""

    targets: Texts = Field(min_length=1, description="rules such as 'vmaf.p5 >= 93'; all must hold")
    samples: str = Field(default="auto", description="how much to search on: all, auto, 20%")
    crf_step: Positive = Field(default=1.0, description="distance of neighbouring CRFs")

    def settings(self) -> SearchSettings:
        """The table as the settings of a search."""
        return SearchSettings(tuple(self.targets), self.samples, self.crf_step)


class LadderTable(Table):
    """The whole configuration of a ladder."""

    layout: Literal[1] = Field(default=1, alias="schema", description="version of this layout")
    metrics: Texts = Field(default=[], description="NAME or NAME:param=value,...")
    compare: CompareTable = Field(
        default_factory=CompareTable, description="how rungs are compared"
    )
    search: SearchTable | None = Field(
        default=None, description="search for targets: [[encode]] says with what and within what"
    )
    source: list[SourceTable] = Field(default=[], description="titles whose encodings are measured")
    encode: list[EncodeTable] = Field(default=[], description="encodings to make of every source")


def read_config(path: Path) -> LadderConfig:
    """Read a TOML file; ``docs/ladder.md`` describes its keys. Paths are relative to the file.

    Raises:
        InputError: the file cannot be read.
        UsageError: it is not TOML, a key or value is wrong, or a pattern matches no file.
    """
    table = toml.load(path, LadderTable)
    if not table.source:
        raise UsageError(f"{path.name}: has no [[source]]; add one with a name and series")
    with placed(path.name):
        refuse_twice("source", (one.name for one in table.source), "give each its own name")
    return LadderConfig(
        tuple(table.metrics),
        tuple(_source(table, number, path) for number in range(len(table.source))),
        tuple(_grid(table, number, path) for number in range(len(table.encode))),
        table.compare.settings(),
        SearchSettings() if table.search is None else table.search.settings(),
    )


def json_schema() -> dict[str, Any]:
    """JSON Schema of the configuration, for editors."""
    return toml.schema_of(LadderTable, "vqa-harness ladder configuration")


def _source(ladder: LadderTable, number: int, path: Path) -> LadderSource:
    table = ladder.source[number]
    with placed(toml.place(path.name, ("source", number), ladder)):
        refuse_twice("series", (one.name for one in table.series), "give each its own name")
    series = []
    for index, one in enumerate(table.series):
        keys = ("source", number, "series", index, "rungs")
        with placed(toml.place(path.name, keys, ladder)):
            series.append(Series(one.name, tuple(_rungs(one.rungs, path.parent))))
    reference = None if table.reference is None else path.parent / table.reference
    return LadderSource(table.name, reference, tuple(series))


def _grid(ladder: LadderTable, number: int, path: Path) -> EncodeGrid:
    grid = ladder.encode[number].grid()
    if ladder.search is None:
        with placed(toml.place(path.name, ("encode", number), ladder)):
            grid.require_qualities()
    return grid


def _rungs(patterns: Sequence[str], folder: Path) -> list[Path]:
    """The files that are named, each once."""
    files: dict[Path, None] = {}
    for pattern in patterns:
        matches = _matches(folder, pattern)
        if not matches:
            raise UsageError(f"no file matches {pattern}")
        files |= dict.fromkeys(matches)
    return list(files)


def _option(value: str | float) -> str:
    """The value of an encoder's option as FFmpeg reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _matches(folder: Path, pattern: str) -> list[Path]:
    if not any(c in pattern for c in "*?["):
        return [folder / pattern]
    whole = folder / toml.one_descent(pattern)
    return sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))
