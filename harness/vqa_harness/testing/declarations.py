"""Checks of what a metric says of itself: its spec, and the features it declares."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, get_args

from vqa_harness.protocols import Metric
from vqa_harness.request import load_factory
from vqa_harness.spec import NAME_FORM, Feature, Kind, MetricSpec, ParamValue

_FEATURE_FORM = re.compile(r"[a-z][a-z0-9_.]*")
"""Form of a feature name; parameters may put the point of a number into it: ``cambi_tvit_0.05``."""


def check_spec(spec: MetricSpec) -> None:
    """Check the data alone, and that parameters equal the factory's keyword-only arguments.

    Raises:
        AssertionError: the spec is wrong; the message says how.
        MissingBackend: the metric's packages are not there.
    """
    if not NAME_FORM.fullmatch(spec.name):
        fail(spec, "its name is not lower-case letters, digits and _")
    if spec.kind not in get_args(Kind):
        fail(spec, f"kind {spec.kind!r} is none of {', '.join(get_args(Kind))}")
    for feature in spec.features:
        if not NAME_FORM.fullmatch(feature.name):
            fail(spec, f"feature name {feature.name!r} is not fit for a log")
    check_features(spec, spec.features)
    _check_params(spec)
    _check_declaration(spec)


def defaults(spec: MetricSpec) -> dict[str, ParamValue]:
    """Every parameter at its default."""
    return {p.name: p.default for p in spec.params}


def check_features(spec: MetricSpec, features: Sequence[Feature]) -> None:
    """Check the names and ranges of the features that a metric declares.

    Args:
        spec: the metric.
        features: what it declares for any of its parameters' values.

    Raises:
        AssertionError: a name or range is wrong; the message says which.
    """
    names = [f.name for f in features]
    if len(set(names)) < len(names):
        fail(spec, "it has a feature name twice")
    for name in names:
        if not _FEATURE_FORM.fullmatch(name) or name == "n":
            fail(spec, f"feature name {name!r} is not fit for a log")
        if "vmaf" in name and "vmaf" not in spec.name:
            fail(spec, f"feature name {name!r} would be taken for VMAF")
    for feature in features:
        if feature.lo is not None and feature.hi is not None and feature.lo >= feature.hi:
            fail(spec, f"feature {feature.name!r}: lo {feature.lo} is not below hi {feature.hi}")


def _check_declaration(spec: MetricSpec) -> None:
    """Check that `Metric.features` and ``changes_features`` agree: neither works alone."""
    factory = load_factory(spec)
    declare = getattr(factory, "features", None)
    if any(p.changes_features for p in spec.params):
        declared = tuple(declare(defaults(spec))) if callable(declare) else ()
        if not declared:
            fail(spec, "a parameter changes_features, and its class has no features(params)")
        if declared != spec.features:
            fail(spec, "its features(params) differ from those of its spec at the defaults")
    elif _has_its_own(factory):
        fail(spec, "it has features(params), and no parameter has changes_features")


def _has_its_own(factory: Callable[..., Any]) -> bool:
    if not (isinstance(factory, type) and issubclass(factory, Metric)):
        return False  # what another class calls features may be anything
    return any("features" in vars(base) for base in factory.__mro__ if base is not Metric)


def _check_params(spec: MetricSpec) -> None:
    signature = inspect.signature(load_factory(spec))
    taken = {n for n, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
    others = set(signature.parameters) - taken
    if others:
        fail(spec, f"its factory must take {', '.join(sorted(others))} by keyword only")
    if taken != {p.name for p in spec.params}:
        listed = sorted(p.name for p in spec.params)
        fail(spec, f"its factory takes {sorted(taken)}, its spec lists {listed}")


def fail(spec: MetricSpec, what: str) -> NoReturn:
    """End the check.

    Raises:
        AssertionError: always; the message names the metric.
    """
    raise AssertionError(f"metric {spec.name!r}: {what}")
