"""The kinds of value a rule can look at: pooled features, facts of a log, BD-rates.

`KINDS` lists them. To add one, see `vqa_harness.gate.target.RuleTarget`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from vqa_harness.errors import UsageError, nearest
from vqa_harness.gate.conditions import rungs_differ
from vqa_harness.gate.curve import accepted_point, measured_point
from vqa_harness.gate.facts import Finding, find_fact, find_feature, known_facts
from vqa_harness.gate.qc_target import QcTarget
from vqa_harness.gate.target import DOWNWARD, LOSS, UPWARD, Evidence, Needs, RuleTarget
from vqa_harness.stats.pooling import POOLERS

if TYPE_CHECKING:
    from vqa_harness.gate.features import Offer
    from vqa_harness.gate.rules import Rule
    from vqa_harness.spec import Feature

POOLS = (*POOLERS, "worst_run")
"""Names of poolings; percentiles ``p0`` to ``p100`` are taken as well."""

FEW_POINTS = 4
"""A verdict notes that a rate-quality curve has fewer points than this."""


@dataclass(frozen=True, slots=True)
class FeatureTarget(RuleTarget):
    """A feature of the log, pooled over frames.

    Attributes:
        name: the feature.
        pool: one of `POOLS`, or a percentile such as ``p2.5``.
    """

    forms: ClassVar[tuple[str, ...]] = ("FEATURE.POOLING",)
    example: ClassVar[str] = "vmaf.p5"
    about: ClassVar[str] = "a feature of the log, pooled"
    expression: ClassVar[re.Pattern[str]] = re.compile(
        rf"(?P<name>[a-z][\w.-]*?)\.(?P<pool>{'|'.join(POOLS)}|p(?:\d{{1,2}}(?:\.\d+)?|100))", re.I
    )

    name: str
    pool: str

    @classmethod
    def read(cls, match: re.Match[str]) -> Self:
        """See `RuleTarget.read`."""
        return cls(match["name"], match["pool"])

    def __str__(self) -> str:
        return f"{self.name}.{self.pool}"

    def needs(self) -> Needs:
        """A target of this kind needs its feature."""
        return Needs(self.name, both_ends=True)

    def check(self, rule: Rule) -> None:
        """Refuse a negative loss, and a loss of a standard deviation, which has no direction."""
        if rule.op == LOSS and rule.limit < 0:
            raise UsageError(f"'{rule}': a loss is 0 or more")
        if rule.op != LOSS or self.pool == "std" or rule.anchor is not None:
            RuleTarget.check(self, rule)

    def check_bound(self, rule: Rule, feature: Feature) -> None:
        """Refuse a bound that the feature cannot meet, or that lets bad quality pass.

        A bound on the better side alone, such as ``niqe.mean >= 5`` where lower is better, is taken
        for a mistake: it would pass everything that is bad. As one side of a band (``min`` and
        ``max``) it is fine.

        Raises:
            UsageError: see above.
        """
        better = feature.higher_is_better
        if rule.op == LOSS:
            if better is None:
                raise UsageError(f"'{rule}': of {feature.name} neither higher nor lower is better")
            return
        if self.pool == "std":
            return
        if better is not None and not rule.band and rule.op in (DOWNWARD if better else UPWARD):
            word, right = ("higher", ">=") if better else ("lower", "<=")
            raise UsageError(
                f"'{rule}' lets bad quality pass: of {feature.name} {word} is better; write "
                f"{self} {right} {rule.limit:g}, or give min and max in a [[rule]]"
            )
        _check_range(rule, feature)

    def accepted_as(self, offer: Offer | None) -> str:
        """The name in a baseline, such as ``vmaf.p5``: the feature as logged, and the pooling."""
        return f"{self.name if offer is None else offer.logged}.{self.pool}"

    def find(self, rule: Rule, evidence: Evidence) -> Finding:
        """The pooled value of a case."""
        (item,) = evidence.measured
        assert item.log is not None  # see Evidence
        return find_feature(item.log, self.name, self.pool, evidence.offer(item))


@dataclass(frozen=True, slots=True)
class FactTarget(RuleTarget):
    """A fact of the pairing of frames, or of decoding the distorted video.

    Attributes:
        section: ``align`` or ``reading``.
        name: key of the fact, dotted where it stands inside another.
    """

    forms: ClassVar[tuple[str, ...]] = ("align.KEY", "reading.KEY")
    example: ClassVar[str] = "align.dropped"
    about: ClassVar[str] = "a fact of the pairing of frames or of decoding"
    expression: ClassVar[re.Pattern[str]] = re.compile(
        r"(?P<section>align|reading)\.(?P<name>[\w.-]+)"
    )

    section: str
    name: str

    @classmethod
    def read(cls, match: re.Match[str]) -> Self:
        """See `RuleTarget.read`."""
        return cls(match["section"], match["name"])

    def __str__(self) -> str:
        return f"{self.section}.{self.name}"

    def needs(self) -> Needs:
        """A fact of the pairing needs frames that are paired, from one end to the other.

        Those that say what was left out at the ends judge that themselves.
        """
        aligned = self.section == "align"
        return Needs(alignment=aligned, both_ends=aligned and not self.name.startswith("extra_"))

    def check_known(self, rule: Rule) -> None:
        """Refuse a key that no log has."""
        known = known_facts(self.section)
        if self.name not in known:
            hint = nearest(self.name, known)
            raise UsageError(f"'{rule}': {self.section} has no {self.name!r}{hint}")

    def find(self, rule: Rule, evidence: Evidence) -> Finding:
        """The fact that the log of a case holds."""
        (item,) = evidence.measured
        assert item.log is not None  # see Evidence
        return find_fact(item.log, self.section, self.name)


@dataclass(frozen=True, slots=True)
class BdRateTarget(RuleTarget):
    """The Bjontegaard rate difference of a group in percent, against the baseline or another group.

    Attributes:
        name: the feature whose mean is the quality.
    """

    forms: ClassVar[tuple[str, ...]] = ("bdrate.FEATURE",)
    example: ClassVar[str] = "bdrate.vmaf"
    about: ClassVar[str] = "Bjontegaard rate difference of a group in percent"
    expression: ClassVar[re.Pattern[str]] = re.compile(r"bdrate\.(?P<name>[\w.-]+)")
    per_group: ClassVar[bool] = True

    name: str

    @classmethod
    def read(cls, match: re.Match[str]) -> Self:
        """See `RuleTarget.read`."""
        return cls(match["name"])

    def __str__(self) -> str:
        return f"bdrate.{self.name}"

    @property
    def unit(self) -> str:
        """Percent."""
        return " %"

    def needs(self) -> Needs:
        """A BD-rate needs the feature, and the bitrate of each rung."""
        return Needs(self.name, bitrate=True, both_ends=True)

    def needs_baseline(self, rule: Rule) -> bool:
        """Whether the curve is compared with the baseline, which it is without an anchor."""
        return rule.anchor is None

    def check(self, rule: Rule) -> None:
        """Refuse a rule that asks for a large BD-rate, or for a loss."""
        if rule.op == LOSS:
            RuleTarget.check(self, rule)
        if rule.op not in DOWNWARD:
            raise UsageError(
                f"'{rule}': a BD-rate above 0 costs bits; write {self} <= {rule.limit:g}"
            )

    def find(self, rule: Rule, evidence: Evidence) -> Finding:
        """The BD-rate of the curve of a group against that of the anchor."""
        from vqa_harness.stats.bdrate import bd_rate

        logs = [(rung.case.name, rung.log) for rung in (*evidence.anchor, *evidence.measured)]
        offer = evidence.offer(evidence.measured[0]) if evidence.measured else None
        logged = self.name if offer is None else offer.logged
        if reason := rungs_differ([(n, log) for n, log in logs if log is not None], logged):
            return Finding(reason=reason)
        if rule.anchor is None:
            anchor = [accepted_point(rung, self.name, evidence) for rung in evidence.measured]
        else:
            anchor = [measured_point(rung, self.name, evidence) for rung in evidence.anchor]
        test = [measured_point(rung, self.name, evidence) for rung in evidence.measured]
        few = min(len(anchor), len(test))
        note = f"curves of only {few} points" if few < FEW_POINTS else ""
        return Finding(bd_rate(anchor, test), note=note)


KINDS: tuple[type[RuleTarget], ...] = (BdRateTarget, FactTarget, QcTarget, FeatureTarget)
"""Every kind of target; a text is of the first kind whose expression it matches."""


def parse_target(text: str) -> RuleTarget:
    """Read what a rule looks at, as one of `KINDS` is written.

    Raises:
        UsageError: it is none of these; the message names the nearest.
    """
    for kind in KINDS:
        if match := kind.expression.fullmatch(text):
            return kind.read(match)
    name, dot, pool = text.rpartition(".")
    if not dot:
        raise UsageError(f"{text!r} does not say how to pool; write {text}.mean, {text}.p5, ...")
    if re.fullmatch(r"p\d[\d.]*", pool):
        raise UsageError(f"{text!r}: percentiles go from p0 to p100")
    hint = nearest(pool, POOLS, f"choose one of {', '.join(POOLS)}, p5", prefix=f"{name}.")
    raise UsageError(f"{text!r}: no pooling {pool!r}{hint}")


def _check_range(rule: Rule, feature: Feature) -> None:
    lo, hi, limit = feature.lo, feature.hi, rule.limit
    too_high = hi is not None and (limit > hi or (limit == hi and rule.op == ">"))
    too_low = lo is not None and (limit < lo or (limit == lo and rule.op == "<"))
    if too_high and rule.op in (*UPWARD, "=="):
        raise UsageError(f"'{rule}' can never hold: {feature.name} is at most {hi:g}")
    if too_low and rule.op in (*DOWNWARD, "=="):
        raise UsageError(f"'{rule}' can never hold: {feature.name} is at least {lo:g}")
