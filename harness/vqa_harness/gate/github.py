"""What a gate found for GitHub Actions: annotations, and a job summary.

The escaping is that of the runner (``actions/toolkit``, ``packages/core/src/command.ts``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vqa_harness.console import printable
from vqa_harness.errors import UsageError
from vqa_harness.gate.output import to_markdown
from vqa_harness.gate.verdict import RuleOutcome, Verdict

MAX_ANNOTATIONS = 10
"""Most annotations of each level; GitHub shows no more of one step."""
_LEVELS = {"error": "error", "fail": "error", "warn": "warning"}


def on_github(environment: Mapping[str, str]) -> bool:
    """Whether this runs in a job of GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def annotation_lines(verdict: Verdict, config: str = "") -> list[str]:
    """``::error`` and ``::warning`` lines, errors first.

    Args:
        verdict: the verdict to report.
        config: path of the configuration, to which the annotations are attached; empty for none.
    """
    lines = []
    for level in ("error", "warning"):
        outcomes = [o for o in verdict.outcomes if _LEVELS.get(o.status) == level]
        lines += [_command(level, outcome, config) for outcome in outcomes[:MAX_ANNOTATIONS]]
    return lines


def add_summary(verdict: Verdict, target: Path) -> None:
    """Append the Markdown table to the job's summary.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        with target.open("a", encoding="utf-8", newline="\n") as file:
            file.write(to_markdown(verdict) + "\n")
    except OSError as error:
        raise UsageError(f"cannot write GITHUB_STEP_SUMMARY {target}: {error.strerror}") from None


def summary_file(environment: Mapping[str, str]) -> Path | None:
    """The file for the job's summary; None outside a job."""
    name = environment.get("GITHUB_STEP_SUMMARY", "")
    return Path(name) if name else None


def _command(level: str, outcome: RuleOutcome, config: str) -> str:
    title = _property(f"{outcome.case}: {outcome.rule}")
    where = f"file={_property(config)}," if config else ""
    return f"::{level} {where}title={title}::{_data(outcome.reason)}"


def _data(text: str) -> str:
    return _printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _printable(text: str) -> str:
    """Replace control characters other than line breaks, because a terminal would obey them."""
    return "".join(c if c in "\r\n" else printable(c) for c in text)
