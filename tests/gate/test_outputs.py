import json

import junitparser
import pytest

from vqa_harness.errors import InputError, UsageError
from vqa_harness.gate.github import (
    MAX_ANNOTATIONS,
    add_summary,
    annotation_lines,
    on_github,
)
from vqa_harness.gate.junit import to_junit
from vqa_harness.gate.output import MAX_ROWS, rows, summary, to_json, to_markdown
from vqa_harness.gate.plan import Case
from vqa_harness.gate.rules import parse_rule
from vqa_harness.gate.verdict import RuleOutcome, ScoredCase, Verdict
from vqa_harness.logs.log import Log

NASTY = "a|<b>&\"'`*[x](http://y)\n::error::@team %0A,:\x00\x1b[31m\udcff"
RULE = parse_rule("up.mean >= 80", place="gate.toml: rules, entry 1")
SOFT = parse_rule("up.p5 >= 90", severity="warn")
CURVE = parse_rule("bdrate.up <= 1")


def verdict_of(*outcomes, name="clip", error=None):
    log = Log(
        "1",
        frame_numbers=[0],
        columns={"up": [85.0]},
        extra={
            "inputs": {"distorted": {"name": "clip.mp4", "sha256": "ab"}, "reference": None},
            "metrics": {"up": {"provider": "pack 1.0", "version": "2", "warnings": ["dark"]}},
            "warnings": ["gaps"],
        },
    )
    item = ScoredCase(Case(name, name), None if error else log, error, seconds=1.25)
    return Verdict([item], list(outcomes))


@pytest.fixture
def verdict():
    return verdict_of(
        RuleOutcome("clip", RULE, "pass", 85.0),
        RuleOutcome("clip", SOFT, "warn", 85.0, reason="up.p5 is 85, must be >= 90"),
        RuleOutcome("clip", RULE, "fail", 70.0, 75.0, "too low", "frames 3 to 9"),
        RuleOutcome("clip", RULE, "error", reason="metric up failed"),
        RuleOutcome("clip", RULE, "accepted", 85.0, note="the new baseline"),
        RuleOutcome("clip", CURVE, "fail", 3.5, reason="bdrate.up is 3.5 %, must be <= 1 %"),
    )


def read_junit(text, tmp_path):
    path = tmp_path / "junit.xml"
    path.write_text(text, encoding="utf-8")
    return list(junitparser.JUnitXml.fromfile(str(path)))


def test_junit_is_read_back(verdict, tmp_path):
    suite, curve = read_junit(to_junit(verdict), tmp_path)
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == (
        *("clip", 5, 1, 1, 2),
    )
    assert suite.time == 1.25
    facts = {p.name: p.value for p in suite.properties()}
    assert facts["distorted.sha256"] == "ab"
    assert facts["metric.up"] == "pack 1.0 version 2"
    passed, warned, failed, broken, accepted = suite
    assert (passed.name, passed.classname, passed.result) == ("up.mean >= 80", "clip", [])
    assert passed.system_out == "value 85"
    assert isinstance(warned.result[0], junitparser.Skipped)
    assert warned.result[0].message == "up.p5 is 85, must be >= 90"
    assert isinstance(failed.result[0], junitparser.Failure)
    assert (failed.result[0].message, failed.result[0].type) == ("too low", "QualityRule")
    assert failed.result[0].text == "too low\ngate.toml: rules, entry 1"
    assert failed.system_out == "value 70, baseline 75, frames 3 to 9"
    assert isinstance(broken.result[0], junitparser.Error)
    assert isinstance(accepted.result[0], junitparser.Skipped)
    assert (curve.name, curve.failures) == ("clip (rate-quality curve)", 1)


def test_junit_totals_are_those_of_the_suites(verdict, tmp_path):
    (tmp_path / "j.xml").write_text(to_junit(verdict))
    whole = junitparser.JUnitXml.fromfile(str(tmp_path / "j.xml"))
    told = whole.tests, whole.failures, whole.errors, whole.skipped
    whole.update_statistics()
    assert told == (6, 2, 1, 2)
    assert (whole.tests, whole.failures, whole.errors, whole.skipped) == told


