"""The conditions that scores were measured under: two scores are compared only where these agree.

They are stored in the baseline beside the scores. That a reference was replaced, an option changed,
or only a part of the frames scored, shows in no score by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vqa_harness.logs.lenient import as_number, as_object, as_whole, shown
from vqa_harness.logs.log import Log
from vqa_harness.logs.metadata import plain

_OF_METRIC = ("models", "checkpoint")
_ENDS_OF_METRIC = ("sha256", "version")
"""Names, and ends of names, of what a metric says of itself and its scores depend on."""

_OF_THE_MACHINE = {"backend", "batch", "device", "ffmpeg", "n_threads", "threads"}
"""Parameters of metrics that say how the scores are computed, not what they are."""

_WITHOUT_INFLUENCE = {"strict"}
"""Options of pairing that refuse a pairing or not, and change no score."""

_OF_REFERENCE = (
    *("size", "pix_fmt", "full_range", "matrix", "transfer", "region", "deinterlaced"),
    *("rotation_undone", "mirror_undone"),
)
"""How the reference was read, of ``alignment.format.reference`` in a log."""

UNDEFINED_SLACK = 0.01
"""Part of the frames by which two counts of undefined frames may differ: a few are chance."""

RENEW = "--update-baseline renews it"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must be equal for two scores of a case to be comparable.

    Attributes:
        frames: how many frames were scored; None where an older baseline does not say it.
        reference: hash of the reference's bytes, or None.
        share: share of the frames that were scored, as the pairing reports it, or None.
        start: reference frames before the first pair, or None.
        options: options of pairing by name; empty without a reference.
        picture: what pixels were measured and how the reference was read; empty without one.
        second: how many frames make the second of ``worst_run``, or None.
        undefined: feature to how many frames it is undefined on; those without any are left out.
        metrics: label of a metric to its version, provider, parameters and model. Empty for the
            log of another program, which says nothing of all this but the frames.
    """

    frames: int | None = None
    reference: str | None = None
    share: float | None = None
    start: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    picture: Mapping[str, Any] = field(default_factory=dict)
    second: int | None = None
    undefined: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def told(self) -> bool:
        """Whether more is known than the number of frames."""
        return bool(self.metrics)

    def to_json(self) -> dict[str, Any]:
        """The conditions as they stand in a baseline, without ``metrics`` and ``reference``."""
        return {
            "frames": self.frames,
            "share": self.share,
            "start": self.start,
            "options": dict(self.options),
            "picture": dict(self.picture),
            "second": self.second,
            "undefined": dict(self.undefined),
        }


def conditions_of(log: Log) -> Conditions:
    """The conditions that a log tells; it may be anybody's."""
    view = log.view
    share = view.alignment.facts.get("share_scored")
    return Conditions(
        frames=len(log),
        reference=_reference(log),
        share=None if share is None else round(share, 4),
        start=view.alignment.reference_head,
        options={k: _told(v) for k, v in view.alignment.options.items()},
        picture=_picture(as_object(log.extra.get("alignment"))),
        second=view.pooling.worst_run_frames,
        undefined={name: len(frames) for name, frames in view.undefined_frames.items() if frames},
        metrics=_metrics(log),
    )


def read_conditions(entry: Mapping[str, Any]) -> Conditions:
    """The conditions of an entry of a baseline; those of an older version have only some of them.

    Raises:
        AttributeError: an object is something else.
        TypeError: likewise.
        ValueError: likewise.
    """
    measured = entry.get("measured", {})
    reference, share = entry.get("reference"), measured.get("share")
    return Conditions(
        frames=as_whole(measured.get("frames")),
        reference=None if reference is None else str(reference),
        share=as_number(share),
        start=as_whole(measured.get("start")),
        options=dict(measured.get("options", {})),
        picture=dict(measured.get("picture", {})),
        second=as_whole(measured.get("second")),
        undefined={k: as_whole(v) or 0 for k, v in measured.get("undefined", {}).items()},
        metrics={str(label): dict(facts) for label, facts in entry.get("metrics", {}).items()},
    )


def difference(
    before: Conditions, now: Log, feature: str, pool: str, *, trusting: bool = False
) -> str:
    """Why a feature of a log cannot be compared with what was accepted; empty where it can.

    Args:
        before: the conditions of the accepted score.
        now: the log.
        feature: the feature, as in the log.
        pool: how it is pooled.
        trusting: whether conditions that only one of the two tells are taken for equal.
    """
    after = conditions_of(now)
    if before.frames is None:
        return (
            "cannot be judged: the baseline is of an older version and does not say what it was "
            f"measured on; {RENEW}"
        )
    found = list(_differences(before, after, pool))
    if before.told != after.told and not trusting:
        known, unknown = ("the baseline", "the log") if before.told else ("the log", "the baseline")
        found.append(f"conditions that {unknown} does not tell and {known} does")
    found += _metric_differences(before, after, _label(now, feature))
    found += _undefined_differences(before, after, feature)
    if not found:
        return ""
    return f"cannot be judged: the baseline is of {'; of '.join(found)}; {RENEW}"


