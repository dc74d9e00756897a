"""Writes what a gate found to where the user wants it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from vqa_harness.console import note, print_table
from vqa_harness.files import write_text
from vqa_harness.gate import github as actions
from vqa_harness.gate.baseline import Change
from vqa_harness.gate.junit import to_junit
from vqa_harness.gate.output import COLUMNS, rows, summary, to_json, to_markdown
from vqa_harness.gate.plan import Plan
from vqa_harness.gate.verdict import Verdict, number

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Outputs:
    """The places a verdict is written to.

    Attributes:
        junit: file for JUnit XML, or None.
        json: file for JSON, ``-`` for standard output instead of the table, or None.
        markdown: file for a Markdown table, or None.
        github: whether to annotate, and to add to the job's summary.
        quiet: whether the table leaves out what holds.
    """

    junit: Path | None = None
    json: str | None = None
    markdown: Path | None = None
    github: bool = False
    quiet: bool = False


def write_verdict(verdict: Verdict, plan: Plan, outputs: Outputs) -> None:
    """Write the table to standard output, unless JSON goes there, and every file asked for.

    Raises:
        UsageError: a file cannot be written.
    """
    document = json.dumps(to_json(verdict), indent=2, allow_nan=False) + "\n"
    if outputs.junit is not None:
        write_text(outputs.junit, to_junit(verdict))
    if outputs.markdown is not None:
        write_text(outputs.markdown, to_markdown(verdict))
    if outputs.json == STDOUT:
        sys.stdout.write(document)
    else:
        if outputs.json is not None:
            write_text(Path(outputs.json), document)
        with actions.no_commands(sys.stdout) if outputs.github else nullcontext():
            shown = [o for o in verdict.outcomes if o.status != "pass" or not outputs.quiet]
            print_table(COLUMNS, rows(shown), title="Gate")
    note(summary(verdict))
    if outputs.github:
        stream = sys.stderr if outputs.json == STDOUT else sys.stdout
        actions.write(verdict, str(plan.config or ""), stream)


def write_changes(path: Path, changes: Sequence[Change], outputs: Outputs) -> None:
    """Show what an update of the baseline at ``path`` changed."""
    rows_of = [
        [c.case, c.value, *("-" if x is None else number(x) for x in (c.before, c.after))]
        for c in changes
    ]
    if rows_of and outputs.json != STDOUT:
        with actions.no_commands(sys.stdout) if outputs.github else nullcontext():
            print_table(("case", "value", "before", "after"), rows_of, title="Baseline")
    note(f"{path}: {len(changes)} values changed" if changes else f"{path}: nothing changed")
