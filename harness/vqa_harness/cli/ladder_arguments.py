"""Reads the command line of ``vqa-harness ladder`` into a `LadderConfig`."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from vqa_harness.errors import UsageError, refuse_twice
from vqa_harness.ladder.config import LadderConfig, LadderSource, Series, read_config
from vqa_harness.ladder.encode import EncodeGrid
from vqa_harness.ladder.settings import CompareSettings, SearchSettings


def from_file(
    config: Path, rungs: list[Path] | None, reference: Path | None, encode: list[str] | None
) -> LadderConfig:
    """The configuration of a file.

    Raises:
        UsageError: the file is wrong, or what it says is said on the command line as well.
    """
    if rungs or reference or encode:
        raise UsageError("--config names sources and rungs; leave RUNG, --reference, --encode out")
    return read_config(config)


def from_arguments(
    rungs: list[Path],
    reference: Path | None,
    grids: list[EncodeGrid],
    group: str,
    timeout: float | None = None,
) -> LadderConfig:
    """One source, its rungs in series by codec or folder.

    Raises:
        UsageError: nothing to measure, or no such grouping.
        InputError: a rung cannot be read.
    """
    if not rungs and not grids:
        raise UsageError("no rungs; name encodings, or have some made with --encode")
    if grids and reference is None:
        raise UsageError("--encode needs a source; add --reference FILE")
    refuse_twice("rung", rungs)
    if group not in ("codec", "folder", "none"):
        raise UsageError(f"--group {group}: choose one of codec, folder, none")
    series: dict[str, list[Path]] = {}
    for path, label in zip(rungs, _series_of(rungs, group, timeout), strict=True):
        series.setdefault(label, []).append(path)
    name = reference.stem if reference else (rungs[0].parent.name or "source")
    named_series = tuple(Series(label, tuple(paths)) for label, paths in series.items())
    return LadderConfig((), (LadderSource(name, reference, named_series),), tuple(grids))


def _series_of(paths: list[Path], group: str, timeout: float | None) -> list[str]:
    if group == "none":
        return ["rungs"] * len(paths)
    if group == "folder":
        return [path.resolve().parent.name for path in paths]
    from vqa_harness.ladder.apart import codecs_of

    return codecs_of(paths, timeout)


def grids(
    encode: list[str],
    height: str | None,
    crf: str | None,
    bitrate: str | None,
    *,
    searched: bool = False,
) -> list[EncodeGrid]:
    """The grids to encode, from texts ``CODEC:option=value,...``.

    A text's own ``crf=23+28`` or ``bitrate=`` wins over ``--crf`` and ``--bitrate``.

    Args:
        encode: the texts.
        height: comma-separated heights.
        crf: comma-separated CRFs.
        bitrate: comma-separated bitrates in kbit/s.
        searched: whether CRFs and bitrates are bounds of a search, which may be left out.

    Raises:
        UsageError: no such codec, or options that do not fit.
    """
    if not encode and (height or crf or bitrate):
        raise UsageError("--height, --crf and --bitrate say what to encode; add --encode CODEC")
    heights = tuple(int(x) for x in _numbers("--height", height))
    made = [
        _grid(text, heights, _numbers("--crf", crf), _numbers("--bitrate", bitrate))
        for text in encode
    ]
    for grid in made:
        if not searched:
            grid.require_qualities()
    return made


def _grid(
    text: str, heights: tuple[int, ...], crfs: tuple[float, ...], rates: tuple[float, ...]
) -> EncodeGrid:
    codec, _, rest = text.partition(":")
    options: dict[str, str] = {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"--encode {text}: {item!r} has no value; write {key}=VALUE")
        options[key.strip()] = value.strip()
    own_crf, own_rate = options.pop("crf", None), options.pop("bitrate", None)
    if own_crf is not None or own_rate is not None:
        crfs = _numbers(f"--encode {text}", own_crf, "+")
        rates = _numbers(f"--encode {text}", own_rate, "+")
    bits = tuple(1000 * rate for rate in rates)
    return EncodeGrid(codec, options=options, heights=heights, crfs=crfs, bitrates=bits)


def search(
    configured: SearchSettings,
    targets: list[str] | None,
    samples: str | None,
    crf_step: float | None,
) -> SearchSettings:
    """What is searched for: what the configuration says, overridden by the command line.

    Raises:
        UsageError: options of a search and no target.
    """
    changes: dict[str, Any] = {"samples": samples, "crf_step": crf_step}
    changes = {key: value for key, value in changes.items() if value is not None}
    found = replace(configured, targets=tuple(targets or configured.targets), **changes)
    if changes and not found.targets:
        raise UsageError("--samples and --crf-step belong to a search; add --target RULE")
    return found


def settings(
    configured: CompareSettings,
    *,
    features: list[str] | None,
    jnd: list[str] | None,
    target_bitrate: str | None,
    target_quality: list[str] | None,
    **plain: Any,
) -> CompareSettings:
    """The settings of the configuration, overridden by those of the command line.

    Args:
        configured: what the configuration says, or the defaults.
        features: features to compare; None to keep those configured.
        jnd: texts ``FEATURE=VALUE``.
        target_bitrate: comma-separated kbit/s.
        target_quality: texts ``FEATURE=VALUE,VALUE...``.
        **plain: other fields of `CompareSettings`; None keeps what is configured.

    Raises:
        UsageError: a value that does not fit.
    """
    changes = {key: value for key, value in plain.items() if value is not None}
    if features:
        changes["features"] = tuple(features)
    if target_bitrate:
        rates = _numbers("--target-bitrate", target_bitrate)
        changes["target_bitrates"] = tuple(1000 * rate for rate in rates)
    if jnd:
        pairs = [_pair("--jnd", text) for text in jnd]
        changes["jnd"] = {**configured.jnd, **{k: _numbers("--jnd", v)[0] for k, v in pairs}}
    if target_quality:
        pairs = [_pair("--target-quality", text) for text in target_quality]
        changes["target_qualities"] = {
            **configured.target_qualities,
            **{k: _numbers("--target-quality", v) for k, v in pairs},
        }
    return replace(configured, **changes)


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value:
        raise UsageError(f"{option} {text}: write {option} FEATURE=VALUE")
    return name.strip(), value


def _numbers(option: str, text: str | None, separator: str = ",") -> tuple[float, ...]:
    try:
        numbers = tuple(float(word) for word in (text or "").split(separator) if word.strip())
    except ValueError:
        raise UsageError(f"{option} {text}: needs numbers, separated by {separator}") from None
    if not all(math.isfinite(x) for x in numbers):
        raise UsageError(f"{option} {text}: needs finite numbers")
    return numbers
