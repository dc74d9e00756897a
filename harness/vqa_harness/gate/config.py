"""The configuration of a gate: tables and keys, reading them, and their JSON Schema.

``vqa-harness.toml``, or ``[tool.vqa-harness]`` of ``pyproject.toml``. Every fault ends in one line
that names the file, the table and the key, and the nearest right name.
"""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    create_model,
)

from vqa_harness.errors import InputError, UsageError, nearest, one_line
from vqa_harness.gate.rules import Rule, checked, parse_rule, parse_target, placed

FILE_NAME = "vqa-harness.toml"
MAX_BYTES = 4 << 20
"""Largest configuration read."""

_TEXT = {"type": "string"}
_TEXTS = Annotated[
    list[str],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class RuleTable(_Table):
    """A rule with its options: either ``check``, or ``value`` with bounds."""

    check: str | None = Field(None, description="the rule as a line: 'vmaf.mean >= 93'")
    value: str | None = Field(None, description="'vmaf.p5', 'align.dropped', 'bdrate.vmaf', ...")
    min: float | None = Field(None, description="the value must be at least this")
    max: float | None = Field(None, description="the value must be at most this")
    max_drop: float | None = Field(None, ge=0, description="loss allowed against the baseline")
    severity: Literal["error", "warn"] = Field(
        "error", description="error: breaking it fails the gate; warn: it is only reported"
    )
    cases: _TEXTS = Field([], description="names or groups of cases, * allowed; default: all")
    anchor: str | None = Field(
        None, description="bdrate only: the group compared with; default: the baseline"
    )


class CaseTable(_Table):
    """Videos to score."""

    name: str = Field(pattern=r"^[^\x00-\x1f\x7f*?]+$", description="shown in every output")
    distorted: _TEXTS = Field(
        min_length=1, description="files, * ? [] ** allowed; several files make a case each"
    )
    reference: str | None = Field(None, description="the video they are compared with")
    metrics: _TEXTS | None = Field(None, description="instead of the top-level metrics")
    align: dict[str, Any] = Field({}, description="keys that replace those of [align]")
    group: str | None = Field(
        None, description="rungs of one rate-quality curve; default: the name of the case"
    )


class GateTable(_Table):
    """The whole configuration."""

    layout: Literal[1] = Field(1, alias="schema", description="version of this layout")
    metrics: _TEXTS = Field(
        [], description="NAME or NAME:param=value,...; those of the rules are added"
    )
    baseline: str | None = Field(None, description="file that --update-baseline writes")
    rules: _TEXTS = Field([], description="rules as lines: 'vmaf.mean >= 93'")
    rule: list[RuleTable] = Field([], description="rules with options")
    case: list[CaseTable] = Field([], description="what is scored")
    align: dict[str, Any] = Field({}, description="how frames are paired with the reference")


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """A configuration that was read and checked for its form.

    Attributes:
        path: the file.
        table: its content; alignment options as `AlignOptions` takes them.
        rules: of both forms, in order.
    """

    path: Path
    table: GateTable
    rules: list[Rule]

    def place(self, *keys: str | int) -> str:
        """Where a key is, for messages: ``vqa-harness.toml: [[case]] 'intro', key reference``."""
        return _place(self.path, keys, self.table.model_dump(by_alias=True))

    def resolve(self, text: str) -> Path:
        """A path of the configuration, relative to its folder."""
        return self.path.parent / text


def find_config(folder: Path) -> Path | None:
    """``vqa-harness.toml``, or a ``pyproject.toml`` with ``[tool.vqa-harness]``, in the folder."""
    own, project = folder / FILE_NAME, folder / "pyproject.toml"
    if own.is_file():
        return own
    if project.is_file() and "vqa-harness" in _read(project).get("tool", {}):
        return project
    return None


def load_config(path: Path) -> Config:
    """Read and check a configuration.

    Raises:
        InputError: the file cannot be read.
        UsageError: it is no TOML, or a table, key, value or rule is wrong.
    """
    document: Any = _read(path)
    if path.name == "pyproject.toml":
        document = document.get("tool", {}).get("vqa-harness")
        if not isinstance(document, dict):
            raise UsageError(f"{path}: has no table [tool.vqa-harness]")
    try:
        table = GateTable.model_validate(document)
    except ValidationError as error:
        raise UsageError(_explain(error, path, document)) from None
    config = Config(path, table, list(_rules(path, table)))
    table.align = check_align(table.align, path, ("align",), document)
    for number, case in enumerate(table.case):
        case.align = check_align(case.align, path, ("case", number, "align"), document)
    _check_names(config)
    return config


def json_schema() -> dict[str, Any]:
    """JSON Schema of the configuration, for editors."""
    schema: dict[str, Any] = GateTable.model_json_schema(by_alias=True)
    align = _align_table().model_json_schema(ref_template="#/$defs/{model}")
    schema["$defs"] |= align.pop("$defs", {}) | {"AlignTable": align}
    for table in (schema, schema["$defs"]["CaseTable"]):
        text = table["properties"]["align"].get("description", "")
        table["properties"]["align"] = {"$ref": "#/$defs/AlignTable", "description": text}
    schema["title"] = "vqa-harness gate configuration"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def check_align(
    keys: Mapping[str, Any], path: Path, at: tuple[str | int, ...], document: Any
) -> dict[str, Any]:
    """The keys that are given, as `AlignOptions` takes them.

    Raises:
        UsageError: an unknown key, or a value it does not take.
    """
    from vqa_harness.alignment.options import AlignOptions

    try:
        checked = _align_table().model_validate(dict(keys))
    except ValidationError as error:
        raise UsageError(_explain(error, path, document, at)) from None
    given = {name: getattr(checked, name) for name in keys}
    with placed(_place(path, at, document)):
        AlignOptions(**given)
    return given


@lru_cache(maxsize=1)
def _align_table() -> type[BaseModel]:
    """A model with the fields of `AlignOptions`."""
    from vqa_harness.alignment.options import AlignOptions

    hints = typing.get_type_hints(AlignOptions)
    fields: dict[str, Any] = {
        field.name: (hints[field.name], field.default) for field in dataclasses.fields(AlignOptions)
    }
    settings = ConfigDict(extra="forbid", allow_inf_nan=False)
    return create_model("AlignTable", __config__=settings, **fields)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: is larger than {MAX_BYTES} bytes, the limit for a configuration")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: is no TOML: {one_line(error)}") from None


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
    given = {op: limit for op, limit in bounds.items() if limit is not None}
    if (table.check is None) == (table.value is None):
        raise UsageError("needs either check = 'VALUE >= NUMBER', or value and a bound")
    options: dict[str, Any] = {
        "severity": table.severity,
        "cases": tuple(table.cases),
        "anchor": table.anchor,
    }
    if table.check is not None:
        if given:
            raise UsageError("check holds the bound already; leave out min, max and max_drop")
        yield checked(replace(parse_rule(table.check, place=at), **options))
        return
    if not given:
        raise UsageError("has no bound; add min, max or max_drop")
    if table.min is not None and table.max is not None and table.min > table.max:
        raise UsageError(f"min {table.min:g} is above max {table.max:g}")
    band = table.min is not None and table.max is not None
    target = parse_target(table.value or "")
    for op, limit in given.items():
        yield checked(Rule(target, op, limit, place=at, band=band, **options))


