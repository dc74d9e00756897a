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
    Qc,
    QcEventEntry,
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
        reading={role: _reading(x) for role, x in as_object(extra.get("reading")).items()},
        alignment=parse_alignment(extra.get("alignment")),
        metrics={label: _metric(label, x) for label, x in as_object(extra.get("metrics")).items()},
        pooling=_pooling(as_object(extra.get("pooling"))),
        qc=parse_qc(extra.get("qc")),
        frame_times=tuple(map(as_number, as_list(extra.get("frame_times")))),
        warnings=as_lines(extra.get("warnings")),
        errors={label: shown(x) for label, x in as_object(extra.get("errors")).items()},
        seconds=as_numbers(extra.get("seconds")),
    )


def parse_alignment(value: Any) -> Alignment:
    """The view of an ``alignment`` object."""
    alignment = as_object(value)
    frames, scaled = as_object(alignment.get("frames")), as_object(alignment.get("format"))
    head, tail = as_object(alignment.get("extra_head")), as_object(alignment.get("extra_tail"))
    return Alignment(
        mode=as_text(alignment.get("mode")),
        model=as_text(alignment.get("model")),
        options=as_object(alignment.get("options")),
        pairs=as_whole(alignment.get("pairs")),
        offset_frames=as_whole(alignment.get("offset_frames")),
        offset_seconds=as_number(alignment.get("offset_seconds")),
        distorted_frames=as_whole(frames.get("distorted")),
        reference_frames=as_whole(frames.get("reference")),
        distorted_head=as_whole(head.get("distorted")),
        distorted_tail=as_whole(tail.get("distorted")),
        reference_head=as_whole(head.get("reference")),
        reference_tail=as_whole(tail.get("reference")),
        dropped=_counted(as_object(alignment.get("dropped"))),
        duplicated=_counted(as_object(alignment.get("duplicated"))),
        frozen_frames=as_whole(alignment.get("frozen_frames")),
        unmatched_frames=as_whole(alignment.get("unmatched_frames")),
        confidence=as_number(alignment.get("confidence")),
        segments=each(_segment, as_object(alignment.get("segments")).get("list")),
        distorted_size=as_pair(as_object(scaled.get("distorted")).get("size")),
        facts=flat_facts(alignment),
    )


def parse_qc(value: Any) -> Qc:
    """The view of a ``qc`` object; events without a kind or times are left out."""
    qc = as_object(value)
    facts: dict[str, float | None] = {}
    for kind, totals in as_object(qc.get("totals")).items():
        facts |= {f"{kind}.{name}": x for name, x in as_numbers(totals).items()}
    loudness = as_numbers(qc.get("loudness"))
    return Qc(
        duration=as_number(qc.get("duration")),
        judged=tuple(map(shown, as_list(qc.get("judged")))),
        facts=facts | {f"loudness.{name}": x for name, x in loudness.items()},
        events=each(_qc_event, qc.get("events")),
        warnings=as_lines(qc.get("warnings")),
    )


def _qc_event(value: Any) -> QcEventEntry | None:
    event = as_object(value)
    kind = as_text(event.get("kind"))
    start, end = as_number(event.get("start")), as_number(event.get("end"))
    if kind is None or start is None or end is None or end < start:
        return None
    return QcEventEntry(
        kind=kind,
        start=start,
        end=end,
        strength=as_number(event.get("strength")),
        first_frame=as_whole(event.get("first_frame")),
        stop_frame=as_whole(event.get("stop_frame")),
        detail=as_text(event.get("detail")) or "",
    )


def flat_facts(document: Mapping[str, Any], prefix: str = "") -> dict[str, float | None]:
    """Every fact that is a number, true or false, or a list (as its length), by its dotted key.

    An object with a ``count`` and a ``list`` of the first of them gives the count. Objects that lie
    deeper than one level are left out.
    """
    facts: dict[str, float | None] = {}
    for name, value in document.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            if isinstance(value.get("list"), list) and isinstance(value.get("count"), int):
                facts[key] = finite(value["count"])
            elif not prefix:
                facts |= flat_facts(value, f"{key}.")
        elif isinstance(value, list):
            facts[key] = float(len(value))
        elif value is None or isinstance(value, int | float):
            facts[key] = finite(value)
    return facts


def _inputs(inputs: Mapping[str, Any]) -> Inputs:
    return Inputs(_stream(inputs.get("distorted")), _stream(inputs.get("reference")))


