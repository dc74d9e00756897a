"""Judges cases by rules.

A value that could not be computed breaks its rule, with the reason; nothing passes by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from vqa_harness.errors import InputError, VqaError, one_line
from vqa_harness.gate.baseline import Baseline
from vqa_harness.gate.facts import Finding
from vqa_harness.gate.features import Offer, offered, recorded, resolve
from vqa_harness.gate.gone import gone_cases, lost_rungs
from vqa_harness.gate.pairing import missing_ends, too_few
from vqa_harness.gate.plan import Case, Plan, under
from vqa_harness.gate.rules import Rule
from vqa_harness.gate.target import LOSS, Evidence
from vqa_harness.gate.verdict import RuleOutcome, ScoredCase, Status, Verdict, number
from vqa_harness.logs.features import asked_for
from vqa_harness.logs.log import Log
from vqa_harness.registry import Registry

DROP_TOLERANCE = 1e-6
"""A loss exceeds what is allowed only by more than the precision of numbers in a log."""


def judge(
    plan: Plan,
    measured: Sequence[ScoredCase],
    registry: Registry,
    baseline: Baseline | None = None,
    *,
    accept: bool = False,
) -> Verdict:
    """Apply every rule to every case it is for.

    Args:
        plan: rules and cases.
        measured: the cases of the plan with their logs, in order.
        registry: says what is known of the features of logs.
        baseline: accepted scores; None where there are none.
        accept: let rules that compare with the baseline hold, because it is about to be renewed.
    """
    judge_one = _Judge(plan, measured, registry, baseline or Baseline(), accept)
    verdict = Verdict(list(measured))
    if baseline is not None and not accept:
        verdict.outcomes += gone_cases(plan, baseline)
    for item in measured:
        for rule in plan.rules:
            if not rule.target.per_group and rule.applies(item.case.name, item.case.group):
                verdict.outcomes.append(judge_one.case(item, rule))
    # A curve needs all cases of its group, so rules per group come last.
    for rule in plan.rules:
        if rule.target.per_group:
            verdict.outcomes += [judge_one.group(name, rule) for name in plan.groups(rule)]
    return verdict


class _Judge:
    def __init__(
        self,
        plan: Plan,
        measured: Sequence[ScoredCase],
        registry: Registry,
        baseline: Baseline,
        accept: bool,
    ) -> None:
        self._plan, self._measured = plan, measured
        self._baseline, self._accept = baseline, accept
        self._installed = installed_offers(registry)

    def case(self, item: ScoredCase, rule: Rule) -> RuleOutcome:
        """What becomes of one rule on one case."""
        name = item.case.name
        if item.log is None:
            return _outcome(name, rule, Finding(reason=one_line(item.error or InputError(""))))
        finding = self._find(rule, [item])
        if finding.value is not None and (reason := self._too_little([item], rule)):
            return _outcome(name, rule, replace(finding, reason=reason))
        if self._accept and rule.needs_baseline and finding.value is not None:
            return _accepted(name, rule, finding.value)
        if rule.op == LOSS and finding.value is not None:
            return self._drop(item, item.log, rule, finding, finding.value)
        return _outcome(name, rule, finding)

    def group(self, name: str, rule: Rule) -> RuleOutcome:
        """What becomes of one rule on one group."""
        if self._accept and rule.needs_baseline:
            return _accepted(name, rule)
        rungs = self._rungs(name)
        reason = self._too_little([*rungs, *self._rungs(rule.anchor or "")], rule)
        if not reason and rule.needs_baseline:
            reason = lost_rungs(name, self._plan, self._baseline)
        finding = Finding(reason=reason) if reason else self._find(rule, rungs)
        return _outcome(name, rule, finding)

    def _too_little(self, measured: Sequence[ScoredCase], rule: Rule) -> str:
        """Why what a rule looks at speaks for too few frames; empty where it does not."""
        needs = rule.target.needs()
        for item in measured:
            reason = ""
            if item.log is not None and needs.both_ends:
                reason = missing_ends(item.log, item.case.align)
            if item.log is not None and needs.feature:
                reason = reason or too_few(item.log, self._plan.min_share)
            if reason:
                return reason if len(measured) == 1 else f"{item.case.name}: {reason}"
        return ""

    def _rungs(self, group: str) -> list[ScoredCase]:
        return [item for item in self._measured if item.case.group == group]

    def _offer(self, item: ScoredCase, rule: Rule) -> Offer | None:
        return offer_of(item.case, rule, item.log, self._installed)

    def _find(self, rule: Rule, measured: Sequence[ScoredCase]) -> Finding:
        anchor = [] if rule.anchor is None else self._rungs(rule.anchor)
        offer = partial(self._offer, rule=rule)
        evidence = Evidence(measured, anchor, self._baseline, offer)
        try:
            return rule.target.find(rule, evidence)
        except VqaError as error:
            return Finding(reason=one_line(error))

    def _drop(
        self, item: ScoredCase, log: Log, rule: Rule, finding: Finding, value: float
    ) -> RuleOutcome:
        name, offer = item.case.name, self._offer(item, rule)
        higher = offer.feature.higher_is_better if offer is not None else None
        logged = offer.logged if offer is not None else rule.target.needs().feature
        accepted_as = rule.target.accepted_as(offer)
        reason, note = self._baseline.difference(name, log, logged, accepted_as.rpartition(".")[2])
        before, absence = self._baseline.value(name, accepted_as)
        reason = reason or absence
        if higher is None and not reason:
            reason = f"of {logged} neither higher nor lower is known to be better"
        if reason or before is None:
            return _outcome(name, rule, Finding(value, reason), before)
        loss = before - value if higher else value - before
        noted = replace(finding, note="; ".join(filter(None, (finding.note, note))))
        return _outcome(name, rule, noted, before, loss)


def _accepted(name: str, rule: Rule, value: float | None = None) -> RuleOutcome:
    return RuleOutcome(name, rule, "accepted", value, note="the new baseline")


def _outcome(
    case: str,
    rule: Rule,
    finding: Finding,
    baseline: float | None = None,
    loss: float | None = None,
) -> RuleOutcome:
    """The status of a finding; ``loss`` is judged in place of the value where it is given."""
    status: Status = "pass"
    reason = finding.reason
    if finding.value is None or reason:
        status = "error"
    elif not (rule.holds(finding.value) if loss is None else loss <= rule.limit + DROP_TOLERANCE):
        status = "fail"
        reason = _breach(rule, finding.value, baseline, loss)
    if status != "pass" and rule.severity == "warn":
        status = "warn"
    return RuleOutcome(case, rule, status, finding.value, baseline, reason, finding.note)


def _breach(rule: Rule, value: float, baseline: float | None, loss: float | None) -> str:
    shown = number(value, rule.limit)
    if loss is not None and baseline is not None:
        return (
            f"{rule.target} is {shown}, {number(loss, rule.limit)} worse than the baseline "
            f"{number(baseline)}; {rule.limit:g} is allowed"
        )
    unit = rule.target.unit
    return f"{rule.target} is {shown}{unit}, must be {rule.op} {rule.limit:g}{unit}"


def installed_offers(registry: Registry) -> list[Offer]:
    """The features that the installed metrics give with their default parameters."""
    return offered([registry.request(name) for name in registry.specs()])


def offer_of(case: Case, rule: Rule, log: Log | None, installed: Sequence[Offer]) -> Offer | None:
    """What is known of the feature that a rule names; None where nothing is.

    A case that is scored here knows its metrics. Of a log that was made before, the installed
    metrics are asked, with their defaults, and then the log itself; a feature of another program
    may be unknown.
    """
    name = rule.target.needs().feature
    if not name:
        return None
    if case.log is None:
        return resolve(name, offered(case.requests))
    known = next((offer for offer in installed if offer.logged == name), None)
    return known or (recorded(name, log) if log is not None else None)


def values_to_accept(case: Case, log: Log, plan: Plan, registry: Registry) -> dict[str, float]:
    """The values of a case that rules compare with a baseline, by their names in the log."""
    installed = installed_offers(registry)
    values: dict[str, float] = {}
    for rule in plan.rules:
        if rule.op == LOSS and rule.applies(case.name, case.group):
            offer = offer_of(case, rule, log, installed)
            value = _value(ScoredCase(case, log), rule, offer)
            if value is not None:
                values[rule.target.accepted_as(offer)] = value
    return values


def features_to_accept(case: Case, log: Log, plan: Plan, registry: Registry) -> set[str]:
    """The features of a case that belong in a baseline: asked for, or named by a rule."""
    installed = installed_offers(registry)
    rules = [rule for rule in plan.rules if rule.applies(case.name, case.group)]
    named = [(rule, offer_of(case, rule, log, installed)) for rule in rules]
    return {
        *asked_for(log),
        *(offer.logged if offer else rule.target.needs().feature for rule, offer in named),
    }


def _value(item: ScoredCase, rule: Rule, offer: Offer | None) -> float | None:
    return rule.target.find(rule, Evidence([item], [], Baseline(), lambda _: offer)).value


def wants_bitrate(plan: Plan) -> Iterator[str]:
    """Names of the cases whose bitrate a rule needs."""
    for rule in plan.rules:
        if rule.target.needs().bitrate:
            yield from (case.name for case in under(rule, plan))
