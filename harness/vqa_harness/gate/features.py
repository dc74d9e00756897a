"""Which metric gives the feature a rule names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vqa_harness.errors import UsageError, nearest
from vqa_harness.registry import Registry, Request
from vqa_harness.spec import Feature


@dataclass(frozen=True, slots=True)
class Offer:
    """A feature a metric gives.

    Attributes:
        logged: its name in the log, the suffix of the metric's parameters included.
        feature: what the metric declares of it.
        request: the metric.
    """

    logged: str
    feature: Feature
    request: Request


def offered(requests: Sequence[Request]) -> list[Offer]:
    """Every feature of these metrics that stands in the log as a score."""
    return [
        Offer(feature.name + request.suffix, feature, request)
        for request in requests
        for feature in request.spec.features
        if not feature.diagnostic
    ]


def resolve(name: str, offers: Sequence[Offer]) -> Offer | None:
    """The feature of that name in the log, or without suffix if only one has it.

    Raises:
        UsageError: several have it with different suffixes.
    """
    exact = next((offer for offer in offers if offer.logged == name), None)
    if exact is not None:
        return exact
    similar = [offer for offer in offers if offer.feature.name == name]
    if not similar:
        return _undeclared(name, offers)
    if len(similar) > 1:
        names = ", ".join(offer.logged for offer in similar)
        raise UsageError(f"{name!r} may be any of {names}; write one of these")
    return similar[0]


def _undeclared(name: str, offers: Sequence[Offer]) -> Offer | None:
    """A feature that a metric of another program gives only where it is asked to.

    Named after the metric (``vmaf_4k`` of ``vmaf:model=vmaf_4k_v0.6.1``), it has its direction;
    named in a parameter (``cambi`` of ``vmaf:features=cambi``), nothing is known of it.
    """
    for offer in offers:
        request = offer.request
        if request.spec.kind not in ("stream", "file"):
            continue
        if name.startswith(f"{request.spec.name}_") and name != offer.feature.name:
            better = offer.feature.higher_is_better
            return Offer(name, Feature(name, better), request)
        texts = (value for value in request.params.values() if isinstance(value, str))
        if any(name in re.split(r"[+:=\s]", text) for text in texts):
            return Offer(name, Feature(name, None), request)
    return None


def metric_with(name: str, requests: Sequence[Request], registry: Registry) -> Request:
    """The installed metric that gives a feature, with its defaults.

    Raises:
        UsageError: none does, or several do.
    """
    specs = registry.specs()
    found = [s for s in specs.values() if any(f.name == name for f in s.features)]
    if len(found) > 1:
        names = ", ".join(spec.name for spec in found)
        raise UsageError(f"{name!r} is given by {names}; add one of these to metrics")
    if found:
        return registry.request(found[0].name)
    if name in specs:
        features = ", ".join(f.name for f in specs[name].features if not f.diagnostic)
        raise UsageError(f"metric {name!r} gives {features}; write one of these instead of {name}")
    known = {f.name for s in specs.values() for f in s.features}
    known |= {offer.logged for offer in offered(requests)}
    raise UsageError(f"no installed metric gives {name!r}{nearest(name, known)}")
