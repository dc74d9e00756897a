"""What a ``ladder.json`` must hold to be read: it may be anybody's, and is checked before use.

Keys that are not read are let be; keys that older versions did not write may be missing. Every
number of a rung that something refers to is that of a rung there is, and every feature and series
is one that the document has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)

from vqa_harness.errors import InputError, one_line
from vqa_harness.stats.pooling import LARGEST

SCHEMA = 1
"""Version of the layout."""
MAX_TEXT = 10_000
"""Characters of the longest name or note."""


class _Part(BaseModel):
    """A part of the document; no value is converted to another type."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False, frozen=True)


def _bounded(value: float) -> float:
    if abs(value) >= LARGEST:
        raise ValueError("is too large a number")
    return value


def _text(value: Any) -> str:
    """A text, also one that pydantic's own does not take: part of a name that is no UTF-8."""
    if not isinstance(value, str):
        raise ValueError("input should be a valid string")
    if len(value) > MAX_TEXT:
        raise ValueError(f"text should have at most {MAX_TEXT} characters")
    return value


Number = Annotated[float, AfterValidator(_bounded)]
Positive = Annotated[Number, Field(gt=0)]
Whole = Annotated[int, Field(ge=0, lt=1 << 53)]
Side = Annotated[int, Field(ge=1, lt=1 << 20)]
Text = Annotated[str, PlainValidator(_text)]
Size = Annotated[list[Side], Field(min_length=2, max_length=2)]
Values = dict[str, Number | None]


class _Settings(_Part):
    pool: Text
    method: Text


class _Feature(_Part):
    direction: Literal["higher", "lower"]
    unit: Text


class _Rung(_Part):
    series: Text
    file: Text
    width: Side
    height: Side
    setting: Text | None
    bitrate: Positive
    frames: Whole
    pooled: dict[str, Values]
    log: Text | None


class _Curve(_Part):
    rungs: list[Whole]
    notes: list[Text]


class _Comparison(_Part):
    feature: Text
    anchor: Text
    test: Text
    bd_rate: Number | None
    bd_quality: Number | None
    overlap: Number | None
    crossings: list[Number]
    notes: list[Text]
    refused: Text | None

    @model_validator(mode="after")
    def _complete(self) -> _Comparison:
        if not self.refused and (self.bd_rate is None or self.overlap is None):
            raise ValueError("has neither a BD-rate with its overlap nor a reason why not")
        return self


class _Step(_Part):
    lower: Whole
    upper: Whole
    gain: Number
    bitrate_ratio: Number
    below_jnd: bool | None


class _Pick(_Part):
    rung: Whole | None
    bitrate: Number = 0.0
    quality: Number = 0.0
    bitrate_at: Values = {}
    quality_at: Values = {}

    @model_validator(mode="after")
    def _aimed(self) -> _Pick:
        if len({"bitrate", "quality"} & self.model_fields_set) != 1:
            raise ValueError("needs a bitrate or a quality, and not both")
        return self


class _Switch(_Part):
    series: Text
    lower: Size
    upper: Size
    bitrate: Number
    quality: Number


class _Hull(_Part):
    rungs: list[Whole]
    front: list[Whole] = []
    steps: list[_Step]
    picks: list[_Pick]
    switches: list[_Switch] = []

    def named(self) -> Iterable[int]:
        """Every number of a rung."""
        yield from self.rungs
        yield from self.front
        for step in self.steps:
            yield from (step.lower, step.upper)
        yield from (pick.rung for pick in self.picks if pick.rung is not None)


class _Tried(_Part):
    setting: Text
    on: Literal["samples", "whole"]
    values: list[Number]
    bitrate: Positive
    holds: bool


class _SearchedRung(_Part):
    series: Text
    height: Side
    setting: Text | None
    bitrate: Positive | None
    values: list[Number] | None
    encodes: Whole
    notes: list[Text]
    tried: list[_Tried]


class _Searched(_Part):
    share: Positive
    samples: list[list[Whole]]
    rungs: list[_SearchedRung]

    def check(self, targets: int) -> None:
        """Refuse a search with more or fewer values than there are targets, or without any."""
        if not targets:
            raise ValueError("a source was searched, and the ladder has no targets")
        for rung in self.rungs:
            for values in (rung.values, *(one.values for one in rung.tried)):
                if values is not None and len(values) != targets:
                    raise ValueError(f"a search has {len(values)} values for {targets} targets")