def _stream(value: Any) -> StreamEntry | None:
    stream = as_object(value)
    if not stream:
        return None
    return StreamEntry(
        name=as_text(stream.get("name")),
        sha256=as_text(stream.get("sha256")),
        codec=as_text(stream.get("codec")),
        width=as_whole(stream.get("width")),
        height=as_whole(stream.get("height")),
        pix_fmt=as_text(stream.get("pix_fmt")),
        depth=as_whole(stream.get("depth")),
        chroma=as_text(stream.get("chroma")),
        rate=as_rate(stream.get("rate")),
        frames=as_whole(stream.get("frames")),
        expected_frames=as_whole(stream.get("expected_frames")),
        duration=as_number(stream.get("duration")),
        rotation=as_whole(stream.get("rotation")),
        mirrored=as_truth(stream.get("mirrored")),
        sar=as_text(stream.get("sar")),
        interlaced=as_truth(stream.get("interlaced")),
        still=as_truth(stream.get("still")),
        colour=_colour(as_object(stream.get("colour"))),
    )


def _colour(colour: Mapping[str, Any]) -> ColourEntry:
    return ColourEntry(
        range=as_text(colour.get("range")),
        matrix=as_text(colour.get("matrix")),
        transfer=as_text(colour.get("transfer")),
        primaries=as_text(colour.get("primaries")),
        guessed=each(as_text, colour.get("guessed")),
    )


def _reading(value: Any) -> Reading:
    reading = as_object(value)
    return Reading(flat_facts(reading), as_lines(reading.get("warnings")))


def _metric(label: str, value: Any) -> MetricEntry:
    metric = as_object(value)
    undefined = as_object(metric.get("undefined_frames"))
    return MetricEntry(
        label=label,
        metric=as_text(metric.get("metric")),
        provider=as_word(metric.get("provider")),
        version=as_word(metric.get("version")),
        kind=as_text(metric.get("kind")),
        features={name: _feature(x) for name, x in as_object(metric.get("features")).items()},
        parameters=as_object(metric.get("parameters")),
        info=as_object(metric.get("info")),
        temporal=as_text(metric.get("temporal")),
        undefined_frames={
            name: each(as_whole, x) for name, x in undefined.items() if isinstance(x, list)
        },
        diagnostics={
            name: tuple(map(as_number, as_list(column)))
            for name, column in as_object(metric.get("diagnostics")).items()
        },
        aggregate=as_numbers(metric.get("aggregate")),
        warnings=as_lines(metric.get("warnings")),
        error=as_word(metric.get("error")),
        seconds=as_number(metric.get("seconds")),
        score=as_number(metric.get("score")),
        windows=each(_window, metric.get("windows")),
    )


def _feature(value: Any) -> FeatureEntry:
    feature = as_object(value)
    bounds = [as_number(x) for x in as_list(feature.get("range"))]
    lo, hi = bounds if len(bounds) == 2 else (None, None)
    return FeatureEntry(
        higher_is_better=_HIGHER.get(as_text(feature.get("direction")) or ""),
        lo=lo,
        hi=hi,
        unit=as_text(feature.get("unit")) or "",
    )


def _window(value: Any) -> WindowEntry | None:
    window = as_object(value)
    start, stop = as_whole(window.get("start")), as_whole(window.get("end"))
    if start is None or stop is None:
        return None
    return WindowEntry(
        start,
        stop,
        start_seconds=as_number(window.get("start_time")),
        stop_seconds=as_number(window.get("end_time")),
        frames=each(as_whole, window.get("frames")),
        scores=as_numbers(window.get("scores")),
    )


def _counted(counted: Mapping[str, Any]) -> Counted:
    return Counted(as_whole(counted.get("count")), each(as_whole, counted.get("list")))


def _segment(value: Any) -> SegmentEntry | None:
    segment = as_object(value)
    kind, frames = as_text(segment.get("kind")), as_pair(segment.get("distorted"))
    if kind is None or frames is None or frames[0] >= frames[1]:
        return None
    return SegmentEntry(kind, frames, as_pair(segment.get("reference")))


def _pooling(pooling: Mapping[str, Any]) -> Pooling:
    length = as_whole(pooling.get("worst_run_frames"))
    return Pooling(
        worst_run_frames=length if length is not None and length >= 1 else None,
        harmonic_mean_replaced=each(as_text, pooling.get("harmonic_mean_replaced")),
        features={name: _pooled(x) for name, x in as_object(pooling.get("features")).items()},
    )


def _pooled(value: Any) -> PooledEntry:
    pooled = as_object(value)
    return PooledEntry(
        percentiles={k: as_number(x) for k, x in pooled.items() if _PERCENTILE.fullmatch(k)},
        std=as_number(pooled.get("std")),
        worst_run=_worst_run(as_object(pooled.get("worst_run"))),
        defined_frames=as_whole(pooled.get("defined_frames")),
        mean_of_defined=as_number(pooled.get("mean_of_defined")),
    )


def _worst_run(run: Mapping[str, Any]) -> WorstRun | None:
    start, stop = as_whole(run.get("start")), as_whole(run.get("stop"))
    score = as_number(run.get("score"))
    return None if start is None or stop is None or score is None else WorstRun(start, stop, score)
