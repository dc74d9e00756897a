"""What a gate is going to score and by which rules, checked before anything is decoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa_harness.config import one_descent
from vqa_harness.console import note
from vqa_harness.destinations import files_of
from vqa_harness.errors import InputError, UsageError, nearest, placed
from vqa_harness.gate.features import Offer, metric_with, offered, resolve
from vqa_harness.gate.pairing import MIN_SHARE
from vqa_harness.gate.rules import Rule
from vqa_harness.logs.cache_key import COLOUR
from vqa_harness.media.input_format import NOTHING_STATED, PairFormat
from vqa_harness.media.inputs import check_stated, expand
from vqa_harness.registry import Registry
from vqa_harness.request import Request

if TYPE_CHECKING:
    from vqa_harness.gate.config import CaseTable, Config

_WILD = frozenset("*?[")
"""Characters that make a path a pattern."""

MAX_CASES = 10_000
"""Most cases a glob may make."""


@dataclass(frozen=True, slots=True)
class Case:
    """One video to score, or a log of one.

    Attributes:
        name: unique within the gate.
        group: rungs of one rate-quality curve share it.
        distorted: the video; None for a log.
        reference: what it is compared with, or None.
        requests: the metrics, those the rules need included.
        align: options of pairing that differ from those of `vqa_harness.gate.pairing`, by name.
        log: the log that is judged instead of scoring a video.
        place: where it is written, for messages.
        stated: how inputs are read that do not say it themselves.
        qc: whether a rule asks for events that need no reference.
    """

    name: str
    group: str = ""
    distorted: Path | None = None
    reference: Path | None = None
    requests: tuple[Request, ...] = ()
    align: Mapping[str, Any] = field(default_factory=dict)
    log: Path | None = None
    place: str = ""
    stated: PairFormat = NOTHING_STATED
    qc: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A gate that can be run.

    Attributes:
        cases: in order.
        rules: in order.
        baseline: the baseline's file, or None.
        config: the configuration's file, or None.
        min_share: share of the frames, both ends left aside, that must have been scored.
    """

    cases: Sequence[Case]
    rules: Sequence[Rule]
    baseline: Path | None = None
    config: Path | None = None
    min_share: float = MIN_SHARE

    def inputs(self) -> Iterator[Path]:
        """Every file that is read: the configuration, the baseline, videos, logs and models."""
        if self.config is not None:
            yield self.config
        if self.baseline is not None:
            yield self.baseline
        for case in self.cases:
            files = (case.distorted, case.reference, case.log)
            yield from (path for path in files if path is not None)
            yield from files_of(case.requests)

    def groups(self, rule: Rule) -> list[str]:
        """The groups that a rule is for: those its patterns name, else all with several cases."""
        members: dict[str, list[str]] = {}
        for case in self.cases:
            members.setdefault(case.group, []).append(case.name)
        return [
            group
            for group, names in members.items()
            if group != rule.anchor and rule.applies(group) and (rule.cases or len(names) > 1)
        ]


def plan_config(config: Config, registry: Registry, extra: Sequence[Rule] = ()) -> Plan:
    """The plan of a configuration, with further rules.

    Raises:
        UsageError: something in it cannot be; the message begins with the place.
        InputError: a pattern matches no file.
    """
    rules = [*config.rules, *extra]
    cases: list[Case] = []
    for number, table in enumerate(config.table.case):
        at = config.place("case", number)
        with placed(at):
            cases += _cases(config, table, rules, registry, at)
    if not cases:
        raise UsageError(f"{config.path.name}: has no [[case]]; nothing would be scored")
    baseline = config.table.baseline
    accepted = None if baseline is None else config.resolve(baseline)
    plan = Plan(cases, rules, accepted, config.path, config.table.min_share)
    return checked_plan(plan, registry)


def plan_videos(
    videos: Sequence[Path],
    reference: Path | None,
    align: Mapping[str, Any],
    metrics: Sequence[str],
    rules: Sequence[Rule],
    registry: Registry,
    stated: PairFormat = NOTHING_STATED,
) -> Plan:
    """The plan of a command line that names videos; each is a case called by its file's stem.

    Raises:
        UsageError: as `plan_config`.
    """
    cases = []
    for name, path in _named(videos):
        mine = [r for r in rules if r.applies(name)]
        requests = requests_for(metrics, mine, registry)
        qc = _needs_qc(mine)
        cases.append(Case(name, name, path, reference, requests, align, stated=stated, qc=qc))
    return checked_plan(Plan(cases, rules), registry)


