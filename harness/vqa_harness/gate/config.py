"""The configuration of a gate: its tables and keys, its rules, and its JSON Schema.

``vqa-harness.toml``, or ``[tool.vqa-harness]`` of ``pyproject.toml``, read by `vqa_harness.config`.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, create_model, model_validator

from vqa_harness import config as toml
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.config import Table, Texts
from vqa_harness.errors import UsageError, placed
from vqa_harness.gate.pairing import DEFAULTS, MIN_SHARE
from vqa_harness.gate.rules import Rule, checked, parse_rule
from vqa_harness.gate.targets import KINDS, parse_target
from vqa_harness.media.input_format import PairFormat

FILE_NAME = "vqa-harness.toml"
PROJECT_FILE = "pyproject.toml"
PROJECT_TABLE = ("tool", "vqa-harness")
"""The table of `PROJECT_FILE` that may hold the configuration."""


class _AlignKeys(Table):
    """What every table of options of pairing has; the keys are those of `AlignOptions`."""

    def set_keys(self) -> dict[str, Any]:
        """The keys that are in the file with their values, as `AlignOptions` takes them."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        with toml.refusals():
            AlignOptions(**self.set_keys())
        return self


if TYPE_CHECKING:
    AlignTable = _AlignKeys
else:
    _HINTS = typing.get_type_hints(AlignOptions)
    AlignTable = create_model(
        "AlignTable",
        __base__=_AlignKeys,
        **{
            field.name: (_HINTS[field.name], getattr(DEFAULTS, field.name))
            for field in dataclasses.fields(AlignOptions)
        },
    )


