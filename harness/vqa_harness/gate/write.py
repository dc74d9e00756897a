"""Writes what a gate found to where the user wants it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vqa_harness.console import note, print_table, put_commands, put_document
from vqa_harness.destinations import STDOUT, Writing
from vqa_harness.files import write_text
from vqa_harness.gate import github as actions
from vqa_harness.gate.accept import Renewal
from vqa_harness.gate.junit import to_junit
from vqa_harness.gate.output import COLUMNS, rows, summary, to_json, to_markdown
from vqa_harness.gate.plan import Plan
from vqa_harness.gate.verdict import Verdict, number


@dataclass(frozen=True, slots=True)
class Outputs:
    """The places a verdict is written to: files, or ``-`` for standard output, or None.

    Attributes:
        junit: for JUnit XML.
        json: for JSON.
        markdown: for a Markdown table.
        github: whether to annotate, and to add to the job's summary.
        quiet: whether the table leaves out what holds.
    """

    junit: str | None = None
    json: str | None = None
    markdown: str | None = None
    github: bool = False
    quiet: bool = False

    @property
    def taken(self) -> bool:
        """Whether standard output holds one of these, and therefore nothing else."""
        return STDOUT in (self.junit, self.json, self.markdown)


def write_verdict(verdict: Verdict, plan: Plan, outputs: Outputs, writing: Writing) -> None:
    """Write everything asked for, and the table unless something else has standard output.

    What cannot be written is left to ``writing``, and keeps nothing else from being written.
    """
    texts: list[tuple[str | None, Callable[[Verdict], str]]] = [
        (outputs.junit, to_junit),
        (outputs.markdown, to_markdown),
        (outputs.json, _json),
    ]
    for target, text in texts:
        if target == STDOUT:
            put_document(text(verdict), json=text is _json)
        elif target is not None:
            with writing.trying():
                write_text(Path(target), text(verdict))
    if not outputs.taken:
        shown = [o for o in verdict.outcomes if o.status != "pass" or not outputs.quiet]
        print_table(COLUMNS, rows(shown), title="Gate")
    note(summary(verdict))
    if outputs.github:
        lines = actions.annotation_lines(verdict, str(plan.config or ""))
        put_commands(lines, aside=outputs.taken)
        target_file = actions.summary_file(os.environ)
        if target_file is not None:
            with writing.trying():
                actions.add_summary(verdict, target_file)


def write_changes(path: Path, renewal: Renewal, outputs: Outputs) -> None:
    """Show what an update of the baseline at ``path`` changed."""
    rows_of = [
        [c.case, c.value, *("-" if x is None else number(x) for x in (c.before, c.after))]
        for c in renewal.changes
    ]
    if outputs.taken:
        for case, value, before, after in rows_of:
            note(f"{path}: {case}: {value}: {before} is now {after}")
    elif rows_of:
        print_table(("case", "value", "before", "after"), rows_of, title="Baseline")
    for name in renewal.dropped:
        note(f"{path}: {name} is no longer there, and was dropped")
    for name, why in renewal.kept.items():
        note(f"{path}: {name} keeps what was accepted before: {why}")
    for name, what in renewal.conditions.items():
        note(f"{path}: {name} is now of {what}")
    count = len(renewal.changes)
    changed = count or renewal.dropped or renewal.conditions
    note(f"{path}: {_values(count)} changed" if changed else f"{path}: nothing changed")


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def _json(verdict: Verdict) -> str:
    return json.dumps(to_json(verdict), indent=2, allow_nan=False) + "\n"
