"""What a gate found, as a table for people, as JSON, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vqa_harness import __version__
from vqa_harness.console import markdown, markdown_row
from vqa_harness.gate.verdict import STATUSES, RuleOutcome, ScoredCase, Verdict, number

SCHEMA = 1
"""Version of the JSON verdict."""

COLUMNS = ("status", "case", "rule", "value", "baseline", "reason")
WORDS = {
    "pass": "pass",
    "fail": "FAIL",
    "error": "ERROR",
    "warn": "warning",
    "accepted": "accepted",
}
_SIGNS = {"pass": "✅", "fail": "❌", "error": "❌", "warn": "⚠️", "accepted": "✅"}
MAX_ROWS = 1000
"""Rows of a Markdown table; GitHub refuses a summary above 1 MiB."""
MAX_CELL = 500
"""Characters of one of its cells."""


def rows(outcomes: Sequence[RuleOutcome]) -> list[list[str]]:
    """The rows of a table with the columns `COLUMNS`, in the order of the outcomes."""
    return [
        [
            WORDS[o.status],
            o.case,
            str(o.rule),
            "-" if o.value is None else number(o.value, o.rule.limit),
            "-" if o.baseline is None else number(o.baseline),
            o.reason or o.note,
        ]
        for o in outcomes
    ]


def summary(verdict: Verdict) -> str:
    """One line that says how many rules there are on how many cases, and how they ended."""
    counts = [(verdict.count(status), WORDS[status]) for status in STATUSES]
    results = ", ".join(f"{count} {word.lower()}" for count, word in counts if count)
    cached = sum(m.cached for m in verdict.measured)
    origin = f" ({cached} from the cache)" if cached else ""
    cases = _count(len(verdict.measured), "case")
    return f"{_count(len(verdict.outcomes), 'rule')} on {cases}{origin}: {results}"


def to_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict, JSON-compatible; ``docs/gate.md`` describes its fields."""
    failure = verdict.failure()
    return {
        "schema": SCHEMA,
        "harness_version": __version__,
        "passed": failure is None,
        "exit_code": 0 if failure is None else failure.exit_code,
        "counts": {status: verdict.count(status) for status in STATUSES},
        "rules": [_rule(outcome) for outcome in verdict.outcomes],
        "cases": [_case(item) for item in verdict.measured],
    }


def to_markdown(verdict: Verdict) -> str:
    """A table with what is wrong first, for a job summary or a comment."""
    title = "failed" if verdict.failure() else "passed"
    sign = _SIGNS["fail" if verdict.failure() else "pass"]
    ordered = sorted(verdict.outcomes, key=lambda o: STATUSES.index(o.status))
    lines = [f"## {sign} Video quality gate {title}", "", markdown(summary(verdict)), ""]
    lines += ["| | case | rule | value | baseline | |", "|---|---|---|---:|---:|---|"]
    for outcome, row in zip(ordered[:MAX_ROWS], rows(ordered[:MAX_ROWS]), strict=True):
        cells = (markdown(cell[:MAX_CELL]) for cell in row[1:])
        lines.append(markdown_row([f"{_SIGNS[outcome.status]} {row[0]}", *cells]))
    if len(ordered) > MAX_ROWS:
        lines.append(f"\n{len(ordered) - MAX_ROWS} more rules are not shown.")
    return "\n".join(lines) + "\n"


def _rule(outcome: RuleOutcome) -> dict[str, Any]:
    return {
        "case": outcome.case,
        "rule": str(outcome.rule),
        "severity": outcome.rule.severity,
        "status": outcome.status,
        "value": outcome.value,
        "limit": outcome.rule.limit,
        "baseline": outcome.baseline,
        "reason": outcome.reason,
        "note": outcome.note,
        "place": outcome.rule.place,
    }


def _case(item: ScoredCase) -> dict[str, Any]:
    case, log = item.case, item.log
    return {
        "name": case.name,
        "group": case.group,
        "distorted": None if case.distorted is None else str(case.distorted),
        "reference": None if case.reference is None else str(case.reference),
        "log": None if case.log is None else str(case.log),
        "frames": None if log is None else len(log),
        "bitrate": item.bitrate,
        "cached": item.cached,
        "seconds": round(item.seconds, 3),
        "error": None if item.error is None else str(item.error),
        "exit_code": 0 if item.error is None else item.error.exit_code,
        "pooled": {} if log is None else log.pooled,
        "alignment": {} if log is None else log.extra.get("alignment", {}),
        "warnings": warnings_of(item),
    }


def warnings_of(item: ScoredCase) -> list[str]:
    """What the user should know of a run and of its metrics."""
    if item.log is None:
        return []
    texts = list(item.log.view.warnings)
    for label, metric in item.log.view.metrics.items():
        texts += [f"{label}: {text}" for text in metric.warnings]
    return texts


def _count(number_of: int, noun: str) -> str:
    return f"{number_of} {noun}" if number_of == 1 else f"{number_of} {noun}s"
