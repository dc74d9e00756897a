"""Judges cases by rules.

A value that could not be computed breaks its rule, with the reason; nothing passes by default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from vqa_harness.errors import InputError, VqaError, one_line
from vqa_harness.gate.baseline import Baseline, difference
from vqa_harness.gate.facts import Finding, find
from vqa_harness.gate.features import Offer, offered, resolve
from vqa_harness.gate.plan import Case, Plan, under
from vqa_harness.gate.rules import Rule, Target
from vqa_harness.gate.verdict import Measured, Outcome, Status, Verdict, number
from vqa_harness.logs.log import Log
from vqa_harness.registry import Registry

DROP_TOLERANCE = 1e-6
"""A loss exceeds what is allowed only by more than the precision of numbers in a log."""

FEW_POINTS = 4
"""A rate-quality curve of fewer points is noted."""


def judge(
    plan: Plan,
    measured: Sequence[Measured],
    registry: Registry,
    baseline: Baseline | None = None,
    *,
    accept: bool = False,
) -> Verdict:
    """Apply every rule to every case it is for.

    Args:
        plan: rules and cases.
        measured: of the plan's cases, in order.
        registry: says what is known of the features of logs.
        baseline: accepted scores; None where there are none.
        accept: rules that compare with the baseline hold, because it is about to be renewed.
    """
    judge_one = _Judge(plan, measured, registry, baseline or Baseline(), accept)
    verdict = Verdict(list(measured))
    for item in measured:
        for rule in plan.rules:
            kind = rule.target.kind
            if kind != "bdrate" and rule.applies(item.case.name, item.case.group):
                verdict.outcomes.append(judge_one.case(item, rule))
    for rule in plan.rules:
        if rule.target.kind == "bdrate":
            verdict.outcomes += [judge_one.group(name, rule) for name in plan.groups(rule)]
    return verdict


class _Judge:
    def __init__(
        self,
        plan: Plan,
        measured: Sequence[Measured],
        registry: Registry,
        baseline: Baseline,
        accept: bool,
    ) -> None:
        self._plan, self._measured = plan, measured
        self._baseline, self._accept = baseline, accept
        self._installed = installed_offers(registry)

    def case(self, item: Measured, rule: Rule) -> Outcome:
        """One rule on one case."""
        name = item.case.name
        if item.log is None:
            return _outcome(name, rule, Finding(reason=one_line(item.error or InputError(""))))
        offer = self._offer(item, rule)
        found = find(item.log, rule.target, offer)
        if rule.op == "max_drop":
            return self._drop(item, item.log, rule, found, offer)
        return _outcome(name, rule, found)

    def _offer(self, item: Measured, rule: Rule) -> Offer | None:
        return offer_of(item.case, rule, self._installed)

    def _drop(
        self, item: Measured, log: Log, rule: Rule, found: Finding, offer: Offer | None
    ) -> Outcome:
        name = item.case.name
        if found.value is None:
            return _outcome(name, rule, found)
        if self._accept:
            return Outcome(name, rule, "accepted", found.value, note="the new baseline")
        higher = offer.feature.higher_is_better if offer is not None else None
        logged = offer.logged if offer is not None else rule.target.name
        before, reason = self._before(name, f"{logged}.{rule.target.pool}")
        entry = self._baseline.entry(name)
        if entry is not None and not reason:
            reason = difference(entry, log, logged)
        if higher is None and not reason:
            reason = f"of {logged} neither higher nor lower is known to be better"
        if reason or before is None:
            return _outcome(name, rule, Finding(found.value, reason), before)
        loss = before - found.value if higher else found.value - before
        return _outcome(name, rule, found, before, loss)

    def _before(self, case: str, value: str) -> tuple[float | None, str]:
        """The accepted value, and why there is none."""
        entry = self._baseline.entry(case)
        if entry is None:
            return None, "the baseline has no such case; --update-baseline adds it"
        before = entry.values.get(value)
        if before is None:
            return None, f"the baseline has no {value}; --update-baseline adds it"
        return before, ""

    def group(self, name: str, rule: Rule) -> Outcome:
        """A BD-rate rule on one group."""
        from vqa_harness.stats.bdrate import bd_rate

        if self._accept and rule.anchor is None:
            return Outcome(name, rule, "accepted", note="the new baseline")
        try:
            test = self._points(name, rule, self._point)
            if rule.anchor is None:
                anchor = self._points(name, rule, self._old_point)
            else:
                anchor = self._points(rule.anchor, rule, self._point)
            value = bd_rate(anchor, test)
        except VqaError as error:
            return _outcome(name, rule, Finding(reason=one_line(error)))
        few = min(len(anchor), len(test))
        note = f"curves of only {few} points" if few < FEW_POINTS else ""
        return _outcome(name, rule, Finding(value, note=note))

    def _points(
        self, group: str, rule: Rule, point: Callable[[Measured, Rule], tuple[float, float]]
    ) -> list[tuple[float, float]]:
        return [point(m, rule) for m in self._measured if m.case.group == group]

    def _point(self, item: Measured, rule: Rule) -> tuple[float, float]:
        """Bitrate and quality of a rung, higher better.

        Raises:
            VqaError: either is not known.
        """
        name = item.case.name
        if item.log is None:
            raise item.error or InputError(f"{name}: was not scored")
        if item.bitrate is None:
            raise InputError(f"{name}: its bitrate is not known; a log does not tell it")
        offer = self._offer(item, rule)
        found = find(item.log, mean_of(rule), offer)
        if found.value is None:
            raise InputError(f"{name}: {found.reason}")
        return item.bitrate, _sign(offer) * found.value

    def _old_point(self, item: Measured, rule: Rule) -> tuple[float, float]:
        name = item.case.name
        offer = self._offer(item, rule)
        logged = offer.logged if offer is not None else rule.target.name
        before, reason = self._before(name, f"{logged}.mean")
        entry = self._baseline.entry(name)
        if entry is not None and not reason and item.log is not None:
            reason = difference(entry, item.log, logged)
        if before is None or entry is None or reason:
            raise InputError(f"{name}: {reason}")
        if entry.bitrate is None:
            raise InputError(f"{name}: the baseline has no bitrate; --update-baseline adds it")
        return entry.bitrate, _sign(offer) * before


def _sign(offer: Offer | None) -> int:
    return -1 if offer is not None and offer.feature.higher_is_better is False else 1


def _outcome(
    case: str,
    rule: Rule,
    found: Finding,
    baseline: float | None = None,
    loss: float | None = None,
) -> Outcome:
    """The status of a finding; ``loss`` is judged in place of the value where it is given."""
    status: Status = "pass"
    reason = found.reason
    if found.value is None or reason:
        status = "error"
    elif not (rule.holds(found.value) if loss is None else loss <= rule.limit + DROP_TOLERANCE):
        status = "fail"
        reason = _breach(rule, found.value, baseline, loss)
    if status != "pass" and rule.severity == "warn":
        status = "warn"
    return Outcome(case, rule, status, found.value, baseline, reason, found.note)


def _breach(rule: Rule, value: float, baseline: float | None, loss: float | None) -> str:
    shown = number(value, rule.limit)
    if loss is not None and baseline is not None:
        return (
            f"{rule.target} is {shown}, {number(loss, rule.limit)} worse than the baseline "
            f"{number(baseline)}; {rule.limit:g} is allowed"
        )
    unit = " %" if rule.target.kind == "bdrate" else ""
    return f"{rule.target} is {shown}{unit}, must be {rule.op} {rule.limit:g}{unit}"


def installed_offers(registry: Registry) -> list[Offer]:
    """What the installed metrics give with their defaults."""
    return offered([registry.request(name) for name in registry.specs()])


def offer_of(case: Case, rule: Rule, installed: Sequence[Offer]) -> Offer | None:
    """What is known of a rule's feature; a feature of a log from elsewhere may be unknown."""
    if rule.target.kind not in ("feature", "bdrate"):
        return None
    if case.log is None:
        return resolve(rule.target.name, offered(case.requests))
    return next((offer for offer in installed if offer.logged == rule.target.name), None)


def kept_values(case: Case, log: Log, plan: Plan, registry: Registry) -> dict[str, float]:
    """The values of a case that rules compare with a baseline, as named in the log."""
    installed = installed_offers(registry)
    values: dict[str, float] = {}
    for rule in plan.rules:
        if rule.op != "max_drop" or not rule.applies(case.name, case.group):
            continue
        offer = offer_of(case, rule, installed)
        found = find(log, rule.target, offer)
        if found.value is not None:
            name = offer.logged if offer is not None else rule.target.name
            values[f"{name}.{rule.target.pool}"] = found.value
    return values


def mean_of(rule: Rule) -> Target:
    """The quality a BD-rate is taken of."""
    return Target("feature", rule.target.name, "mean")


def wants_bitrate(plan: Plan) -> Iterator[str]:
    """Names of the cases whose bitrate a rule needs."""
    for rule in plan.rules:
        if rule.target.kind == "bdrate":
            yield from (case.name for case in under(rule, plan))
