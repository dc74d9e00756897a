"""What a gate would do: its cases and its rules, without decoding a frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vqa_harness.console import note, print_table, put_document, warn
from vqa_harness.destinations import STDOUT, check_destinations
from vqa_harness.errors import InputError, UsageError, one_line
from vqa_harness.files import write_text
from vqa_harness.gate.baseline import read_baseline
from vqa_harness.gate.pairing import options_of
from vqa_harness.gate.plan import Case, Plan
from vqa_harness.gate.rules import Rule

SCHEMA = 1
"""Version of the JSON document."""

CASES = ("case", "group", "distorted", "reference", "metrics", "pairing")
RULES = ("rule", "severity", "cases", "written in")


def show_plan(plan: Plan, json_target: str | None = None, *, judged: bool = False) -> None:
    """Show the cases and the rules of a plan, as tables or as JSON.

    Args:
        plan: what would be judged.
        json_target: a file, ``-`` for standard output instead of the tables, or None.
        judged: whether something was asked for that needs a verdict.

    Raises:
        UsageError: a verdict is needed, or the file cannot be written.
        InputError: a file that would be read is not there; everything is shown before.
    """
    if judged:
        raise UsageError(
            "--dry-run judges nothing; leave out --junit, --markdown and --update-baseline"
        )
    check_destinations([json_target], plan.inputs())
    text = json.dumps(to_json(plan), indent=2, allow_nan=False) + "\n"
    if json_target == STDOUT:
        put_document(text, json=True)
    else:
        print_table(CASES, [_case_row(case) for case in plan.cases], title="Cases")
        print_table(RULES, [_rule_row(rule, plan) for rule in plan.rules], title="Rules")
        if json_target is not None:
            write_text(Path(json_target), text)
    for line in _of_baseline(plan):
        warn(line)
    missing = list(_missing(plan))
    for line in missing[1:]:
        warn(line)
    if missing:
        raise InputError(missing[0])
    note(f"{_count(len(plan.rules), 'rule')} on {_count(len(plan.cases), 'case')}, nothing judged")


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan, JSON-compatible; ``docs/gate.md`` describes its fields."""
    return {
        "schema": SCHEMA,
        "config": _text(plan.config),
        "baseline": _text(plan.baseline),
        "min_share": plan.min_share,
        "cases": [
            {
                "name": case.name,
                "group": case.group,
                "distorted": _text(case.distorted),
                "reference": _text(case.reference),
                "log": _text(case.log),
                "metrics": [request.label for request in case.requests],
                "align": None if case.reference is None else options_of(case.align).to_json(),
                "rules": [str(rule) for rule in plan.rules if case.name in _names(rule, plan)],
            }
            for case in plan.cases
        ],
        "rules": [
            {
                "rule": str(rule),
                "severity": rule.severity,
                "cases": _names(rule, plan),
                "anchor": rule.anchor,
                "place": rule.place,
            }
            for rule in plan.rules
        ],
    }


def _case_row(case: Case) -> list[str]:
    changed = [f"{name}={value}" for name, value in case.align.items()]
    scored = "-" if case.distorted is None else str(case.distorted)
    return [
        case.name,
        case.group,
        scored if case.log is None else str(case.log),
        "-" if case.reference is None else str(case.reference),
        ", ".join(request.label for request in case.requests) or "-",
        ", ".join(changed) or ("-" if case.reference is None else "default"),
    ]


def _rule_row(rule: Rule, plan: Plan) -> list[str]:
    names = _names(rule, plan)
    every = len(names) == len(plan.cases) and not rule.target.per_group
    shown = f"all {len(names)}" if every else ", ".join(names) or "none"
    return [str(rule), rule.severity, shown, rule.place]


def _names(rule: Rule, plan: Plan) -> list[str]:
    """Names of the cases, or for a rule per group of the groups, that a rule is applied to."""
    if rule.target.per_group:
        return plan.groups(rule)
    return [case.name for case in plan.cases if rule.applies(case.name, case.group)]


def _of_baseline(plan: Plan) -> Iterator[str]:
    """What to know of the baseline before the videos are scored."""
    if plan.baseline is None:
        return
    if not plan.baseline.exists():
        if any(rule.needs_baseline for rule in plan.rules):
            yield f"{plan.baseline}: no such baseline; --update-baseline makes it"
        return
    try:
        accepted = read_baseline(plan.baseline, len(plan.cases))
    except (InputError, UsageError) as error:
        yield one_line(error)
        return
    names = {case.name for case in plan.cases}
    for name in sorted(accepted.gone(names)):
        yield f"{plan.baseline}: has {name}, which is no longer there; --update-baseline drops it"
    if accepted.single is None:
        for name in sorted(names - set(accepted.entries)):
            yield f"{plan.baseline}: does not have {name}; --update-baseline adds it"


def _missing(plan: Plan) -> Iterator[str]:
    for case in plan.cases:
        for path in (case.log, case.distorted, case.reference):
            if path is not None and not path.exists():
                yield f"case {case.name!r}: {path}: no such file"


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _count(number_of: int, noun: str) -> str:
    return f"{number_of} {noun}" if number_of == 1 else f"{number_of} {noun}s"
