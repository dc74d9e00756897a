"""What a gate found: cases with their logs, what became of each rule, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from vqa_harness.errors import GateFailed, MetricError, VqaError, one_line
from vqa_harness.gate.plan import Case
from vqa_harness.gate.rules import Rule
from vqa_harness.logs.log import Log

Status = Literal["pass", "fail", "error", "warn", "accepted"]
STATUSES: tuple[Status, ...] = ("error", "fail", "warn", "accepted", "pass")
"""From what matters most to what matters least."""


@dataclass(slots=True)
class ScoredCase:
    """A case with its log, or why there is none.

    Attributes:
        case: what was scored.
        log: of the run, of the cache or read; None after an error.
        error: why there is no log.
        cached: whether nothing was decoded.
        bitrate: kbit/s of the distorted video stream; None where no rule asks for it.
        seconds: it took.
    """

    case: Case
    log: Log | None = None
    error: VqaError | None = None
    cached: bool = False
    bitrate: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What became of one rule on one case or group.

    Attributes:
        case: name of the case, or of the group for a BD-rate.
        rule: that was judged.
        status: ``pass``; ``fail``; ``error``: it could not be judged; ``warn``: either of these of
            a rule that only warns; ``accepted``: the value becomes the baseline.
        value: found, or None. Of a BD-rate, percent.
        baseline: the value compared with, or None.
        reason: why the rule does not hold; empty if it does.
        note: what to know of the value; mostly empty.
    """

    case: str
    rule: Rule
    status: Status
    value: float | None = None
    baseline: float | None = None
    reason: str = ""
    note: str = ""


@dataclass(slots=True)
class Verdict:
    """Everything that was found.

    Attributes:
        measured: the cases.
        outcomes: by case, in the order of the rules; BD-rates last.
    """

    measured: list[ScoredCase]
    outcomes: list[RuleOutcome] = field(default_factory=list)

    def count(self, status: Status) -> int:
        """How many rules ended so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    def failure(self) -> VqaError | None:
        """What the command ends with: an error of a case or metric, `GateFailed`, or None."""
        broken = next((m for m in self.measured if m.error is not None), None)
        if broken is not None and broken.error is not None:
            return type(broken.error)(f"case {broken.case.name!r}: {one_line(broken.error)}")
        for item in self.measured:
            for label, reason in failed_metrics(item).items():
                return MetricError(f"case {item.case.name!r}: metric {label!r} failed: {reason}")
        wrong = [o for o in self.outcomes if o.status in ("fail", "error")]
        if not wrong:
            return None
        first = f"{wrong[0].case}: {wrong[0].reason}"
        return GateFailed(f"{len(wrong)} of {len(self.outcomes)} rules do not hold; {first}")


def failed_metrics(item: ScoredCase) -> dict[str, str]:
    """Metrics that failed in this run, with the reason."""
    if item.log is None or item.case.log is not None:
        return {}
    return dict(item.log.view.errors)


def number(value: float, limit: float | None = None) -> str:
    """Four decimals, or all where these would hide on which side of the limit the value is."""
    if value == int(value) and abs(value) < 1e15:
        return f"{value:.0f}"
    short = f"{value:.4f}"
    return repr(value) if limit is not None and float(short) == limit != value else short
