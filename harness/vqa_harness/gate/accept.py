"""The accepted scores of a gate: read when rules need them, renewed when the user says so."""

from __future__ import annotations

from collections.abc import Sequence
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
from vqa_harness.gate.judge import values_to_accept
from vqa_harness.gate.plan import Plan
from vqa_harness.gate.verdict import ScoredCase, failed_metrics
from vqa_harness.logs.log import Log
from vqa_harness.registry import Registry


def accepted_baseline(plan: Plan, registry: Registry, *, update: bool) -> Baseline | None:
    """The baseline of a plan; None where neither a rule nor an update needs it.

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
    if update and not plan.baseline.exists():
        return Baseline()
    if not (needed or update):
        return None

    def extra(log: Log) -> dict[str, float]:
        return values_to_accept(plan.cases[0], log, plan, registry)

    accepted = read_baseline(plan.baseline, len(plan.cases), extra)
    if update and accepted.single is not None:
        raise UsageError(f"{plan.baseline}: is a log; --update-baseline needs a file of its own")
    return accepted


def update_baseline(
    path: Path,
    plan: Plan,
    measured: Sequence[ScoredCase],
    accepted: Baseline | None,
    registry: Registry,
) -> list[Change]:
    """Write the new baseline, and return what it changes.

    A case that could not be scored keeps what was accepted before; one that no longer exists is
    dropped.

    Raises:
        UsageError: the file cannot be written.
    """
    old, new = accepted or Baseline(), Baseline()
    compared: set[str] = set()
    for item in measured:
        name = item.case.name
        if item.log is not None and not failed_metrics(item):
            extra = values_to_accept(item.case, item.log, plan, registry)
            new.entries[name] = entry_of(item.log, extra, item.bitrate)
            compared.update(extra)
        elif name in old.entries:
            new.entries[name] = old.entries[name]
    write_baseline(path, new)
    return changes(old, new, compared)
