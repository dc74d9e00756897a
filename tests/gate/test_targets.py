"""Kinds of rule target: what holds for each, and that a new one needs nothing but its class."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.paths import docs_page
from tests.plugins import registry_with
from vqa_harness import Feature, MetricSpec
from vqa_harness.errors import GateFailed, InputError, UsageError
from vqa_harness.gate import targets
from vqa_harness.gate.baseline import Baseline
from vqa_harness.gate.config import json_schema
from vqa_harness.gate.facts import Finding
from vqa_harness.gate.judge import judge, wants_bitrate
from vqa_harness.gate.junit import to_junit
from vqa_harness.gate.output import to_json
from vqa_harness.gate.plan import Case, Plan, plan_videos
from vqa_harness.gate.rules import Rule, parse_rule
from vqa_harness.gate.target import Needs, RuleTarget
from vqa_harness.gate.targets import KINDS, parse_target
from vqa_harness.gate.verdict import ScoredCase
from vqa_harness.logs.log import Log

PAGE = docs_page("gate.md")


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_read_as_its_kind(kind):
    target = parse_target(kind.example)
    assert type(target) is kind
    assert str(target) == kind.example
    assert parse_target(str(target)) == target
    with pytest.raises(AttributeError):
        target.name = "other"


def test_a_text_is_of_one_kind_only():
    texts = [kind.example for kind in KINDS]
    for kind in KINDS[:-1]:
        assert [text for text in texts if kind.expression.fullmatch(text)] == [kind.example]


def test_the_page_has_a_row_for_every_form_and_no_other():
    table = PAGE.split("| value | is |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `(.+?)` \|", table, re.M)
    assert sorted(rows) == sorted(form for kind in KINDS for form in kind.forms)


def test_the_schema_names_every_kind():
    value = json_schema()["$defs"]["RuleTable"]["properties"]["value"]
    assert value["examples"] == [kind.example for kind in KINDS]
    assert all(form in value["description"] for kind in KINDS for form in kind.forms)


@dataclass(frozen=True, slots=True)
class FileTarget(RuleTarget):
    """A kind that is not there: facts of a file that needs its bitrate."""

    forms = ("file.KEY",)
    example = "file.kbps"
    about = "a fact of the file"
    expression = re.compile(r"file\.(?P<name>kbps|frames)")
    unit = " kbit/s"

    name: str

    @classmethod
    def read(cls, match):
        return cls(match["name"])

    def __str__(self):
        return f"file.{self.name}"

    def needs(self):
        return Needs(bitrate=self.name == "kbps")

    def find(self, rule, evidence):
        (item,) = evidence.measured
        if self.name == "frames":
            return Finding(float(len(item.log)))
        if item.bitrate is None:
            raise InputError("the bitrate is not known")
        return Finding(item.bitrate)


@pytest.fixture
def registry(monkeypatch):
    """A registry with one metric, and one more kind of target."""
    monkeypatch.setattr(targets, "KINDS", (FileTarget, *KINDS))
    return registry_with(MetricSpec("up", "nowhere:Up", (Feature("up"),)))


def test_a_new_kind_needs_nothing_but_its_class(registry):
    texts = ["file.kbps <= 900", "file.kbps <= 500", "file.frames == 3", "up.mean >= 1"]
    rules = [parse_rule(text) for text in texts]
    plan = plan_videos([Path("a.mp4"), Path("b.mp4")], None, {}, [], rules, registry)
    assert [str(rule) for rule in plan.rules] == texts
    assert list(wants_bitrate(plan)) == ["a", "b"] * 2
    assert not any(rule.needs_baseline for rule in plan.rules)
    log = Log("1", frame_numbers=[0, 1, 2], columns={"up": [5.0, 6.0, 7.0]})
    measured = [ScoredCase(plan.cases[0], log, bitrate=800.0), ScoredCase(plan.cases[1], log)]
    verdict = judge(plan, measured, registry)
    assert [o.status for o in verdict.outcomes] == [
        *("pass", "fail", "pass", "pass"),
        *("error", "error", "pass", "pass"),
    ]
    assert verdict.outcomes[1].reason == "file.kbps is 800 kbit/s, must be <= 500 kbit/s"
    assert verdict.outcomes[4].reason == "the bitrate is not known"
    assert isinstance(verdict.failure(), GateFailed)
    assert json.loads(json.dumps(to_json(verdict)))["rules"][2]["value"] == 3
    assert to_junit(verdict).count("<testcase") == 8


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda: parse_rule("file.kbps max_drop 3"), "file.kbps has no better direction; write"),
        (lambda: parse_rule("file.kpbs <= 3"), "'file.kpbs': no pooling 'kpbs'"),
    ],
)
@pytest.mark.usefixtures("registry")
def test_what_a_new_kind_refuses_by_itself(rule, words):
    with pytest.raises(UsageError) as caught:
        rule()
    assert words in str(caught.value)


@pytest.mark.usefixtures("registry")
def test_a_new_kind_takes_no_anchor():
    rule = Rule(parse_target("file.kbps"), "<=", 3.0, anchor="x264")
    with pytest.raises(UsageError, match="only a bdrate rule has an anchor"):
        rule.target.check(rule)


def test_accepting_leaves_rules_alone_that_need_no_baseline(registry):
    rules = [parse_rule("file.frames == 4"), parse_rule("up.mean max_drop 1")]
    plan = Plan([Case("a", log=Path("a.json"))], rules)
    item = ScoredCase(plan.cases[0], Log("1", frame_numbers=[0], columns={"up": [5.0]}))
    verdict = judge(plan, [item], registry, Baseline(), accept=True)
    assert [o.status for o in verdict.outcomes] == ["fail", "accepted"]
