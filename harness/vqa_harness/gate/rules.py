"""The rules of a gate: what is looked at, the bound it must keep, and which rules make no sense.

A rule is written ``VALUE OPERATOR NUMBER``. The value is ``FEATURE.POOLING`` (``vmaf.p5``),
``align.KEY`` or ``reading.KEY`` (facts of the log, such as ``align.dropped``) or ``bdrate.FEATURE``
(Bjontegaard rate difference in percent). The operator is ``>=``, ``>``, ``<=``, ``<``, ``==``, or
``max_drop``, the loss allowed against the baseline.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from vqa_harness.errors import UsageError, nearest
from vqa_harness.spec import Feature
from vqa_harness.stats.pooling import POOLERS

Severity = Literal["error", "warn"]
Kind = Literal["feature", "align", "reading", "bdrate"]

FACTS = ("align", "reading")
POOLS = (*POOLERS, "worst_run")
"""Names of poolings; percentiles ``p0`` to ``p100`` are taken as well."""

UPWARD = (">=", ">")
DOWNWARD = ("<=", "<")

_POOL = r"min|max|mean|harmonic_mean|std|worst_run|p(?:\d{1,2}(?:\.\d+)?|100)"
_FEATURE = re.compile(rf"(?P<name>[a-z][\w.-]*?)\.(?P<pool>{_POOL})", re.I)
_FACT = re.compile(r"(?P<kind>align|reading|bdrate)\.(?P<name>[\w.-]+)")
_RULE = re.compile(
    r"\s*(?P<value>[^\s<>=]+?)\s*(?P<op>>=|<=|==|>|<|\smax_drop\s*=?)\s*(?P<limit>\S+)\s*"
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule looks at.

    Attributes:
        kind: a pooled feature, a fact of the alignment or of reading, or a BD-rate.
        name: feature or key.
        pool: how a feature is pooled; empty for other kinds. A BD-rate takes the mean.
    """

    kind: Kind
    name: str
    pool: str = ""

    def __str__(self) -> str:
        """As written in a rule."""
        return f"{self.name}.{self.pool}" if self.kind == "feature" else f"{self.kind}.{self.name}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One bound.

    Attributes:
        target: what is looked at.
        op: ``>=``, ``>``, ``<=``, ``<``, ``==`` or ``max_drop``.
        limit: the bound.
        severity: whether breaking it fails the gate.
        cases: patterns of the names of cases or groups it is for; empty for all.
        anchor: of a BD-rate: the group it is measured against; None for the baseline.
        place: where it is written, for messages.
        band: whether it is one side of a band, which may point in the unusual direction.
    """

    target: Target
    op: str
    limit: float
    severity: Severity = "error"
    cases: tuple[str, ...] = ()
    anchor: str | None = None
    place: str = ""
    band: bool = False

    def __str__(self) -> str:
        """As written on the command line."""
        return f"{self.target} {self.op} {self.limit:g}"

    @property
    def needs_baseline(self) -> bool:
        """Whether it compares with the baseline."""
        return self.op == "max_drop" or (self.target.kind == "bdrate" and self.anchor is None)

    def applies(self, *names: str) -> bool:
        """Whether it is for a case with this name or group."""
        return not self.cases or any(fnmatchcase(n, p) for n in names for p in self.cases)

    def holds(self, value: float) -> bool:
        """Whether the value keeps the bound; a ``max_drop`` is none."""
        return {
            ">=": value >= self.limit,
            ">": value > self.limit,
            "<=": value <= self.limit,
            "<": value < self.limit,
            "==": value == self.limit,
        }[self.op]


def parse_target(text: str) -> Target:
    """Read ``FEATURE.POOLING``, ``align.KEY``, ``reading.KEY`` or ``bdrate.FEATURE``.

    Raises:
        UsageError: it is none of these; the message names the nearest.
    """
    if match := _FACT.fullmatch(text):
        kind: Kind = match["kind"]  # type: ignore[assignment]
        return Target(kind, match["name"])
    if match := _FEATURE.fullmatch(text):
        return Target("feature", match["name"], match["pool"])
    name, dot, pool = text.rpartition(".")
    if not dot:
        raise UsageError(f"{text!r} does not say how to pool; write {text}.mean, {text}.p5, ...")
    if re.fullmatch(r"p\d[\d.]*", pool):
        raise UsageError(f"{text!r}: percentiles go from p0 to p100")
    hint = nearest(pool, POOLS, f"choose one of {', '.join(POOLS)}, p5", prefix=f"{name}.")
    raise UsageError(f"{text!r}: no pooling {pool!r}{hint}")


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
    op = match["op"].strip(" \t=") if "max_drop" in match["op"] else match["op"]
    return checked(Rule(parse_target(match["value"]), op, limit, severity, place=place))


def checked(rule: Rule) -> Rule:
    """The rule, if a metric could make it sensible.

    Raises:
        UsageError: a negative loss, a loss of a fact, a pooling without direction, a BD-rate that
            must be large, or an anchor without BD-rate.
    """
    target = rule.target
    if rule.op == "max_drop":
        if rule.limit < 0:
            raise UsageError(f"'{rule}': a loss is 0 or more")
        if target.kind != "feature" or target.pool == "std":
            raise UsageError(
                f"'{rule}': {target} has no better direction; write {target} <= NUMBER"
            )
    if target.kind == "bdrate" and rule.op not in DOWNWARD:
        raise UsageError(
            f"'{rule}': a BD-rate above 0 costs bits; write {target} <= {rule.limit:g}"
        )
    if rule.anchor is not None and target.kind != "bdrate":
        raise UsageError(f"'{rule}': only a bdrate rule has an anchor")
    return rule


def check_bound(rule: Rule, feature: Feature) -> None:
    """Refuse a bound that the feature cannot meet, or that lets bad quality pass.

    A bound on the better side alone, such as ``niqe.mean >= 5`` where lower is better, is taken for
    a mistake: it would pass everything that is bad. As one side of a band (``min`` and ``max``) it
    is fine.

    Raises:
        UsageError: see above.
    """
    if rule.target.kind != "feature":
        return
    better = feature.higher_is_better
    if rule.op == "max_drop":
        if better is None:
            raise UsageError(f"'{rule}': of {feature.name} neither higher nor lower is better")
        return
    if rule.target.pool == "std":
        return
    if better is not None and not rule.band:
        wrong = DOWNWARD if better else UPWARD
        if rule.op in wrong:
            word, right = ("higher", ">=") if better else ("lower", "<=")
            raise UsageError(
                f"'{rule}' lets bad quality pass: of {feature.name} {word} is better; write "
                f"{rule.target} {right} {rule.limit:g}, or give min and max in a [[rule]]"
            )
    _check_range(rule, feature)


def _check_range(rule: Rule, feature: Feature) -> None:
    lo, hi, limit = feature.lo, feature.hi, rule.limit
    too_high = hi is not None and (limit > hi or (limit == hi and rule.op == ">"))
    too_low = lo is not None and (limit < lo or (limit == lo and rule.op == "<"))
    if too_high and rule.op in (*UPWARD, "=="):
        raise UsageError(f"'{rule}' can never hold: {feature.name} is at most {hi:g}")
    if too_low and rule.op in (*DOWNWARD, "=="):
        raise UsageError(f"'{rule}' can never hold: {feature.name} is at least {lo:g}")


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Put a place before the message of every `UsageError` raised inside that names none yet."""
    try:
        yield
    except UsageError as error:
        if not where or str(error).startswith(where.partition(": ")[0]):
            raise
        raise type(error)(f"{where}: {error}") from None
