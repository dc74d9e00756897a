"""Reads configurations: TOML files checked by pydantic models.

Every file the harness is configured by goes through `load`. A fault ends in one line that names the
file, the place in it, the value, and the nearest key there is::

    ladder.toml: [[source]] 'bbb', [[series]] 'x264', key rnugs: unknown key; did you mean rungs?
"""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from vqa_harness.errors import UsageError, nearest, one_line
from vqa_harness.files import read_bytes

MAX_BYTES = 4 << 20
"""Size in bytes of the largest file that is read."""

_MAX_DEPTH = 32
_MAX_KEY = 200
_DOTTED = re.compile(rb"(?:\.[\"'\w \t-]*){1000}")
"""A key of a thousand parts, for which the parser would take minutes."""

Keys = Sequence[str | int]
"""The path to a value: keys of tables, and numbers of entries from 0."""


class Table(BaseModel):
    """A table of a TOML file, the base of all models here.

    Unknown keys are errors, and no value is converted to another type. A validator may raise
    `ValueError` with a message for the user; see `refusals`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


Model = TypeVar("Model", bound=BaseModel)


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _numbers(value: Any) -> Any:
    return [value] if isinstance(value, int | float) else value


_WORDS = dict.fromkeys(("model_type", "dict_type"), "input should be a table")
"""Our words for faults that pydantic describes in terms of Python."""

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
Texts = Annotated[
    list[str],
    BeforeValidator(_texts),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
]
"""A list of texts; a single one may stand without brackets."""

Numbers = Annotated[
    list[float],
    BeforeValidator(_numbers),
    WithJsonSchema({"anyOf": [_NUMBER, {"type": "array", "items": _NUMBER}]}),
]
"""A list of numbers; a single one may stand without brackets."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a `UsageError` inside a validator into a fault of the value that is validated.

    Raises:
        ValueError: with the message of the `UsageError`; pydantic takes no other error.
    """
    try:
        yield
    except UsageError as error:
        raise ValueError(str(error)) from None


def load(path: Path, model: type[Model], table: Sequence[str] = ()) -> Model:
    """Read a TOML file.

    Args:
        path: the file, in UTF-8, at most `MAX_BYTES`.
        model: the model of what it must hold.
        table: keys of the table that is read, such as ``("tool", "vqa-harness")``; empty for the
            whole file.

    Raises:
        InputError: the file cannot be read, or is too large.
        UsageError: it is not TOML, has no such table, or a key or value is wrong.
    """
    document: Any = read_toml(path)
    for key in table:
        document = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping):
        raise UsageError(f"{path}: has no table {_header(table)}")
    return validate(document, path.name, model, table)


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file, not checked by any model.

    Raises:
        InputError: the file cannot be read, or is too large.
        UsageError: it is not TOML.
    """
    return parse_toml(read_bytes(path, MAX_BYTES, "a configuration"), str(path))


def parse_toml(data: bytes, name: str) -> dict[str, Any]:
    """The content of a TOML file that was read already.

    Args:
        data: the bytes of the file.
        name: of the file, for messages.

    Raises:
        UsageError: it is not TOML; the message begins with ``name``.
    """
    if any(_DOTTED.search(line) for line in data.split(b"\n") if line[:1] != b"#"):
        raise UsageError(f"{name}: tables are nested too deeply")
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: is not valid TOML: {one_line(error)}") from None
    _check_bounds(document, name)
    return document


def _check_bounds(document: Any, name: str) -> None:
    """Refuse what no configuration needs: deep nesting, and keys and numbers of great length.

    Raises:
        UsageError: there is such a thing.
    """
    values = [(document, 0)]
    while values:
        value, depth = values.pop()
        if depth > _MAX_DEPTH:
            raise UsageError(f"{name}: tables are nested too deeply")
        if isinstance(value, dict):
            for key in value:
                if len(key) > _MAX_KEY:
                    raise UsageError(f"{name}: key {key[:20]}...: has {len(key)} characters")
            values += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            values += [(inner, depth + 1) for inner in value]
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise UsageError(f"{name}: a whole number is too large, TOML has 64 bits for it")


def one_descent(pattern: str) -> str:
    """The pattern of files with one ``**/`` for several: each more searches everything again."""
    return re.sub(r"(\*\*/)+", "**/", pattern)


