"""Reads the ``vqa_harness`` object of a log into `LogView`, whatever it may hold.

The only place that asks whether something in a log is of the right kind. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vqa_harness.logs.lenient import (
    as_lines,
    as_list,
    as_number,
    as_numbers,
    as_object,
    as_pair,
    as_rate,
    as_text,
    as_truth,
    as_whole,
    as_word,
    each,
    finite,
    shown,
)
from vqa_harness.logs.view import (
    Alignment,
    ColourEntry,
    Counted,
    FeatureEntry,
    Inputs,
    LogView,
    MetricEntry,
    PooledEntry,
    Pooling,
    Reading,
    SegmentEntry,
    StreamEntry,
    WindowEntry,
    WorstRun,
)

_PERCENTILE = re.compile(r"p\d+")
_HIGHER = {"higher": True, "lower": False}


def parse_view(extra: Mapping[str, Any]) -> LogView:
    """The view of a ``vqa_harness`` object; every value that is not as expected is left empty."""
    return LogView(
        schema=as_whole(extra.get("schema")),
        harness_version=as_text(extra.get("harness_version")),
        created=as_text(extra.get("created")),
        command=as_text(extra.get("command")),
        inputs=_inputs(as_object(extra.get("inputs"))),
        reading={role: _reading(given) for role, given in as_object(extra.get("reading")).items()},
        alignment=parse_alignment(extra.get("alignment")),
        metrics={label: _metric(label, x) for label, x in as_object(extra.get("metrics")).items()},
        pooling=_pooling(as_object(extra.get("pooling"))),
        frame_times=tuple(map(as_number, as_list(extra.get("frame_times")))),
        warnings=as_lines(extra.get("warnings")),
        errors={label: shown(x) for label, x in as_object(extra.get("errors")).items()},
        seconds=as_numbers(extra.get("seconds")),
    )


def parse_alignment(value: Any) -> Alignment:
    """The view of an ``alignment`` object."""
    given = as_object(value)
    frames, scaled = as_object(given.get("frames")), as_object(given.get("format"))
    head, tail = as_object(given.get("extra_head")), as_object(given.get("extra_tail"))
    return Alignment(
        mode=as_text(given.get("mode")),
        model=as_text(given.get("model")),
        options=as_object(given.get("options")),
        pairs=as_whole(given.get("pairs")),
        offset_frames=as_whole(given.get("offset_frames")),
        offset_seconds=as_number(given.get("offset_seconds")),
        distorted_frames=as_whole(frames.get("distorted")),
        reference_frames=as_whole(frames.get("reference")),
        distorted_head=as_whole(head.get("distorted")),
        distorted_tail=as_whole(tail.get("distorted")),
        reference_head=as_whole(head.get("reference")),
        reference_tail=as_whole(tail.get("reference")),
        dropped=_counted(as_object(given.get("dropped"))),
        duplicated=_counted(as_object(given.get("duplicated"))),
        frozen_frames=as_whole(given.get("frozen_frames")),
        unmatched_frames=as_whole(given.get("unmatched_frames")),
        confidence=as_number(given.get("confidence")),
        segments=each(_segment, as_object(given.get("segments")).get("list")),
        distorted_size=as_pair(as_object(scaled.get("distorted")).get("size")),
        facts=flat_facts(given),
    )


def flat_facts(document: Mapping[str, Any], prefix: str = "") -> dict[str, float | None]:
    """Every fact that is a number, a truth, or a list with its length, by its dotted key.

    Of an object with a ``count`` and the ``list`` of the first, the count. Objects inside those
    inside the document are left out.
    """
    found: dict[str, float | None] = {}
    for name, value in document.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            if isinstance(value.get("list"), list) and isinstance(value.get("count"), int):
                found[key] = finite(value["count"])
            elif not prefix:
                found |= flat_facts(value, f"{key}.")
        elif isinstance(value, list):
            found[key] = float(len(value))
        elif value is None or isinstance(value, int | float):
            found[key] = finite(value)
    return found


def _inputs(given: Mapping[str, Any]) -> Inputs:
    return Inputs(_stream(given.get("distorted")), _stream(given.get("reference")))


def _stream(value: Any) -> StreamEntry | None:
    given = as_object(value)
    if not given:
        return None
    return StreamEntry(
        name=as_text(given.get("name")),
        sha256=as_text(given.get("sha256")),
        codec=as_text(given.get("codec")),
        width=as_whole(given.get("width")),
        height=as_whole(given.get("height")),
        pix_fmt=as_text(given.get("pix_fmt")),
        depth=as_whole(given.get("depth")),
        chroma=as_text(given.get("chroma")),
        rate=as_rate(given.get("rate")),
        frames=as_whole(given.get("frames")),
        expected_frames=as_whole(given.get("expected_frames")),
        duration=as_number(given.get("duration")),
        rotation=as_whole(given.get("rotation")),
        mirrored=as_truth(given.get("mirrored")),
        sar=as_text(given.get("sar")),
        interlaced=as_truth(given.get("interlaced")),
        still=as_truth(given.get("still")),
        colour=_colour(as_object(given.get("colour"))),
    )


def _colour(given: Mapping[str, Any]) -> ColourEntry:
    return ColourEntry(
        range=as_text(given.get("range")),
        matrix=as_text(given.get("matrix")),
        transfer=as_text(given.get("transfer")),
        primaries=as_text(given.get("primaries")),
        guessed=each(as_text, given.get("guessed")),
    )


def _reading(value: Any) -> Reading:
    given = as_object(value)
    return Reading(flat_facts(given), as_lines(given.get("warnings")))


def _metric(label: str, value: Any) -> MetricEntry:
    given = as_object(value)
    undefined = as_object(given.get("undefined_frames"))
    return MetricEntry(
        label=label,
        metric=as_text(given.get("metric")),
        provider=as_word(given.get("provider")),
        version=as_word(given.get("version")),
        kind=as_text(given.get("kind")),
        features={name: _feature(x) for name, x in as_object(given.get("features")).items()},
        parameters=as_object(given.get("parameters")),
        info=as_object(given.get("info")),
        temporal=as_text(given.get("temporal")),
        undefined_frames={
            name: each(as_whole, x) for name, x in undefined.items() if isinstance(x, list)
        },
        diagnostics={
            name: tuple(map(as_number, as_list(column)))
            for name, column in as_object(given.get("diagnostics")).items()
        },
        aggregate=as_numbers(given.get("aggregate")),
        warnings=as_lines(given.get("warnings")),
        error=as_word(given.get("error")),
        seconds=as_number(given.get("seconds")),
        score=as_number(given.get("score")),
        windows=each(_window, given.get("windows")),
    )


def _feature(value: Any) -> FeatureEntry:
    given = as_object(value)
    bounds = [as_number(x) for x in as_list(given.get("range"))]
    lo, hi = bounds if len(bounds) == 2 else (None, None)
    return FeatureEntry(
        higher_is_better=_HIGHER.get(as_text(given.get("direction")) or ""),
        lo=lo,
        hi=hi,
        unit=as_text(given.get("unit")) or "",
    )


def _window(value: Any) -> WindowEntry | None:
    given = as_object(value)
    start, stop = as_whole(given.get("start")), as_whole(given.get("end"))
    if start is None or stop is None:
        return None
    return WindowEntry(
        start,
        stop,
        start_seconds=as_number(given.get("start_time")),
        stop_seconds=as_number(given.get("end_time")),
        frames=each(as_whole, given.get("frames")),
        scores=as_numbers(given.get("scores")),
    )


def _counted(given: Mapping[str, Any]) -> Counted:
    return Counted(as_whole(given.get("count")), each(as_whole, given.get("list")))


def _segment(value: Any) -> SegmentEntry | None:
    given = as_object(value)
    kind, frames = as_text(given.get("kind")), as_pair(given.get("distorted"))
    if kind is None or frames is None or frames[0] >= frames[1]:
        return None
    return SegmentEntry(kind, frames, as_pair(given.get("reference")))


def _pooling(given: Mapping[str, Any]) -> Pooling:
    length = as_whole(given.get("worst_run_frames"))
    return Pooling(
        worst_run_frames=length if length is not None and length >= 1 else None,
        harmonic_mean_replaced=each(as_text, given.get("harmonic_mean_replaced")),
        features={name: _pooled(x) for name, x in as_object(given.get("features")).items()},
    )


def _pooled(value: Any) -> PooledEntry:
    given = as_object(value)
    return PooledEntry(
        percentiles={k: as_number(x) for k, x in given.items() if _PERCENTILE.fullmatch(k)},
        std=as_number(given.get("std")),
        worst_run=_worst_run(as_object(given.get("worst_run"))),
        defined_frames=as_whole(given.get("defined_frames")),
        mean_of_defined=as_number(given.get("mean_of_defined")),
    )


def _worst_run(given: Mapping[str, Any]) -> WorstRun | None:
    start, stop = as_whole(given.get("start")), as_whole(given.get("stop"))
    score = as_number(given.get("score"))
    return None if start is None or stop is None or score is None else WorstRun(start, stop, score)