def changed_conditions(before: Conditions, after: Conditions) -> str:
    """Everything in which two measurements of a case differ; empty for nothing."""
    if before.frames is None:
        return ""
    labels = dict.fromkeys([*before.metrics, *after.metrics])
    found = [*_differences(before, after, "worst_run")]
    for label in labels:
        found += _metric_differences(before, after, label)
    return "; of ".join(found)


def rungs_differ(logs: Sequence[tuple[str, Log]], feature: str) -> str:
    """Why logs are no points of comparable curves, each with its name; empty where they are."""
    if not logs:
        return ""
    (name, first), *others = logs
    one = conditions_of(first)
    for other, log in others:
        two = conditions_of(log)
        found = [
            *_reference_difference(one, two),
            *_option_differences(one, two),
            *_metric_differences(one, two, _label(log, feature)),
        ]
        if found:
            return f"cannot be judged: {name} against {other} is of {'; of '.join(found)}"
    return ""


def _differences(before: Conditions, after: Conditions, pool: str) -> Iterator[str]:
    if before.frames != after.frames:
        yield f"another number of frames ({_now(before.frames, after.frames)})"
    if before.told and after.told:
        yield from _reference_difference(before, after)
        yield from _option_differences(before, after)
        yield from _changed("another picture", before.picture, after.picture)
        if before.frames == after.frames and before.share != after.share:
            yield f"another share of the frames ({_now(before.share, after.share)})"
        if before.frames == after.frames and before.start != after.start:
            what = "another stretch of the reference (frames before it: "
            yield f"{what}{_now(before.start, after.start)})"
        if pool == "worst_run" and before.second != after.second:
            yield f"another length of the worst second ({_now(before.second, after.second)} frames)"


def _reference_difference(before: Conditions, after: Conditions) -> Iterator[str]:
    if before.reference != after.reference:
        shown = _now(_short(before.reference), _short(after.reference))
        yield f"another reference (sha256 {shown})"


def _option_differences(before: Conditions, after: Conditions) -> Iterator[str]:
    kept = [
        {k: v for k, v in one.options.items() if k not in _WITHOUT_INFLUENCE}
        for one in (before, after)
    ]
    yield from _changed("other options of pairing", *kept)


def _metric_differences(before: Conditions, after: Conditions, label: str | None) -> Iterator[str]:
    old, new = before.metrics.get(label or ""), after.metrics.get(label or "")
    if old != new and before.told and after.told:
        yield from _changed(f"another {label}", old or {}, new or {})


def _undefined_differences(before: Conditions, after: Conditions, feature: str) -> Iterator[str]:
    old, new = before.undefined.get(feature, 0), after.undefined.get(feature, 0)
    if abs(new - old) > UNDEFINED_SLACK * max(after.frames or 0, 1):
        yield f"another number of frames without {feature} ({_now(old, new)})"


def _changed(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    shown = [
        f"{key} {_now(old.get(key), new.get(key))}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
    if shown:
        yield f"{what} ({', '.join(shown)})"


def _now(before: Any, after: Any) -> str:
    return f"{_shown(before)} is now {_shown(after)}"


def _shown(value: Any) -> str:
    if value is None:
        return "not there"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(digest: str | None) -> str | None:
    return None if digest is None else f"{digest[:12]}"


def _reference(log: Log) -> str | None:
    stream = log.view.inputs.reference
    return (stream.sha256 or None) if stream is not None else None


def _label(log: Log, feature: str) -> str | None:
    metric = log.view.metric_of(feature)
    return None if metric is None else metric.label


def _metrics(log: Log) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for label, entry in log.view.metrics.items():
        if not entry.described:
            continue
        facts = {"version": str(entry.version)}
        if entry.provider is not None:  # without its version: that of the metric stands for it
            facts["provider"] = entry.provider.rpartition(" ")[0] or entry.provider
        for key, value in entry.parameters.items():
            if key not in _OF_THE_MACHINE:
                facts[f"parameter {key}"] = _text(value)
        for key, value in entry.info.items():
            if key.endswith(_ENDS_OF_METRIC) or key in _OF_METRIC:
                facts[key] = _text(value)
        found[label] = facts
    return found


def _text(value: Any) -> str:
    return json.dumps(_told(value), sort_keys=True)


def _told(value: Any) -> Any:
    """The value as JSON can hold it; a log of anybody may nest deeper than can be followed."""
    try:
        return plain(value)
    except RecursionError:
        return shown(value)


def _picture(alignment: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured, and how the pixels of both sides became that, by dotted names."""
    made = as_object(alignment.get("format"))
    facts = {f"measured.{k}": _told(v) for k, v in as_object(made.get("measured")).items()}
    reference = as_object(made.get("reference"))
    facts |= {f"reference.{k}": _told(reference[k]) for k in _OF_REFERENCE if k in reference}
    distorted = as_object(made.get("distorted"))
    if "deinterlaced" in distorted:
        facts["distorted.deinterlaced"] = _told(distorted["deinterlaced"])
    return facts
