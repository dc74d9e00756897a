"""What an encoder ladder is made of: sources, series of rungs, and how they are compared."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vqa_harness.errors import UsageError, refuse_twice
from vqa_harness.ladder.encode import Grid
from vqa_harness.stats.bdrate import METHODS, MIN_OVERLAP

SCHEMA = 1
NotMonotone = Literal["refuse", "pareto"]
CurveKind = Literal["auto", "points", "hull"]
DEFAULT_JND: Mapping[str, float] = {"vmaf": 6.0}
"""Just noticeable difference by feature; that of VMAF is about 6 points (Ozer, RealNetworks)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How rungs are compared.

    Attributes:
        pool: which pooled value of a feature is its quality, such as ``mean`` or ``p5``.
        method: ``pchip`` or ``akima``.
        min_overlap: smallest part of the narrower quality range that two curves must share.
        not_monotone: ``refuse`` a curve with a point no better than one of less bitrate, or leave
            such points out (``pareto``).
        curve: ``points``: the curve of a series goes through all its rungs. ``hull``: through those
            on its convex hull. ``auto``: hull where a series has several resolutions.
        anchor: the series the others are compared with; empty for the first.
        features: what is compared; empty for the first feature of each metric.
        jnd: just noticeable difference by feature.
        target_bitrates: bit/s to choose a rung for.
        target_qualities: feature to qualities to choose a rung for.
    """

    pool: str = "mean"
    method: str = "pchip"
    min_overlap: float = MIN_OVERLAP
    not_monotone: NotMonotone = "refuse"
    curve: CurveKind = "auto"
    anchor: str = ""
    features: tuple[str, ...] = ()
    jnd: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_JND))
    target_bitrates: tuple[float, ...] = ()
    target_qualities: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from vqa_harness.stats.pooling import pooled

        pooled([0.0], self.pool)
        _one_of("method", self.method, METHODS)
        _one_of("not_monotone", self.not_monotone, ("refuse", "pareto"))
        _one_of("curve", self.curve, ("auto", "points", "hull"))
        if not 0 <= self.min_overlap <= 1:
            raise UsageError(f"min_overlap {self.min_overlap:g}: must be from 0 to 1")
        if any(not value > 0 for value in (*self.jnd.values(), *self.target_bitrates)):
            raise UsageError("just noticeable differences and target bitrates must be above 0")


@dataclass(frozen=True, slots=True)
class Series:
    """Encodings of one source with one encoder at several bitrates."""

    name: str
    rungs: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One title: its reference (None where there is none), series, and grids to encode."""

    name: str
    reference: Path | None
    series: tuple[Series, ...] = ()


@dataclass(frozen=True, slots=True)
class LadderConfig:
    """Everything `vqa_harness.ladder.score.measure` needs.

    Attributes:
        metrics: requests such as ``vmaf`` or ``clipvqa:window=4``.
        sources: what is measured.
        grids: what is encoded from every source.
        settings: how it is compared.
    """

    metrics: tuple[str, ...]
    sources: tuple[Source, ...]
    grids: tuple[Grid, ...] = ()
    settings: Settings = field(default_factory=Settings)


