"""Writes the first configuration of a gate from the videos that lie in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqa_harness.console import note, warn
from vqa_harness.errors import InputError, UsageError
from vqa_harness.gate.config import FILE_NAME, find_config
from vqa_harness.gate.found import find_videos, pairs_by_name
from vqa_harness.registry import Registry
from vqa_harness.request import missing_parts


@dataclass(frozen=True, slots=True)
class _Start:
    """A metric to begin with.

    Attributes:
        metric: its name.
        rules: rules with bounds to begin with.
    """

    metric: str
    rules: tuple[str, ...]


_COMPARING = (
    _Start("vmaf", ("vmaf.mean >= 90", "vmaf.p5 >= 80")),
    _Start("ssim", ("ssim.mean >= 0.95", "ssim.p5 >= 0.9")),
    _Start("psnr", ("psnr_y.mean >= 35", "psnr_y.p5 >= 30")),
)
_LONE = (
    _Start("clipvqa", ("clipvqa.mean >= 50",)),
    _Start("niqe", ("niqe.mean <= 7",)),
    _Start("brisque", ("brisque.mean <= 50",)),
)
"""What is taken of each kind: the first that can run here."""

_FACTS = ("align.dropped <= 0", "align.duplicated <= 0", "align.unmatched_frames <= 0")
_WITHOUT = "without-reference"


def write_configuration(
    path: Path | None, videos: Sequence[Path], reference: Path | None, registry: Registry
) -> Path:
    """Write a commented configuration, and say what it holds.

    Args:
        path: the file; None for ``vqa-harness.toml`` in the current folder.
        videos: what to judge; empty for every video in and below the file's folder.
        reference: what all of them are compared with; None to find the pairs by name.
        registry: knows which metrics can run here.

    Raises:
        UsageError: there is a configuration already, or the file cannot be written.
        InputError: a video is not there, or there is none.
    """
    target = path or Path(FILE_NAME)
    there = target if os.path.lexists(target) else None if path else find_config(Path())
    if there is not None:
        raise UsageError(
            f"{there} holds a configuration already, which --init never overwrites; "
            "name another file with --config"
        )
    for video in (*videos, *([reference] if reference is not None else [])):
        if not video.is_file():
            raise InputError(f"{video}: no such file; check the path")
    pairs = _pairs(target.parent, videos, reference)
    text = configuration(pairs, target.parent, registry)
    try:
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror or error}") from None
    for ref, group in pairs.items():
        what = "nothing" if ref is None else str(ref)
        note(f"{target}: {', '.join(map(str, group))}: compared with {what}")
    note(f"wrote {target}; vqa-harness gate --dry-run shows what it judges")
    return target


def _pairs(
    folder: Path, videos: Sequence[Path], reference: Path | None
) -> dict[Path | None, list[Path]]:
    found = list(videos) or list(find_videos(folder))
    if not found:
        raise InputError(
            f"{folder.absolute()}: no video is here or in a folder below; name some: "
            "gate --init VIDEO --reference FILE"
        )
    if reference is not None:
        same = reference.resolve()
        found = [video for video in found if video.resolve() != same]
        pairs: dict[Path | None, list[Path]] = {reference: found} if found else {}
    else:
        pairs, alone = pairs_by_name(found, folder)
        for path in alone:
            warn(f"{path}: looks like a reference, and no video has its name; left out")
    if not pairs:
        raise InputError(f"{folder.absolute()}: holds references only, and no video to judge")
    return pairs


def configuration(
    pairs: Mapping[Path | None, Sequence[Path]], folder: Path, registry: Registry
) -> str:
    """The text of a configuration.

    Args:
        pairs: reference, None for none, to the videos compared with it.
        folder: where the configuration lies.
        registry: knows which metrics can run here.

    Raises:
        UsageError: no metric of the kind that is needed can run here.
    """
    comparing = _first(_COMPARING, registry) if any(r is not None for r in pairs) else None
    lone = _first(_LONE, registry) if None in pairs else None
    names = _names(pairs)
    lines = [
        "# `vqa-harness gate` scores the cases below and judges them by the rules.",
        "# Written by `vqa-harness gate --init` from the videos found; change whatever does not",
        "# fit. docs/gate.md describes every key, `vqa-harness gate --dry-run` lists what is",
        "# judged, and `vqa-harness metrics` what can be measured.",
        "schema = 1",
        "",
        "# Scored in every case, beside the metrics that rules name.",
        "metrics = []",
        "",
        "# What must hold for every case. The bounds are only a beginning: see what your videos",
        "# reach, and set them just below. mean is the average over all frames, p5 what all but",
        "# the worst 5 % of the frames reach.",
        "rules = [",
        *(f"  {_quoted(rule)}," for rule in _common(comparing, lone)),
        "]",
        "",
        "# Scores that were accepted before, for rules with max_drop (the last lines below).",
        "# Take the # away, run `vqa-harness gate --update-baseline`, and commit the file.",
        '# baseline = "baseline.json"',
    ]
    if comparing is not None:
        lines += [
            "",
            "# How frames are paired with the reference; these are the defaults.",
            "[align]",
            'mode = "auto"      # finds shifts, drops and repeats by the pictures',
            'tail = "error"     # a longer start or end of one video; common scores the rest',
        ]
    for reference, group in pairs.items():
        lines += ["", *_case(names[reference], reference, group, folder)]
    lines += _limited(comparing, lone, names)
    lines += [
        "",
        "# No case may lose more than this against the baseline.",
        "# [[rule]]",
        f"# value = {_quoted(_main(comparing or lone))}",
        "# max_drop = 0.5",
    ]
    return "\n".join(lines) + "\n"


def _common(comparing: _Start | None, lone: _Start | None) -> list[str]:
    """The rules that hold for all cases alike."""
    of_all = ["reading.decode_errors <= 0"]
    if comparing is not None and lone is not None:
        return of_all
    of_kind = comparing or lone
    rules = list(of_kind.rules) if of_kind is not None else []
    return rules + (list(_FACTS) if comparing is not None else []) + of_all


def _limited(
    comparing: _Start | None, lone: _Start | None, names: Mapping[Path | None, str]
) -> Iterator[str]:
    """Rules that name their cases, where some have a reference and some have none."""
    if comparing is None or lone is None:
        return
    with_reference = [name for reference, name in names.items() if reference is not None]
    yield from ("", "# Rules for the cases with a reference, and for those without.")
    for start, cases in ((comparing, with_reference), (lone, [names[None]])):
        extra = _FACTS if start is comparing else ()
        for rule in (*start.rules, *extra):
            yield from ("[[rule]]", f"check = {_quoted(rule)}")
            yield f"cases = [{', '.join(_quoted(_escaped(name)) for name in cases)}]"


def _case(name: str, reference: Path | None, group: Sequence[Path], folder: Path) -> Iterator[str]:
    yield "[[case]]"
    yield f"name = {_quoted(name)}"
    shown = [_quoted(_relative(path, folder)) for path in group]
    if len(shown) == 1:
        yield f"distorted = {shown[0]}"
    else:
        yield "# each file is a case of its own"
        yield from ("distorted = [", *(f"  {path}," for path in shown), "]")
    if reference is not None:
        yield f"reference = {_quoted(_relative(reference, folder))}"


def _first(starts: Sequence[_Start], registry: Registry) -> _Start:
    specs = registry.specs()
    for start in starts:
        if start.metric in specs and not missing_parts(specs[start.metric]):
            return start
    names = ", ".join(start.metric for start in starts)
    raise UsageError(f"none of the metrics {names} can run here; vqa-harness metrics says why")


def _main(start: _Start | None) -> str:
    return start.rules[0].split()[0] if start is not None else ""


def _names(pairs: Mapping[Path | None, Sequence[Path]]) -> dict[Path | None, str]:
    """A name for each `[[case]]`: that of its reference, with a number where it is taken."""
    names: dict[Path | None, str] = {}
    for reference in pairs:
        base = _WITHOUT if reference is None else _allowed(reference.stem)
        name, number = base, 1
        while name in names.values():
            number += 1
            name = f"{base}-{number}"
        names[reference] = name
    return names


def _allowed(text: str) -> str:
    return "".join(c if c.isprintable() and c not in "*?" else "_" for c in text) or "case"


def _escaped(name: str) -> str:
    """The name of a group as a pattern that matches only itself."""
    return name.replace("[", "[[]")


def _relative(path: Path, folder: Path) -> str:
    try:
        text = os.path.relpath(path, folder)
    except ValueError:  # another drive of Windows
        text = str(path.absolute())
    return text.replace(os.sep, "/")


def _quoted(text: str) -> str:
    """The text as a basic string of TOML, whose escapes are those of JSON and one more."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
