"""What two folders of `same_logs.py` differ in, a line for each difference.

JSON is compared value by value, numbers as they are written, and by its layout; all else line by
line, pictures and videos by their bytes. What may differ stands in the three constants below.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path
from typing import Any

IGNORED_FILES = ("folders.txt", "cache/*", "gate-cache/*", "bench-cache/*")
"""Files, by their path in the folder: caches may be kept under other names."""

IGNORED_FIELDS = (
    "fps",  # frames per second of processor time
    "*harness_version",
    "*cache_key",
    "*created",
    "vqa_harness.seconds",  # wall and processor time by part
    "vqa_harness.metrics.*.seconds",
    "[0-9]*.seconds.*",  # of run --json
    "cases.*.seconds",  # of the gate
)
"""Fields of JSON documents, by their keys and indices joined with dots."""

REPLACED = (
    (r"\bvqa-harness \d+\.\d+\.\d+[\w.+]*", "vqa-harness VERSION"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z|\+00:00)?", "DATE"),
    (r"\b0x[0-9a-f]+\b", "ADDRESS"),  # of FFmpeg's filters, in its messages
    (r"\bafter \d+ frame pairs", "after N frame pairs"),  # how many the pipe took
    (r"vqa-harness: compiling [^\n]*\n", ""),  # once per machine
    (r'(<fyi [^>]*fps|<test\w+ [^>]*\btime)="[\d.]+"', r'\1="TIME"'),
)
"""In every text: patterns, and what stands in their place before texts are compared."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_XML_OBJECT = re.compile(r"<vqa_harness>(.*)</vqa_harness>", re.DOTALL)
_SHOWN = 70


def differences(before: Path, after: Path) -> Iterator[str]:
    """One line per difference.

    Args:
        before: a folder that ``same_logs.py write`` has filled.
        after: another one.
    """
    here, there = _files(before), _files(after)
    for name in sorted({*here, *there}):
        if name not in there:
            yield f"{name}: missing after"
        elif name not in here:
            yield f"{name}: missing before"
        else:
            for line in _compare(here[name], there[name], _folders(before), _folders(after)):
                yield f"{name}: {line}"


def _files(folder: Path) -> dict[str, Path]:
    if not (folder / "folders.txt").is_file():
        raise SystemExit(f"{folder}: no folder that same_logs.py write has filled")
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {
        name: path
        for name, path in files.items()
        if not any(fnmatchcase(name, pattern) for pattern in IGNORED_FILES)
    }


def _folders(folder: Path) -> tuple[str, str]:
    """The folder as it was called when it was written, and that of the clips."""
    run, clips = (folder / "folders.txt").read_text().splitlines()
    return run, clips


def _compare(
    before: Path, after: Path, here: tuple[str, str], there: tuple[str, str]
) -> Iterator[str]:
    data = before.read_bytes(), after.read_bytes()
    if data[0] == data[1]:
        return
    try:
        first, second = data[0].decode(), data[1].decode()
    except UnicodeDecodeError:
        yield f"other bytes ({len(data[0])} and {len(data[1])})"
        return
    first, second = _normal(first, here), _normal(second, there)
    objects = _XML_OBJECT.search(first), _XML_OBJECT.search(second)
    if objects[0] and objects[1]:
        inner = [html.unescape(found[1]) for found in objects if found]
        yield from _texts(*(f'{{"vqa_harness": {text}}}' for text in inner))
        first, second = (_XML_OBJECT.sub("<vqa_harness/>", text) for text in (first, second))
    yield from _texts(first, second)


def _normal(text: str, folders: tuple[str, str]) -> str:
    for folder, name in zip(folders, ("FOLDER", "CLIPS"), strict=True):
        text = text.replace(folder, name)
    for pattern, instead in REPLACED:
        text = re.sub(pattern, instead, text)
    return text


def _texts(first: str, second: str) -> Iterator[str]:
    try:
        documents = _parse(first), _parse(second)
    except ValueError:
        yield from _lines(first.splitlines(keepends=True), second.splitlines(keepends=True))
        return
    found = list(_values(*documents, ""))
    yield from found
    if not found and _NUMBER.sub("#", first) != _NUMBER.sub("#", second):
        yield "laid out otherwise, or its keys are in another order"


def _parse(text: str) -> Any:
    """The document, its numbers as `_Number`: how many digits there are counts too."""
    document = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    if not isinstance(document, dict | list):
        raise ValueError("a text that happens to be JSON")
    return document


class _Number(str):
    """A number as it is written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


_NOTHING = _Number("nothing")


def _values(first: Any, second: Any, path: str) -> Iterator[str]:
    if any(fnmatchcase(path, pattern) for pattern in IGNORED_FIELDS):
        return
    pairs: Iterable[tuple[object, Any, Any]]
    if isinstance(first, dict) and isinstance(second, dict):
        keys = {**first, **second}
        pairs = [(key, first.get(key, _NOTHING), second.get(key, _NOTHING)) for key in keys]
    elif isinstance(first, list) and isinstance(second, list):
        both = zip_longest(first, second, fillvalue=_NOTHING)
        pairs = [(index, *values) for index, values in enumerate(both)]
    else:
        if type(first) is not type(second) or first != second:
            yield f"{path or 'document'}: {_cut(repr(first))} != {_cut(repr(second))}"
        return
    for key, left, right in pairs:
        yield from _values(left, right, f"{path}.{key}" if path else str(key))


def _lines(first: list[str], second: list[str]) -> Iterator[str]:
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for tag, begin, end, begin_after, end_after in matcher.get_opcodes():
        if tag == "equal":
            continue
        pairs = zip_longest(first[begin:end], second[begin_after:end_after])
        for number, (left, right) in enumerate(pairs, begin + 1):
            yield f"line {number}: {_around(left, right)}"


def _around(left: str | None, right: str | None) -> str:
    """Both lines, from shortly before the place where they part."""
    if left is None or right is None:
        return " != ".join(
            "nothing" if line is None else _cut(repr(line)) for line in (left, right)
        )
    pairs = enumerate(zip(left, right, strict=False))
    part = next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))
    begin = max(0, part - 20)
    return f"{_cut(repr(left[begin:]))} != {_cut(repr(right[begin:]))}"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
