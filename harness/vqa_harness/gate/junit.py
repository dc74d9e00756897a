"""What a gate found as JUnit XML: a suite per case, a test case per rule.

A rule that could not be judged is an error. JUnit knows no warnings: a rule that only warns is
skipped, with the reason. Read by GitLab, Jenkins, GitHub's test reporters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from vqa_harness import __version__
from vqa_harness.gate.verdict import RuleOutcome, ScoredCase, Verdict, number

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {"fail": "failure", "error": "error", "warn": "skipped", "accepted": "skipped"}


def to_junit(verdict: Verdict) -> str:
    """The verdict as the text of a JUnit XML document."""
    root = ElementTree.Element("testsuites", name="vqa-harness gate")
    for item in verdict.measured:
        outcomes = [o for o in verdict.outcomes if o.case == item.case.name and not _of_group(o)]
        _suite(root, item.case.name, outcomes, dict(_facts(item)), item.seconds)
    scored = {item.case.name for item in verdict.measured}
    gone = [o for o in verdict.outcomes if o.case not in scored and not _of_group(o)]
    for name in dict.fromkeys(o.case for o in gone):
        _suite(root, name, [o for o in gone if o.case == name], {}, 0.0)
    groups = dict.fromkeys(o.case for o in verdict.outcomes if _of_group(o))
    for name in groups:
        outcomes = [o for o in verdict.outcomes if o.case == name and _of_group(o)]
        _suite(root, f"{name} (rate-quality curve)", outcomes, {}, 0.0)
    for key, value in _totals(verdict.outcomes).items():
        root.set(key, value)
    root.set("time", f"{sum(item.seconds for item in verdict.measured):.3f}")
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _of_group(outcome: RuleOutcome) -> bool:
    return outcome.rule.target.per_group


def _suite(
    root: ElementTree.Element,
    name: str,
    outcomes: list[RuleOutcome],
    facts: dict[str, str],
    seconds: float,
) -> None:
    if not outcomes:
        return
    suite = ElementTree.SubElement(root, "testsuite", name=_text(name), time=f"{seconds:.3f}")
    for key, value in _totals(outcomes).items():
        suite.set(key, value)
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in {"vqa-harness": __version__, **facts}.items():
        ElementTree.SubElement(properties, "property", name=_text(key), value=_text(value))
    for outcome in outcomes:
        _test(suite, outcome)


def _test(suite: ElementTree.Element, outcome: RuleOutcome) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", name=_text(str(outcome.rule)), classname=_text(outcome.case), time="0"
    )
    if tag := _TAGS.get(outcome.status):
        message = _text(outcome.reason or outcome.note)
        result = ElementTree.SubElement(case, tag, message=message)
        if tag != "skipped":
            result.set("type", "QualityRule" if tag == "failure" else "NotComputed")
            result.text = "\n".join(line for line in (message, _text(outcome.rule.place)) if line)
    values = [("value", outcome.value), ("baseline", outcome.baseline)]
    shown = [f"{name} {number(x, outcome.rule.limit)}" for name, x in values if x is not None]
    if outcome.note:
        shown.append(outcome.note)
    if shown:
        ElementTree.SubElement(case, "system-out").text = _text(", ".join(shown))


def _totals(outcomes: list[RuleOutcome]) -> dict[str, str]:
    counted = [_TAGS.get(outcome.status) for outcome in outcomes]
    return {
        "tests": str(len(outcomes)),
        "failures": str(counted.count("failure")),
        "errors": str(counted.count("error")),
        "skipped": str(counted.count("skipped")),
    }


def _facts(item: ScoredCase) -> Iterator[tuple[str, str]]:
    """Names and values of what was scored and by which versions."""
    if item.log is None:
        return
    inputs = item.log.view.inputs
    for role, stream in (("distorted", inputs.distorted), ("reference", inputs.reference)):
        if stream is not None:
            yield role, str(stream.name)
            yield f"{role}.sha256", str(stream.sha256)
    for label, metric in item.log.view.metrics.items():
        yield f"metric.{label}", f"{metric.provider} version {metric.version}"
    yield "frames", str(len(item.log))
    yield "cached", str(item.cached).lower()


def _text(text: str) -> str:
    """The text without characters XML cannot hold, such as the surrogates of odd file names."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
