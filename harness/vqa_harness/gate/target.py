"""What every kind of rule target is: where it stands in a rule, what it needs, how it is found."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from vqa_harness.errors import UsageError

if TYPE_CHECKING:
    from vqa_harness.gate.baseline import Baseline
    from vqa_harness.gate.facts import Finding
    from vqa_harness.gate.features import Offer
    from vqa_harness.gate.rules import Rule
    from vqa_harness.gate.verdict import ScoredCase
    from vqa_harness.spec import Feature

UPWARD = (">=", ">")
"""Operators that ask for large values."""

DOWNWARD = ("<=", "<")
"""Operators that ask for small values."""

LOSS = "max_drop"
"""The operator that allows a loss against the baseline."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a target cannot be found without.

    Attributes:
        feature: the feature named in the rule, for which a metric is added; empty for none.
        bitrate: whether the bitrate of the distorted video is needed.
        alignment: whether a reference and a metric that compares with it are needed.
        both_ends: whether the value means nothing where an end of a video was left out.
        qc: whether events of the distorted video have to be looked for.
    """

    feature: str = ""
    bitrate: bool = False
    alignment: bool = False
    both_ends: bool = False
    qc: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a target's value is computed from.

    Attributes:
        measured: one case, which has a log; for a target per group, the cases of the group in
            order.
        anchor: the cases of the group that the rule names as its anchor.
        baseline: accepted scores; empty where there are none.
        offer: what is known of the target's feature in a case; None where nothing is.
    """

    measured: Sequence[ScoredCase]
    anchor: Sequence[ScoredCase]
    baseline: Baseline
    offer: Callable[[ScoredCase], Offer | None]


class RuleTarget(ABC):
    """What a rule looks at; one class per kind, immutable.

    A new kind is a class in ``gate/targets.py``, listed there in `KINDS`, and a row of the table in
    ``docs/gate.md``. Only `read`, `__str__` and `find` must be written.

    Attributes:
        forms: how it is written, such as ``FEATURE.POOLING``; each has its row in the page.
        example: a target as it stands in a rule.
        about: what it is, in a few words, for the JSON Schema.
        expression: what the whole text must match.
        per_group: whether it is found once per group of cases, which are the rungs of one curve,
            and not once per case.
    """

    __slots__ = ()

    forms: ClassVar[tuple[str, ...]]
    example: ClassVar[str]
    about: ClassVar[str]
    expression: ClassVar[re.Pattern[str]]
    per_group: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def read(cls, match: re.Match[str]) -> Self:
        """The target of a text that matched `expression`."""

    @abstractmethod
    def __str__(self) -> str:
        """The target as it is written in a rule."""

    @abstractmethod
    def find(self, rule: Rule, evidence: Evidence) -> Finding:
        """The value, or why there is none.

        Raises:
            VqaError: there is no value; the message is the reason.
        """

    @property
    def unit(self) -> str:
        """The unit of the value with a space before it; empty for none."""
        return ""

    def bound(self, limit: float) -> str:
        """A bound as it is shown in a rule; with its unit only where that says what is meant."""
        return f"{limit:g}"

    def in_unit(self, unit: str) -> RuleTarget:
        """The target whose value is in a unit that stands behind the bound of a rule.

        Raises:
            UsageError: the value has no such unit.
        """
        if unit == self.unit.strip():
            return self
        has = f"is in {self.unit.strip()}" if self.unit else "has no unit"
        raise UsageError(f"{unit!r} is no unit of {self}, which {has}")

    def needs(self) -> Needs:
        """What the target cannot be found without; nothing by default."""
        return Needs()

    def needs_baseline(self, rule: Rule) -> bool:
        """Whether the rule compares with the baseline."""
        return rule.op == LOSS

    def check(self, rule: Rule) -> None:
        """Refuse a rule that makes no sense whatever is measured.

        By default that is a loss, because the value may have no better direction and the baseline
        may not hold it, and an anchor.

        Raises:
            UsageError: see above.
        """
        if rule.op == LOSS:
            raise UsageError(f"'{rule}': {self} has no better direction; write {self} <= NUMBER")
        if rule.anchor is not None:
            raise UsageError(f"'{rule}': only a bdrate rule has an anchor")

    def check_known(self, rule: Rule) -> None:  # noqa: B027 - most kinds refuse nothing
        """Refuse a name that no log ever has; called once everything is planned.

        Raises:
            UsageError: there is no such thing; the message names the nearest.
        """

    def check_bound(  # noqa: B027 - most kinds refuse nothing
        self, rule: Rule, feature: Feature
    ) -> None:
        """Refuse a bound that the feature in `needs` cannot meet, or that lets bad quality pass.

        Raises:
            UsageError: see above.
        """

    def accepted_as(self, offer: Offer | None) -> str:
        """The name under which a baseline holds the value; empty where it does not."""
        return ""
