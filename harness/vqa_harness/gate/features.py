"""Which metric gives the feature a rule names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vqa_harness.errors import UsageError, nearest
from vqa_harness.logs.features import features_of
from vqa_harness.logs.log import Log
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.spec import Feature, MetricSpec


@dataclass(frozen=True, slots=True)
class Offer:
    """A feature a metric gives.

    Attributes:
        logged: the name in the log, with the suffix that the metric's parameters give it.
        feature: the declaration of the metric, under the name without suffix.
        label: the metric's name within the run.
    """

    logged: str
    feature: Feature
    label: str


def offered(requests: Sequence[Request]) -> list[Offer]:
    """Every feature of these metrics that stands in the log as a score.

    Raises:
        VqaError: a metric cannot tell, see `Request.declared`.
    """
    return [
        Offer(logged.name, declared, request.label)
        for request in requests
        for logged, declared in zip(request.features, request.declared, strict=True)
        if not declared.diagnostic
    ]


def recorded(name: str, log: Log) -> Offer | None:
    """A feature as the log itself describes it; None where it gives no direction."""
    about = features_of(log).get(name)
    if about is None:
        return None
    return Offer(name, Feature(name, about.sign > 0, unit=about.unit), about.metric)


def resolve(name: str, offers: Sequence[Offer]) -> Offer | None:
    """The feature of a name in the log, or of a name without suffix if only one has it.

    Raises:
        UsageError: several have it with different suffixes.
    """
    exact = next((offer for offer in offers if offer.logged == name), None)
    if exact is not None:
        return exact
    similar = [offer for offer in offers if offer.feature.name == name]
    if not similar:
        return None
    if len(similar) > 1:
        names = ", ".join(offer.logged for offer in similar)
        raise UsageError(f"{name!r} may be any of {names}; write one of these")
    return similar[0]


def metric_with(name: str, requests: Sequence[Request], registry: Registry) -> Request:
    """The installed metric that gives a feature, with its defaults.

    Raises:
        UsageError: none does, several do, or the metric is among ``requests`` with parameters that
            make it give something else.
    """
    specs = registry.specs()
    givers = [s for s in specs.values() if any(f.name == name for f in s.features)]
    if len(givers) > 1:
        names = ", ".join(spec.name for spec in givers)
        raise UsageError(f"{name!r} is given by {names}; add one of these to metrics")
    if givers:
        return _not_another(name, registry.request(givers[0].name), requests)
    if name in specs:
        features = ", ".join(f.name for f in specs[name].features if not f.diagnostic)
        raise UsageError(f"metric {name!r} gives {features}; write one of these instead of {name}")
    known = {f.name for s in specs.values() for f in s.features}
    known |= {offer.logged for offer in offered(requests)}
    raise UsageError(
        f"no installed metric gives {name!r}{_with(name, specs) or nearest(name, known)}"
    )


def _not_another(name: str, needed: Request, requests: Sequence[Request]) -> Request:
    """The request, unless one of the same label is there: a log has a single entry for both."""
    for request in requests:
        if request.label == needed.label:
            names = ", ".join(feature.name for feature in request.features)
            raise UsageError(
                f"metric {request.spec.name!r} with the parameters given has {names}, not {name!r};"
                " write one of these, or change the parameters"
            )
    return needed


def _with(name: str, specs: Mapping[str, MetricSpec]) -> str:
    """``; ...`` where a metric of the name's beginning gives more than its defaults tell."""
    for spec in specs.values():
        params = " or ".join(f"{p.name}=" for p in spec.params if p.changes_features)
        if params and name.startswith(f"{spec.name}_"):
            return f" by default; if {spec.name} does with {params}, add that to metrics"
    return ""