def read_config(path: Path) -> LadderConfig:
    """Read a TOML file; ``docs/ladder.md`` describes its keys. Paths are relative to the file.

    Raises:
        UsageError: it cannot be read, or a key is unknown, missing or of the wrong kind.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is no TOML: {error}") from None
    table = _Table(document, path.name)
    schema = table.take("schema", int, SCHEMA)
    if schema != SCHEMA:
        raise UsageError(f"{path.name}: schema {schema} is not known; this is version {SCHEMA}")
    metrics = tuple(table.texts("metrics"))
    sources = [_source(entry, path.parent) for entry in table.tables("source")]
    grids = [_grid(entry) for entry in table.tables("encode")]
    settings = _settings(_Table(table.take("compare", dict, {}), f"{path.name}: compare"))
    table.end()
    if not sources:
        raise UsageError(f"{path.name}: has no [[source]]; add one with a name and series")
    refuse_twice("source", (source.name for source in sources), "give each its own name")
    return LadderConfig(metrics, tuple(sources), tuple(grids), settings)


def _source(table: _Table, folder: Path) -> Source:
    name = table.take("name", str)
    reference = table.take("reference", str, "")
    series = tuple(_series(entry, folder) for entry in table.tables("series"))
    table.end()
    refuse_twice(f"source {name}: series", (one.name for one in series), "give each its own name")
    return Source(name, folder / reference if reference else None, series)


def _series(table: _Table, folder: Path) -> Series:
    name, patterns = table.take("name", str), table.texts("rungs")
    table.end()
    found: list[Path] = []
    for pattern in patterns:
        matches = _matches(folder, pattern)
        if not matches:
            raise UsageError(f"series {name!r}: no file matches {pattern}")
        found += [match for match in matches if match not in found]
    if not found:
        raise UsageError(f"series {name!r} has no rungs; name files or patterns")
    return Series(name, tuple(found))


def _grid(table: _Table) -> Grid:
    grid = Grid(
        name=table.take("name", str, ""),
        codec=table.take("codec", str),
        options={k: str(v) for k, v in table.take("options", dict, {}).items()},
        heights=tuple(table.numbers("heights", int)),
        crfs=tuple(table.numbers("crf", float)),
        bitrates=tuple(1000 * x for x in table.numbers("kbps", float)),
    )
    table.end()
    return grid


def _settings(table: _Table) -> Settings:
    qualities = table.take("target_quality", dict, {})
    settings = Settings(
        pool=table.take("pool", str, "mean"),
        method=table.take("method", str, "pchip"),
        min_overlap=float(table.take("min_overlap", float, MIN_OVERLAP)),
        not_monotone=table.take("not_monotone", str, "refuse"),
        curve=table.take("curve", str, "auto"),
        anchor=table.take("anchor", str, ""),
        features=tuple(table.texts("features")),
        jnd={**DEFAULT_JND, **_numbers_of(table.take("jnd", dict, {}), "jnd")},
        target_bitrates=tuple(1000 * x for x in table.numbers("target_kbps", float)),
        target_qualities={
            name: tuple(_numbers_of(dict(enumerate(values)), name).values())
            for name, values in qualities.items()
            if isinstance(values, list)
        },
    )
    table.end()
    return settings


class _Table:
    """A TOML table whose keys are taken one by one, so that unknown ones can be told."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._left, self._where = dict(values), where

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        """The value, of that kind; whole numbers pass for numbers."""
        if key not in self._left:
            if default is None:
                raise UsageError(f"{self._where}: {key} is missing")
            return default
        value = self._left.pop(key)
        good = isinstance(value, int | float if kind is float else kind)
        if not good or (isinstance(value, bool) and kind is not bool):
            raise UsageError(f"{self._where}: {key} = {value!r} is no {_KINDS[kind]}")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts, empty if absent."""
        return self._list(key, str)

    def numbers(self, key: str, kind: type) -> list[Any]:
        """A list of numbers, empty if absent."""
        return self._list(key, kind)

    def tables(self, key: str) -> list[_Table]:
        """The tables of an array, empty if absent."""
        where = f"{self._where}: [[{key}]]"
        return [_Table(entry, where) for entry in self._list(key, dict)]

    def end(self) -> None:
        """Every key must have been taken."""
        if self._left:
            raise UsageError(f"{self._where}: unknown key {', '.join(sorted(self._left))}")

    def _list(self, key: str, kind: type) -> list[Any]:
        values = self.take(key, list, [])
        return [_Table({key: value}, self._where).take(key, kind) for value in values]


_KINDS = {int: "whole number", float: "number", str: "text", dict: "table", list: "list"}


def _numbers_of(values: Mapping[Any, Any], where: str) -> dict[Any, float]:
    return {
        key: float(_Table({where: x}, "compare").take(where, float)) for key, x in values.items()
    }


def _matches(folder: Path, pattern: str) -> list[Path]:
    if not any(c in pattern for c in "*?["):
        return [folder / pattern]
    whole = folder / pattern
    return sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))


def _one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UsageError(f"{what} {value!r}: choose one of {', '.join(allowed)}")
