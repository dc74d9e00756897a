"""The targets of a search, written as rules of a gate: ``vmaf.p5 >= 93``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vqa_harness.errors import InputError, UsageError
from vqa_harness.gate.facts import find_feature
from vqa_harness.gate.features import Offer, offered, resolve
from vqa_harness.gate.plan import requests_for
from vqa_harness.gate.rules import Rule, parse_rule
from vqa_harness.gate.target import DOWNWARD, UPWARD
from vqa_harness.gate.targets import FeatureTarget
from vqa_harness.logs.log import Log
from vqa_harness.registry import Registry
from vqa_harness.request import Request
from vqa_harness.search.trend import Margins

_NEAR_BEST = 0.01
"""Part of the distance of a bound from the best value below which distances are all the same."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One target.

    Attributes:
        rule: the bound.
        target: the feature and how it is pooled.
        offer: what gives the feature.
    """

    rule: Rule
    target: FeatureTarget
    offer: Offer

    def __str__(self) -> str:
        """The target as it is written."""
        return str(self.rule)

    def value(self, log: Log) -> float:
        """The pooled value of an encoding.

        Raises:
            InputError: there is none, such as of a feature that is undefined on every frame.
        """
        found = find_feature(log, self.target.name, self.target.pool, self.offer)
        if found.value is None:
            raise InputError(f"{self.target} is not known: {found.reason}")
        return float(found.value)

    def margin(self, value: float) -> float:
        """By how much a value is on the good side of the bound.

        Where the feature has a best value, what counts is the logarithm of the distance from it,
        which falls almost evenly with the CRF; elsewhere it is the value itself.
        """
        feature, limit = self.offer.feature, self.rule.limit
        best = feature.hi if feature.higher_is_better else feature.lo
        if best is None or best == limit:
            return value - limit if feature.higher_is_better else limit - value
        rounding = _NEAR_BEST * abs(best - limit)
        return math.log((abs(best - limit) + rounding) / (abs(best - value) + rounding))


def read_goals(
    texts: Sequence[str], metrics: Sequence[str], registry: Registry
) -> tuple[tuple[Goal, ...], tuple[str, ...]]:
    """Read targets, and find the metrics that give them.

    Args:
        texts: the targets, all of which must be met.
        metrics: the metrics that were named.
        registry: knows which metric gives what.

    Returns:
        The targets, and the metrics: those named, and what the targets need beside them.

    Raises:
        UsageError: a target that cannot be read, that is no bound of a quality, that can never
            hold or lets bad quality pass, or a feature that no metric gives.
    """
    rules = [parse_rule(text) for text in texts]
    for rule in rules:
        _check(rule)
    named = registry.requests(metrics)
    requests = requests_for(metrics, rules, registry)
    added = [request.spec.name for request in requests[len(named) :]]
    return tuple(_goal(rule, requests) for rule in rules), (*metrics, *added)


def margins(goals: Sequence[Goal], values: Sequence[float]) -> Margins:
    """The margin of each target."""
    return tuple(goal.margin(value) for goal, value in zip(goals, values, strict=True))


def hold(goals: Sequence[Goal], values: Sequence[float]) -> bool:
    """Whether all targets are met."""
    return all(goal.rule.holds(value) for goal, value in zip(goals, values, strict=True))


def _check(rule: Rule) -> None:
    if not isinstance(rule.target, FeatureTarget) or rule.op not in (*UPWARD, *DOWNWARD):
        raise UsageError(
            f"target '{rule}': write a bound of a pooled feature, as in 'vmaf.p5 >= 93'"
        )
    if rule.target.pool == "std":
        raise UsageError(
            f"target '{rule}': a standard deviation is no quality; take mean, p5, min or another"
        )


def _goal(rule: Rule, requests: Sequence[Request]) -> Goal:
    target = rule.target
    assert isinstance(target, FeatureTarget)  # checked before
    offer = resolve(target.name, offered(requests))
    assert offer is not None  # or its metric would not have been found
    if offer.feature.higher_is_better is None:
        raise UsageError(f"target '{rule}': of {target.name} neither higher nor lower is better")
    target.check_bound(rule, offer.feature)
    return Goal(rule, target, offer)