def plan_logs(
    logs: Sequence[Path],
    rules: Sequence[Rule],
    registry: Registry,
    align: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan of a command line that names logs; each is a case called by its file's stem.

    Raises:
        UsageError: as `plan_config`.
    """
    cases = [Case(name, name, align=align or {}, log=path) for name, path in _named(logs)]
    return checked_plan(Plan(cases, rules), registry)


def requests_for(
    texts: Sequence[str], rules: Sequence[Rule], registry: Registry
) -> tuple[Request, ...]:
    """The metrics named, and those the rules need beside them, with their defaults.

    Raises:
        UsageError: an unknown metric or feature, a wrong parameter.
    """
    requests = registry.requests(texts)
    for rule in rules:
        feature = rule.target.needs().feature
        with placed(rule.place):
            if feature and resolve(feature, offered(requests)) is None:
                requests.append(metric_with(feature, requests, registry))
    return tuple(requests)


def checked_plan(plan: Plan, registry: Registry) -> Plan:
    """The plan, if every rule can be judged.

    Raises:
        UsageError: a rule that no case is under, a bound that makes no sense, a metric without
            reference, no rule, two cases of one name.
    """
    if not plan.rules:
        raise UsageError("there is no rule; add rules = ['vmaf.mean >= 93'] or --rule")
    names = [case.name for case in plan.cases]
    if len(names) > MAX_CASES:
        raise UsageError(f"there are {len(names)} cases, at most {MAX_CASES} are allowed")
    seen: set[str] = set()
    for case in plan.cases:
        if case.name in seen:
            raise UsageError(f"{case.place}: two cases are called {case.name!r}")
        seen.add(case.name)
        _check_reference(case)
    for rule in plan.rules:
        with placed(rule.place):
            _check_rule(rule, plan, registry)
    return plan


def _check_reference(case: Case) -> None:
    if case.reference is not None or case.log is not None:
        return
    for request in case.requests:
        if request.spec.reference:
            raise UsageError(
                f"{case.place or case.name}: metric {request.spec.name!r} compares with a "
                "reference and the case has none; add reference, or limit the rule with cases"
            )
    if set(case.align) - {COLOUR}:
        raise UsageError(f"{case.place or case.name}: nothing can be paired without a reference")


def _check_rule(rule: Rule, plan: Plan, registry: Registry) -> None:
    known = {case.name for case in plan.cases} | {case.group for case in plan.cases}
    for pattern in rule.cases:
        if not any(dataclasses.replace(rule, cases=(pattern,)).applies(name) for name in known):
            raise UsageError(f"'{rule}': no case {pattern!r}{nearest(pattern, known)}")
    if rule.anchor is not None and rule.anchor not in known:
        raise UsageError(f"'{rule}': no group {rule.anchor!r}{nearest(rule.anchor, known)}")
    if rule.target.per_group and not plan.groups(rule):
        raise UsageError(f"'{rule}': no group of several cases; a curve needs them as rungs")
    rule.target.check_known(rule)
    needs = rule.target.needs()
    for case in under(rule, plan):
        if needs.alignment and case.log is None and not _is_aligned(case):
            raise UsageError(
                f"'{rule}': nothing is aligned in case {case.name!r}; give it a reference and "
                "a metric that compares, or limit the rule with cases"
            )
        offer = resolve(needs.feature, _offers(case, registry)) if needs.feature else None
        if offer is not None:
            rule.target.check_bound(rule, offer.feature)


def _offers(case: Case, registry: Registry) -> list[Offer]:
    """What is known of the features of a case; for a log, the installed metrics are asked."""
    if case.log is None:
        return offered(case.requests)
    return offered([registry.request(name) for name in registry.specs()])


def _is_aligned(case: Case) -> bool:
    compares = any(request.spec.reference for request in case.requests)
    return case.reference is not None and compares


def under(rule: Rule, plan: Plan) -> Iterator[Case]:
    """The cases a rule is for; if it is per group, those of its groups and of its anchor."""
    groups = {*plan.groups(rule), rule.anchor} if rule.target.per_group else set()
    for case in plan.cases:
        if rule.target.per_group:
            if case.group in groups:
                yield case
        elif rule.applies(case.name, case.group):
            yield case


def _cases(
    config: Config, table: CaseTable, rules: Sequence[Rule], registry: Registry, at: str
) -> Iterator[Case]:
    paths = list(_expand(config, table, at))
    group = table.group or table.name
    align = table.align.set_keys()
    shared = config.table.align.set_keys()
    align = {k: v for k, v in shared.items() if table.reference or k == COLOUR} | align
    reference = None if table.reference is None else config.resolve(table.reference)
    texts = config.table.metrics if table.metrics is None else table.metrics
    stated = PairFormat.of(config.table.input.set_keys() | table.input.set_keys())
    if table.input.set_keys():
        check_stated(stated, paths, reference)
    single = len(paths) == 1 and len(table.distorted) == 1 and not _is_pattern(table.distorted[0])
    for stem, path in _named(paths):
        name = table.name if single else f"{table.name}/{stem}"
        mine = [r for r in rules if _concerns(r, name, group, single and not table.group)]
        requests = requests_for(texts, mine, registry)
        qc = _needs_qc(mine)
        yield Case(name, group, path, reference, requests, align, place=at, stated=stated, qc=qc)


def _needs_qc(rules: Sequence[Rule]) -> bool:
    return any(rule.target.needs().qc for rule in rules)


def _concerns(rule: Rule, name: str, group: str, alone: bool) -> bool:
    """Whether a case needs the rule's metric; a case alone has no rate-quality curve."""
    if rule.target.per_group and not rule.cases:
        return not alone or rule.anchor == group
    return rule.applies(name, group) or rule.anchor == group


def _expand(config: Config, table: CaseTable, at: str) -> Iterator[Path]:
    for text in table.distorted:
        path = config.resolve(text)
        if path.exists() or not _is_pattern(text):
            yield from expand([path], note)
            continue
        matches = sorted(_glob(config.path.parent, text))
        if not matches:
            raise InputError(f"{at}, key distorted: {text!r} matches no file")
        yield from matches


def _glob(folder: Path, pattern: str) -> Iterator[Path]:
    import glob

    pattern = one_descent(pattern)
    for name in glob.iglob(pattern, root_dir=folder, recursive=True):  # noqa: PTH207 - root_dir
        path = folder / name
        if path.is_file():
            yield path


def _is_pattern(text: str) -> bool:
    return bool(_WILD & set(text))


def _named(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Each path with a name of its own: its stem, or where stems are equal its name or a number."""
    stems = [path.stem for path in paths]
    taken: set[str] = set()
    for path in paths:
        name = path.stem if stems.count(path.stem) == 1 else path.name
        base, number = name, 1
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
        yield name, path
