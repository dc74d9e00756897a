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
"""Every status, from what matters most to what matters least."""


@dataclass(slots=True)
class ScoredCase:
    """A case with its log, or why there is none.

    Attributes:
        case: what was scored.
        log: the log that was made, kept from before, or read; None after an error.
        error: the error because of which there is no log, or None.
        cached: whether the log is from the cache, so that nothing was decoded.
        bitrate: kbit/s of the distorted video stream; None where no rule asks for it.
        seconds: how long the case took.
        not_kept: why the cache could not keep the log; empty where it could, or should not.
    """

    case: Case
    log: Log | None = None
    error: VqaError | None = None
    cached: bool = False
    bitrate: float | None = None
    seconds: float = 0.0
    not_kept: str = ""


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What became of one rule on one case or group.

    Attributes:
        case: name of the case, or of the group for a BD-rate.
        rule: the rule that was judged.
        status: ``pass``; ``fail``; ``error``: it could not be judged; ``warn``: a rule that only
            warns failed or could not be judged; ``accepted``: the value becomes the baseline.
        value: the value that was found, in percent for a BD-rate; None where there is none.
        baseline: the value compared with, or None.
        reason: why the rule does not hold; empty if it does.
        note: what a reader should know of the value; mostly empty.
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
    """Everything that a gate found.

    Attributes:
        measured: the cases with their logs.
        outcomes: the outcomes by case, in the order of the rules; those of groups come last.
    """

    measured: list[ScoredCase]
    outcomes: list[RuleOutcome] = field(default_factory=list)

    def count(self, status: Status) -> int:
        """How many rules ended with a status."""
        return sum(outcome.status == status for outcome in self.outcomes)

    def failure(self) -> VqaError | None:
        """The error that the command ends with: of a case or metric, `GateFailed`, or None."""
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
    """Labels of the metrics that failed in this run, with the reasons."""
    if item.log is None or item.case.log is not None:
        return {}
    return dict(item.log.view.errors)


def number(value: float, limit: float | None = None) -> str:
    """A value with four decimals, or with all where four hide on which side of the limit it is."""
    if value == int(value) and abs(value) < 1e15:
        return f"{value:.0f}"
    short = f"{value:.4f}"
    return repr(value) if limit is not None and float(short) == limit != value else short