def validate(
    document: Mapping[str, Any], name: str, model: type[Model], table: Sequence[str] = ()
) -> Model:
    """A TOML document as a model.

    Args:
        document: the table that was read.
        name: of the file, for messages.
        model: the model of what the table must hold.
        table: keys of that table within the file.

    Raises:
        UsageError: a key or value is wrong. Unknown keys come first, because a misspelt key is
            missing as well; the message counts the faults it does not name.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    except RecursionError:
        raise UsageError(f"{name}: tables are nested too deeply") from None
    keys = tuple(_keys(first, document))
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    raise UsageError(f"{place(name, keys, document, table)}: {_what(first, keys, model)}{more}")


def place(name: str, keys: Keys, document: Any, table: Sequence[str] = ()) -> str:
    """Where a value stands: ``vqa-harness.toml: [[case]] 'intro', key reference``.

    Args:
        name: of the file.
        keys: the path to the value.
        document: the table that was read, or its model; entries are called by their key ``name``.
        table: keys of the table that was read, within the file.
    """
    if isinstance(document, BaseModel):
        document = document.model_dump(by_alias=True)
    parts = [_header(table)] if table else []
    rest = list(keys)
    while rest:
        key, document = rest[0], _item(document, rest[0])
        if isinstance(document, list) and rest[1:] and isinstance(_item(document, rest[1]), dict):
            number, document = rest[1], _item(document, rest[1])
            parts.append(f"[[{key}]] {_title(document, number)}")
            rest = rest[2:]
            continue
        top = len(rest) == len(keys) and isinstance(document, dict)
        word = f"entry {key + 1}" if isinstance(key, int) else f"key {key}"
        parts.append(_header([str(key)]) if top else word)
        rest = rest[1:]
    return f"{name}: {', '.join(parts)}" if parts else name


def schema_of(model: type[BaseModel], title: str) -> dict[str, Any]:
    """JSON Schema of a configuration, for editors.

    Args:
        model: the model of the whole file.
        title: what the file is, in a few words.
    """
    schema = model.model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, **schema, "title": title}


def _header(table: Sequence[str]) -> str:
    return f"[{'.'.join(table)}]"


def _title(entry: Any, number: str | int) -> str:
    """The name of an entry, or the number of one that has none."""
    name = entry.get("name")
    return repr(name) if isinstance(name, str) and name else str(int(number) + 1)


def _item(document: Any, key: str | int) -> Any:
    """What stands under a key or number; None where there is nothing."""
    try:
        return document[key]
    except (KeyError, IndexError, TypeError):
        return None


def _keys(fault: ErrorDetails, document: Any) -> Iterator[str | int]:
    """The path to a fault, without what pydantic adds to it: members of unions, parts of a pair."""
    *path, last = fault["loc"] or (None,)
    for key in path:
        inner = _item(document, key)
        if inner is not None:
            yield key
            document = inner
    absent = fault["type"] in ("missing", "extra_forbidden")
    if last is not None and (absent or _item(document, last) is not None):
        yield last


def _what(fault: ErrorDetails, keys: Keys, model: type[BaseModel]) -> str:
    """The words for what is wrong, to follow the place."""
    if fault["type"] == "extra_forbidden":
        return "unknown key" + nearest(str(keys[-1]), _known(keys[:-1], model))
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] in ("too_short", "string_too_short") and not fault["input"]:
        return "is empty"
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, Exception):  # raised by a validator, for the user
        return one_line(cause)
    text = _WORDS.get(fault["type"]) or f"{fault['msg'][0].lower()}{fault['msg'][1:]}"
    return f"{text}, not {_short(fault['input'])}"


def _known(keys: Keys, model: Any) -> list[str]:
    """The keys of the table that is reached by these keys."""
    for key in keys:
        if isinstance(key, str):
            model = _fields(model).get(key)
    return list(_fields(model))


def _fields(model: Any) -> dict[str, Any]:
    """The keys of a table, each with the model of the table under it; None where it is a value."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    return {
        field.alias or name: _table_in(field.annotation)
        for name, field in model.model_fields.items()
    }


def _table_in(annotation: Any) -> type[BaseModel] | None:
    """The model in ``list[Model]``, ``Model | None`` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = (_table_in(part) for part in typing.get_args(annotation))
    return next((model for model in models if model is not None), None)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
