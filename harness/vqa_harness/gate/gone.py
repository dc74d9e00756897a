"""What the baseline has and the gate has no longer: a video that is not scored cannot get worse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Self

from vqa_harness.gate.baseline import Baseline
from vqa_harness.gate.facts import Finding
from vqa_harness.gate.plan import Plan
from vqa_harness.gate.rules import Rule
from vqa_harness.gate.target import Evidence, RuleTarget
from vqa_harness.gate.verdict import RuleOutcome

REASON = (
    "cannot be judged: the baseline has this case and the gate has it no longer; "
    "--update-baseline drops it"
)


class _Gone(RuleTarget):
    """Cases of the baseline that are no longer there: a rule of every gate with a baseline."""

    __slots__ = ()

    forms: ClassVar[tuple[str, ...]] = ("baseline.gone",)
    example: ClassVar[str] = "baseline.gone"
    about: ClassVar[str] = "cases of the baseline that are no longer there"
    expression: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")  # nobody can write it

    @classmethod
    def read(cls, match: re.Match[str]) -> Self:
        """See `RuleTarget.read`."""
        return cls()

    def __str__(self) -> str:
        return "baseline.gone"

    def find(self, rule: Rule, evidence: Evidence) -> Finding:
        """Nothing is looked for in the log of a case that is gone."""
        return Finding(reason=REASON)


RULE = Rule(_Gone(), "==", 0)


def gone_cases(plan: Plan, baseline: Baseline) -> Iterator[RuleOutcome]:
    """An outcome for each case of the baseline that the gate has no longer."""
    for name in sorted(baseline.gone({case.name for case in plan.cases})):
        yield RuleOutcome(name, RULE, "error", reason=REASON)


def lost_rungs(group: str, plan: Plan, baseline: Baseline) -> str:
    """Why a curve cannot be compared with that of the baseline; empty where it can.

    A curve that lost a rung says nothing of the rate or the quality that this rung stood for.
    """
    gone = baseline.gone({case.name for case in plan.cases})
    lost = sorted(name for name, entry in gone.items() if entry.group == group)
    if not lost:
        return ""
    return f"cannot be judged: {', '.join(lost)} of the baseline is no longer there"