def test_junit_survives_any_name(tmp_path):
    bad = RuleOutcome(NASTY, RULE, "fail", 1.0, reason=NASTY)
    (suite,) = read_junit(to_junit(verdict_of(bad, name=NASTY)), tmp_path)
    (case,) = suite
    assert "<b>&\"'" in case.classname
    assert "\x00" not in case.classname
    assert "\ufffd" in case.result[0].message


def test_markdown_shows_what_is_wrong_first_and_any_name_as_it_is(verdict):
    text = to_markdown(verdict)
    lines = text.splitlines()
    assert lines[0] == "## ❌ Video quality gate failed"
    assert [line.split()[2] for line in lines if line.startswith(("| ❌", "| ⚠️", "| ✅"))] == [
        *("ERROR", "FAIL", "FAIL", "warning", "accepted", "pass"),
    ]
    nasty = to_markdown(verdict_of(RuleOutcome(NASTY, RULE, "fail", 1.0, reason=NASTY), name=NASTY))
    (row,) = [line for line in nasty.splitlines() if line.startswith("| ❌")]
    assert row.replace("\\|", "").count("|") == 7
    assert "<b>" not in nasty
    assert "@" not in nasty
    assert "\\[x\\]" in nasty


def test_a_long_table_is_cut():
    many = [RuleOutcome("clip", RULE, "fail", 1.0, reason="low")] * (MAX_ROWS + 5)
    text = to_markdown(verdict_of(*many))
    assert text.count("| ❌") == MAX_ROWS
    assert "5 more rules are not shown" in text


def test_json_tells_everything(verdict):
    document = json.loads(json.dumps(to_json(verdict), allow_nan=False))
    assert (document["passed"], document["exit_code"]) == (False, 1)
    assert document["counts"] == {"error": 1, "fail": 2, "warn": 1, "accepted": 1, "pass": 1}
    assert document["rules"][2] == {
        "case": "clip",
        "rule": "up.mean >= 80",
        "severity": "error",
        "status": "fail",
        "value": 70.0,
        "limit": 80.0,
        "baseline": 75.0,
        "reason": "too low",
        "note": "frames 3 to 9",
        "place": "gate.toml: rules, entry 1",
    }
    (case,) = document["cases"]
    assert case["warnings"] == ["gaps", "up: dark"]
    assert (case["frames"], case["cached"], case["error"]) == (1, False, None)
    broken = to_json(verdict_of(error=InputError("gone")))
    assert (broken["exit_code"], broken["cases"][0]["exit_code"]) == (3, 3)
    assert to_json(verdict_of(RuleOutcome("clip", RULE, "pass", 85.0)))["exit_code"] == 0


def test_the_table_and_the_summary(verdict):
    assert rows(verdict.outcomes)[2] == ["FAIL", "clip", str(RULE), "70", "75", "too low"]
    assert rows(verdict.outcomes)[3][3:5] == ["-", "-"]
    assert summary(verdict) == ("6 rules on 1 case: 1 error, 2 fail, 1 warning, 1 accepted, 1 pass")


def test_annotations_are_escaped_as_the_runner_expects(verdict):
    lines = annotation_lines(verdict, "dir/gate.toml")
    assert lines[0] == "::error file=dir/gate.toml,title=clip%3A up.mean >= 80::too low"
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 3 + ["::warning"]
    (nasty,) = annotation_lines(verdict_of(RuleOutcome(NASTY, RULE, "fail", 1.0, reason=NASTY)))
    assert "\n" not in nasty
    assert "\x1b" not in nasty
    head, _, data = nasty.removeprefix("::error title=").partition("::")
    assert "," not in head
    assert ":" not in head
    assert "%250A" in data
    assert "%0A::error::" in data


def test_github_is_told_of_ten_of_a_kind():
    many = [RuleOutcome("clip", RULE, "fail", 1.0, reason="low")] * 30
    assert len(annotation_lines(verdict_of(*many))) == MAX_ANNOTATIONS


def test_the_job_summary_is_appended_to(verdict, tmp_path):
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    add_summary(verdict, path)
    assert path.read_text().startswith("before\n## ❌")
    with pytest.raises(UsageError, match="cannot write GITHUB_STEP_SUMMARY"):
        add_summary(verdict, tmp_path)


def test_github_is_recognised():
    assert on_github({"GITHUB_ACTIONS": "true"})
    assert not on_github({})
