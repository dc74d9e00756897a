import pytest

from vqa_harness.errors import UsageError
from vqa_harness.gate.rules import Rule, parse_rule
from vqa_harness.gate.targets import BdRateTarget, FactTarget, FeatureTarget, parse_target
from vqa_harness.spec import Feature

UP = Feature("up", lo=0, hi=100)
DOWN = Feature("down", higher_is_better=False, lo=0)
PLAIN = Feature("plain", higher_is_better=None)


@pytest.mark.parametrize(
    ("text", "target", "op", "limit"),
    [
        ("vmaf.mean >= 93", FeatureTarget("vmaf", "mean"), ">=", 93),
        ("vmaf.p5>=85", FeatureTarget("vmaf", "p5"), ">=", 85),
        ("vmaf.p2.5 > 1e1", FeatureTarget("vmaf", "p2.5"), ">", 10),
        ("niqe_patch_0.5.max < 6", FeatureTarget("niqe_patch_0.5", "max"), "<", 6),
        ("vmaf.worst_run >= 70", FeatureTarget("vmaf", "worst_run"), ">=", 70),
        ("vmaf.std <= 4", FeatureTarget("vmaf", "std"), "<=", 4),
        ("align.dropped <= 0", FactTarget("align", "dropped"), "<=", 0),
        ("align.extra_head.distorted == 0", FactTarget("align", "extra_head.distorted"), "==", 0),
        ("reading.decode_errors <= 0", FactTarget("reading", "decode_errors"), "<=", 0),
        ("bdrate.vmaf <= 1.0", BdRateTarget("vmaf"), "<=", 1),
        ("vmaf.mean max_drop 0.5", FeatureTarget("vmaf", "mean"), "max_drop", 0.5),
        ("vmaf.mean max_drop = 0.5", FeatureTarget("vmaf", "mean"), "max_drop", 0.5),
    ],
)
def test_rules_are_read(text, target, op, limit):
    rule = parse_rule(text)
    assert (rule.target, rule.op, rule.limit) == (target, op, limit)
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vmaf.mean", "write VALUE OPERATOR NUMBER"),
        ("vmaf.mean => 3", "cannot be read"),
        ("vmaf.mean >= high", "'high' is not a number"),
        ("vmaf.mean >= nan", "is not a number"),
        ("vmaf >= 93", "write vmaf.mean, vmaf.p5"),
        ("vmaf.p200 >= 93", "percentiles go from p0 to p100"),
        ("vmaf.maen >= 93", "did you mean vmaf.mean?"),
        ("vmaf.quux >= 93", "choose one of min, max, mean"),
        ("vmaf.mean max_drop -1", "a loss is 0 or more"),
        ("align.dropped max_drop 1", "write align.dropped <= NUMBER"),
        ("vmaf.std max_drop 1", "write vmaf.std <= NUMBER"),
        ("bdrate.vmaf >= 1", "write bdrate.vmaf <= 1"),
    ],
)
def test_a_rule_that_cannot_be_read_says_what_to_write(text, words):
    with pytest.raises(UsageError) as caught:
        parse_rule(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "feature", "words"),
    [
        ("up.mean <= 99", UP, "of up higher is better; write up.mean >= 99"),
        ("down.mean >= 93", DOWN, "of down lower is better; write down.mean <= 93"),
        ("down.p5 > 3", DOWN, "lets bad quality pass"),
        ("up.min >= 101", UP, "can never hold: up is at most 100"),
        ("up.min > 100", UP, "can never hold"),
        ("down.max <= -1", DOWN, "can never hold: down is at least 0"),
        ("down.max < 0", DOWN, "can never hold"),
        ("up.max == 200", UP, "can never hold"),
        ("plain.mean max_drop 1", PLAIN, "neither higher nor lower is better"),
    ],
)
def test_impossible_and_suspicious_bounds_are_refused(text, feature, words):
    rule = parse_rule(text)
    with pytest.raises(UsageError) as caught:
        rule.target.check_bound(rule, feature)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("up.mean >= 100", UP),
        ("up.std <= 5", UP),
        ("up.std >= 200", UP),
        ("down.mean <= 0", DOWN),
        ("down.mean max_drop 1", DOWN),
        ("plain.mean <= 3", PLAIN),
        ("plain.mean >= 3", PLAIN),
        ("align.dropped <= 0", UP),
    ],
)
def test_sensible_bounds_are_taken(text, feature):
    rule = parse_rule(text)
    rule.target.check_bound(rule, feature)


def test_one_side_of_a_band_may_point_the_unusual_way():
    rule = Rule(FeatureTarget("up", "mean"), "<=", 97, band=True)
    rule.target.check_bound(rule, UP)


@pytest.mark.parametrize(
    ("op", "below", "at", "above"),
    [
        (">=", False, True, True),
        (">", False, False, True),
        ("<=", True, True, False),
        ("<", True, False, False),
        ("==", False, True, False),
    ],
)
def test_operators(op, below, at, above):
    rule = Rule(parse_target("up.mean"), op, 5.0)
    assert (rule.holds(4.9), rule.holds(5.0), rule.holds(5.1)) == (below, at, above)


def test_patterns_choose_cases_and_groups():
    rule = Rule(parse_target("up.mean"), ">=", 5.0, cases=("intro*", "sport"))
    assert rule.applies("intro/a", "intro")
    assert rule.applies("x", "sport")
    assert not rule.applies("outro", "outro")
    assert Rule(parse_target("up.mean"), ">=", 5.0).applies("anything")