def _check_names(config: Config) -> None:
    names = [case.name for case in config.table.case]
    for number, name in enumerate(names):
        if name in names[:number]:
            at = _place(config.path, ("case", number), {})
            raise UsageError(f"{at}: a case is called {name!r} already")


def _explain(
    error: ValidationError, path: Path, document: Any, at: tuple[str | int, ...] = ()
) -> str:
    """The first fault as one line, and how many more there are."""
    faults = error.errors(include_url=False)
    first = faults[0]
    keys = (*at, *first["loc"])
    if first["type"] == "extra_forbidden":
        what = "unknown key" + nearest(str(keys[-1]), _known(keys[:-1]))
    elif first["type"] == "missing":
        what = "is missing"
    else:
        what = f"{first['msg'][0].lower()}{first['msg'][1:]}, not {_short(first['input'])}"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{_place(path, keys, document)}: {what}{more}"


def _known(table: tuple[str | int, ...]) -> list[str]:
    """The keys of a table."""
    names = [key for key in table if isinstance(key, str)]
    tables: dict[str, type[BaseModel]] = {"case": CaseTable, "rule": RuleTable}
    model: type[BaseModel] = tables[names[0]] if names and names[0] in tables else GateTable
    if names[-1:] == ["align"]:
        model = _align_table()
    return [field.alias or name for name, field in model.model_fields.items()]


def _place(path: Path, keys: tuple[str | int, ...], document: Any) -> str:
    """``vqa-harness.toml: [[case]] 'intro', key reference``."""
    parts = ["[tool.vqa-harness]"] if path.name == "pyproject.toml" else []
    rest = list(keys)
    if rest[:1] in (["case"], ["rule"]) and len(rest) > 1 and isinstance(rest[1], int):
        parts.append(f"[[{rest[0]}]] {_title(document, str(rest[0]), rest[1])}")
        rest = rest[2:]
    elif rest[:1] == ["align"]:
        parts.append("[align]")
        rest = rest[1:]
    words = [f"entry {key + 1}" if isinstance(key, int) else f"key {key}" for key in rest]
    return f"{path.name}: {', '.join(parts + words)}"


def _title(document: Any, table: str, number: int) -> str:
    """The name of a case, or the number of a table that has none."""
    try:
        name = document[table][number]["name"]
    except (KeyError, IndexError, TypeError):
        name = None
    return repr(name) if isinstance(name, str) else str(number + 1)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
