"""The accepted scores of a gate: read when rules need them, renewed when the user says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vqa_harness.errors import UsageError
from vqa_harness.gate.baseline import (
    Baseline,
    Change,
    changes,
    entry_of,
    read_baseline,
    write_baseline,
)
from vqa_harness.gate.conditions import changed_conditions
from vqa_harness.gate.judge import features_to_accept, values_to_accept
from vqa_harness.gate.pairing import missing_ends, too_few
from vqa_harness.gate.plan import Plan
from vqa_harness.gate.verdict import ScoredCase, failed_metrics
from vqa_harness.logs.log import Log
from vqa_harness.registry import Registry


def accepted_baseline(plan: Plan, registry: Registry, *, update: bool) -> Baseline | None:
    """The baseline of a plan; None where there is none.

    One that is there is read even where no rule compares with it: it says which cases there must
    be.

    Args:
        plan: names the baseline.
        registry: says what is known of the features of logs.
        update: whether the baseline is about to be renewed.

    Raises:
        UsageError: a baseline is needed and none is named, or a log stands for one to be renewed.
        InputError: the file cannot be read.
    """
    needed = [rule for rule in plan.rules if rule.needs_baseline]
    if plan.baseline is None:
        if needed or update:
            what = f"{needed[0].place}: '{needed[0]}'" if needed else "--update-baseline"
            raise UsageError(f"{what} needs a baseline; add baseline = 'baseline.json'")
        return None
    if not plan.baseline.exists() and (update or not needed):
        return Baseline() if update else None

    def extra(log: Log) -> dict[str, float]:
        return values_to_accept(plan.cases[0], log, plan, registry)

    accepted = read_baseline(plan.baseline, len(plan.cases), extra)
    if update and accepted.single is not None:
        raise UsageError(f"{plan.baseline}: is a log; --update-baseline needs a file of its own")
    return accepted


@dataclass(frozen=True, slots=True)
class Renewal:
    """What an update of the baseline changed.

    Attributes:
        changes: the values that changed.
        dropped: cases that are no longer there.
        kept: cases that keep what was accepted before, and why.
        conditions: cases that are measured in another way than before, and in which.
    """

    changes: Sequence[Change] = ()
    dropped: Sequence[str] = ()
    kept: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)


def update_baseline(
    path: Path,
    plan: Plan,
    measured: Sequence[ScoredCase],
    accepted: Baseline | None,
    registry: Registry,
) -> Renewal:
    """Write the new baseline, and return what it changes.

    A case that could not be scored, or of which too little was, keeps what was accepted before; one
    that no longer exists is dropped.

    Raises:
        UsageError: the file cannot be written.
    """
    old, new = accepted or Baseline(), Baseline()
    compared: set[str] = set()
    kept: dict[str, str] = {}
    for item in measured:
        name = item.case.name
        why = _not_acceptable(item, plan)
        if why or item.log is None:
            if name in old.entries:
                new.entries[name], kept[name] = old.entries[name], why
            continue
        extra = values_to_accept(item.case, item.log, plan, registry)
        features = features_to_accept(item.case, item.log, plan, registry)
        new.entries[name] = entry_of(item.log, extra, item.bitrate, item.case.group, features)
        compared.update(extra)
    write_baseline(path, new)
    conditions = {
        name: what
        for name, entry in new.entries.items()
        if name in old.entries
        and (what := changed_conditions(old.entries[name].conditions, entry.conditions))
    }
    dropped = sorted(old.gone({item.case.name for item in measured}))
    return Renewal(changes(old, new, compared), dropped, kept, conditions)


def _not_acceptable(item: ScoredCase, plan: Plan) -> str:
    """Why the scores of a case cannot become the baseline; empty where they can."""
    if item.log is None:
        return "it could not be scored"
    failed = failed_metrics(item)
    if failed:
        return f"metric {next(iter(failed))} failed"
    return missing_ends(item.log, item.case.align) or too_few(item.log, plan.min_share)
