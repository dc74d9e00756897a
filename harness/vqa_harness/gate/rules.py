"""The rules of a gate: what is looked at, and the bound it must keep.

A rule is written ``VALUE OPERATOR NUMBER``. The value is a target of one of the kinds in
`vqa_harness.gate.targets`, such as ``vmaf.p5`` or ``align.dropped``. The operator is ``>=``, ``>``,
``<=``, ``<``, ``==``, or ``max_drop``, the loss allowed against the baseline. Behind the number may
stand the unit of the value, as in ``qc.black <= 1 s``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from vqa_harness.errors import UsageError
from vqa_harness.gate.target import LOSS, RuleTarget
from vqa_harness.gate.targets import parse_target

Severity = Literal["error", "warn"]

_RULE = re.compile(
    r"\s*(?P<value>[^\s<>=]+?)\s*(?P<op>>=|<=|==|>|<|\smax_drop\s*=?)\s*(?P<limit>\S+?)"
    r"(?:(?:(?<=[\d.])\s*|\s+)(?P<unit>[A-Za-z%]+))?\s*"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One bound.

    Attributes:
        target: what is looked at.
        op: ``>=``, ``>``, ``<=``, ``<``, ``==`` or ``max_drop``.
        limit: the bound.
        severity: whether breaking it fails the gate.
        cases: patterns of the names of cases or groups it is for; empty for all.
        anchor: for a BD-rate, the group it is measured against; None for the baseline.
        place: where it is written, for messages.
        band: whether it is one side of a band, which may point in the unusual direction.
    """

    target: RuleTarget
    op: str
    limit: float
    severity: Severity = "error"
    cases: tuple[str, ...] = ()
    anchor: str | None = None
    place: str = ""
    band: bool = False

    def __str__(self) -> str:
        """The rule as it is written on the command line."""
        return f"{self.target} {self.op} {self.target.bound(self.limit)}"

    @property
    def needs_baseline(self) -> bool:
        """Whether the rule compares with the baseline."""
        return self.target.needs_baseline(self)

    def applies(self, *names: str) -> bool:
        """Whether the rule is for a case with one of these names, of itself or of its group."""
        return not self.cases or any(fnmatchcase(n, p) for n in names for p in self.cases)

    def holds(self, value: float) -> bool:
        """Whether a value keeps the bound, for any operator but ``max_drop``."""
        return {
            ">=": value >= self.limit,
            ">": value > self.limit,
            "<=": value <= self.limit,
            "<": value < self.limit,
            "==": value == self.limit,
        }[self.op]


def parse_rule(text: str, *, place: str = "", severity: Severity = "error") -> Rule:
    """Read a rule such as ``vmaf.mean >= 93`` or ``vmaf.p5 max_drop 0.5``.

    Raises:
        UsageError: it cannot be read.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"rule {text!r} cannot be read; write VALUE OPERATOR NUMBER, as in 'vmaf.mean >= 93' "
            "(operators: >= > <= < == max_drop)"
        )
    try:
        limit = float(match["limit"])
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise UsageError(f"rule {text!r}: {match['limit']!r} is not a number")
    op = LOSS if LOSS in match["op"] else match["op"]
    target = parse_target(match["value"])
    if match["unit"]:
        try:
            target = target.in_unit(match["unit"])
        except UsageError as error:
            raise UsageError(f"rule {text!r}: {error}") from None
    return checked(Rule(target, op, limit, severity, place=place))


def checked(rule: Rule) -> Rule:
    """The rule, if its target says that it makes sense.

    Raises:
        UsageError: it does not, such as a negative loss, a loss of a fact, a BD-rate that must be
            large, or an anchor without BD-rate.
    """
    rule.target.check(rule)
    return rule