class InputTable(Table):
    """How inputs are read that do not say it themselves: raw video and numbered images."""

    size: str | None = Field(default=None, description="size of raw video, WIDTHxHEIGHT")
    pix_fmt: str | None = Field(default=None, description="its pixel format; default: yuv420p")
    rate: str | int | float | None = Field(
        default=None,
        description="frames per second, of numbered images too: 25, '30000/1001'",
    )
    reference_size: str | None = Field(default=None, description="of the reference alone")
    reference_pix_fmt: str | None = Field(default=None, description="of the reference alone")
    reference_rate: str | int | float | None = Field(
        default=None, description="the same of the reference alone"
    )

    def set_keys(self) -> dict[str, Any]:
        """The keys that are in the file with their values, as `PairFormat.of` takes them."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        with toml.refusals():
            PairFormat.of(self.set_keys(), name=str)
        return self


class RuleTable(Table):
    """A rule with its options: either ``check``, or ``value`` with bounds."""

    check: str | None = Field(None, description="the rule as a line: 'vmaf.mean >= 93'")
    value: str | None = Field(
        None,
        description="; ".join(f"{' or '.join(kind.forms)}: {kind.about}" for kind in KINDS),
        examples=[kind.example for kind in KINDS],
    )
    min: float | None = Field(None, description="the value must be at least this")
    max: float | None = Field(None, description="the value must be at most this")
    max_drop: float | None = Field(None, ge=0, description="loss allowed against the baseline")
    severity: Literal["error", "warn"] = Field(
        "error", description="error: breaking it fails the gate; warn: it is only reported"
    )
    cases: Texts = Field([], description="names or groups of cases, * allowed; default: all")
    anchor: str | None = Field(
        None, description="bdrate only: the group compared with; default: the baseline"
    )


class CaseTable(Table):
    """One entry ``[[case]]``: videos to score alike."""

    name: str = Field(pattern=r"^[^\x00-\x1f\x7f*?]+$", description="shown in every output")
    distorted: Texts = Field(
        min_length=1, description="files, * ? [] ** allowed; several files make a case each"
    )
    reference: str | None = Field(None, description="the video they are compared with")
    metrics: Texts | None = Field(None, description="scored instead of the top-level metrics")
    align: AlignTable = Field(
        default_factory=AlignTable, description="keys that replace those of [align]"
    )
    input: InputTable = Field(
        default_factory=InputTable, description="keys that replace those of [input]"
    )
    group: str | None = Field(
        None, description="rungs of one rate-quality curve; default: the name of the case"
    )


class GateTable(Table):
    """The whole configuration."""

    layout: Literal[1] = Field(1, alias="schema", description="version of this layout")
    metrics: Texts = Field(
        [], description="NAME or NAME:param=value,...; those of the rules are added"
    )
    baseline: str | None = Field(None, description="file that --update-baseline writes")
    min_share: float = Field(
        MIN_SHARE,
        ge=0,
        le=1,
        description="share of the frames, both ends left aside, that must have been scored",
    )
    rules: Texts = Field([], description="rules as lines: 'vmaf.mean >= 93'")
    rule: list[RuleTable] = Field([], description="rules with options")
    case: list[CaseTable] = Field([], description="what is scored")
    align: AlignTable = Field(
        default_factory=AlignTable, description="how frames are paired with the reference"
    )
    input: InputTable = Field(
        default_factory=InputTable, description="how raw video and numbered images are read"
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """A configuration that was read and checked for its form.

    Attributes:
        path: the file.
        table: its content.
        rules: the rules of both forms, in the order of the file.
    """

    path: Path
    table: GateTable
    rules: list[Rule]

    def place(self, *keys: str | int) -> str:
        """Where a key stands, for messages: ``vqa-harness.toml: [[case]] 'intro', key metrics``."""
        return toml.place(self.path.name, keys, self.table, _within(self.path))

    def resolve(self, text: str) -> Path:
        """A path of the configuration, relative to its folder."""
        return self.path.parent / text


def find_config(folder: Path) -> Path | None:
    """The file of the configuration in a folder; None where there is none.

    It is ``vqa-harness.toml``, or else a ``pyproject.toml`` with ``[tool.vqa-harness]``.
    """
    own, project = folder / FILE_NAME, folder / PROJECT_FILE
    if own.is_file():
        return own
    if not project.is_file():
        return None
    tools = toml.read_toml(project).get(PROJECT_TABLE[0])
    return project if isinstance(tools, dict) and PROJECT_TABLE[1] in tools else None


def load_config(path: Path) -> Config:
    """Read and check a configuration.

    Raises:
        InputError: the file cannot be read.
        UsageError: it is not TOML, or a table, key, value or rule is wrong.
    """
    table = toml.load(path, GateTable, _within(path))
    config = Config(path, table, list(_rules(path, table)))
    _check_names(config)
    return config


def json_schema() -> dict[str, Any]:
    """JSON Schema of the configuration, for editors."""
    return toml.schema_of(GateTable, "vqa-harness gate configuration")


def _within(path: Path) -> tuple[str, ...]:
    """The table of the file that is the configuration; empty for the whole file."""
    return PROJECT_TABLE if path.name == PROJECT_FILE else ()


def _rules(path: Path, table: GateTable) -> Iterator[Rule]:
    for number, line in enumerate(table.rules):
        at = f"{path.name}: rules, entry {number + 1}"
        with placed(at):
            yield parse_rule(line, place=at)
    for number, options in enumerate(table.rule):
        at = f"{path.name}: [[rule]] {number + 1}"
        with placed(at):
            yield from _from_table(options, at)


def _from_table(table: RuleTable, at: str) -> Iterator[Rule]:
    bounds = {">=": table.min, "<=": table.max, "max_drop": table.max_drop}
    set_bounds = {op: limit for op, limit in bounds.items() if limit is not None}
    if (table.check is None) == (table.value is None):
        raise UsageError("needs either check = 'VALUE >= NUMBER', or value and a bound")
    options: dict[str, Any] = {
        "severity": table.severity,
        "cases": tuple(table.cases),
        "anchor": table.anchor,
    }
    if table.check is not None:
        if set_bounds:
            raise UsageError("check holds the bound already; leave out min, max and max_drop")
        yield checked(replace(parse_rule(table.check, place=at), **options))
        return
    if not set_bounds:
        raise UsageError("has no bound; add min, max or max_drop")
    if table.min is not None and table.max is not None and table.min > table.max:
        raise UsageError(f"min {table.min:g} is above max {table.max:g}")
    band = table.min is not None and table.max is not None
    target = parse_target(table.value or "")
    for op, limit in set_bounds.items():
        yield checked(Rule(target, op, limit, place=at, band=band, **options))


def _check_names(config: Config) -> None:
    names = [case.name for case in config.table.case]
    for number, name in enumerate(names):
        if name in names[:number]:
            at = f"{config.path.name}: [[case]] {number + 1}"
            raise UsageError(f"{at}: a case is called {name!r} already")