class _Source(_Part):
    name: Text
    rungs: list[_Rung]
    series: dict[Text, list[Whole]]
    curves: dict[str, dict[Text, _Curve]]
    comparisons: list[_Comparison]
    hulls: dict[str, _Hull]
    searched: _Searched | None = None

    @model_validator(mode="after")
    def _whole(self) -> _Source:
        curves = [curve for some in self.curves.values() for curve in some.values()]
        named = [i for hull in self.hulls.values() for i in hull.named()]
        named += [
            i for members in (*self.series.values(), *(c.rungs for c in curves)) for i in members
        ]
        for index in named:
            if index >= len(self.rungs):
                raise ValueError(f"refers to rung {index}, and has {len(self.rungs)}")
        for one in self.comparisons:
            for name in (one.anchor, one.test):
                if name not in self.series:
                    raise ValueError(f"compares the series {name!r}, which it does not have")
        return self

    def check(self, features: Iterable[str], pool: str) -> None:
        """Refuse a source without all that is shown of these features."""
        for feature in features:
            hull, curves = self.hulls.get(feature), self.curves.get(feature, {})
            if hull is None:
                raise ValueError(f"source {self.name!r} has no hull of {feature!r}")
            missing = [name for name in self.series if name not in curves]
            if missing:
                raise ValueError(
                    f"source {self.name!r} has no curve of {feature!r} for {missing[0]!r}"
                )
            used = {*hull.named(), *(i for curve in curves.values() for i in curve.rungs)}
            for index, rung in enumerate(self.rungs):
                needed = index in used or feature in rung.pooled
                if needed and rung.pooled.get(feature, {}).get(pool) is None:
                    raise ValueError(
                        f"source {self.name!r}, rung {index} has no {pool} of {feature!r}"
                    )
        for one in self.comparisons:
            if one.feature not in features:
                raise ValueError(f"source {self.name!r} compares {one.feature!r}, no feature here")
            if not one.refused and not all(
                self.curves[one.feature][name].rungs for name in (one.anchor, one.test)
            ):
                raise ValueError(f"source {self.name!r} compares a series without a curve")


class _Mean(_Part):
    feature: Text
    anchor: Text
    test: Text
    bd_rate: Number | None
    bd_rate_min: Number | None
    bd_rate_max: Number | None
    sources: Whole
    left_out: Whole


class _Search(_Part):
    targets: list[Text]


class _Ladder(_Part):
    settings: _Settings
    features: dict[str, _Feature]
    sources: list[_Source]
    aggregate: list[_Mean]
    search: _Search | None = None

    @model_validator(mode="after")
    def _whole(self) -> _Ladder:
        for source in self.sources:
            if source.searched is not None:
                source.searched.check(0 if self.search is None else len(self.search.targets))
            source.check(self.features, self.settings.pool)
            for feature in source.hulls:
                if feature not in self.features:
                    raise ValueError(
                        f"source {source.name!r} has a hull of {feature!r}, no feature here"
                    )
        return self


def checked_ladder(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The document of a ladder, with every key that is read, of the right type and consistent.

    Args:
        document: what the file holds.
        name: of the file, for messages.

    Raises:
        InputError: a version that is not known, or a value that is missing or wrong.
    """
    schema = document.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise InputError(f"{name}: schema {repr(schema)[:40]} of ladders is not known")
    try:
        return _Ladder.model_validate(document).model_dump(exclude_unset=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        cause = fault.get("ctx", {}).get("error")
        what = one_line(cause) if isinstance(cause, Exception) else fault["msg"].lower()
        if fault["type"] in ("model_type", "dict_type"):
            what = "is not an object"
        place = ".".join(str(key)[:80] for key in fault["loc"])
        at = f"{place}: " if place else ""
    except RecursionError:
        at, what = "", "is nested too deeply"
    raise InputError(f"{name}: is not a complete ladder ({at}{what}); make it again") from None
