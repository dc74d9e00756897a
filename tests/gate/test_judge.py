import json

import pytest

from tests.plugins import registry_with
from vqa_harness import Feature, MetricSpec, Param
from vqa_harness.errors import AlignError, GateFailed, InputError, MetricError, UsageError
from vqa_harness.gate.accept import update_baseline
from vqa_harness.gate.baseline import (
    Baseline,
    Change,
    changes,
    entry_of,
    read_baseline,
    write_baseline,
)
from vqa_harness.gate.judge import judge, values_to_accept, wants_bitrate
from vqa_harness.gate.junit import to_junit
from vqa_harness.gate.output import to_json
from vqa_harness.gate.plan import Case, Plan
from vqa_harness.gate.rules import Rule, parse_rule
from vqa_harness.gate.targets import parse_target
from vqa_harness.gate.verdict import ScoredCase, number
from vqa_harness.logs.compare import compare_logs
from vqa_harness.logs.log import Log
from vqa_harness.stats.bdrate import bd_rate
from vqa_harness.stats.pooling import pool

SPECS = [
    MetricSpec("up", "nowhere:Up", (Feature("up", lo=0, hi=100),), params=(Param("size", 8),)),
    MetricSpec("down", "nowhere:Down", (Feature("down", False, lo=0),)),
]


@pytest.fixture(scope="module")
def registry():
    return registry_with(*SPECS)


def make_log(columns, *, version="1", errors=None, alignment=None, rate="25"):
    frames = max(map(len, columns.values()), default=3)
    metrics = {
        name: {"version": version, "info": {"device": "cpu"}, "features": {name: {}}}
        for name in columns
    }
    return Log(
        "vqa-harness 0",
        frame_numbers=list(range(frames)),
        columns=columns,
        pooled={k: pool([x for x in v if x is not None]) for k, v in columns.items() if any(v)},
        extra={
            "metrics": metrics,
            "errors": errors or {},
            "alignment": alignment or {},
            "reading": {
                "distorted": {"decode_errors": 2, "gap_list": [[3, 0.1]], "duration": None}
            },
            "pooling": {"worst_run_frames": 2, "harmonic_mean_replaced": []},
            "inputs": {"distorted": {"rate": rate}, "reference": {"sha256": "ab"}},
        },
    )


@pytest.fixture
def gate(registry):
    """Judge rules on logs by case name; a rule is a text or a `Rule`."""

    def call(logs, rules, *, baseline=None, accept=False, metrics=("up", "down"), **facts):
        rules = [rule if isinstance(rule, Rule) else parse_rule(rule) for rule in rules]
        requests = tuple(registry.request(name) for name in metrics)
        measured = []
        for name, log in logs.items():
            case = Case(name, facts.get("groups", {}).get(name, name), requests=requests)
            found = ScoredCase(case, bitrate=facts.get("bitrates", {}).get(name))
            if isinstance(log, Exception):
                found.error = log
            else:
                found.log = log
            measured.append(found)
        plan = Plan([m.case for m in measured], rules)
        return judge(plan, measured, registry, baseline, accept=accept)

    return call


UP = [90.0, 80.0, 70.0, 60.0, 100.0]


@pytest.mark.parametrize(
    ("rule", "status", "value"),
    [
        ("up.mean >= 80", "pass", 80),
        ("up.mean >= 80.1", "fail", 80),
        ("up.min >= 60", "pass", 60),
        ("up.min > 60", "fail", 60),
        ("up.max == 100", "pass", 100),
        ("up.p50 >= 80", "pass", 80),
        ("up.p25 >= 71", "fail", 70),
        ("up.p2.5 >= 60", "pass", 61),
        ("up.std <= 14", "fail", 14.142135623730951),
        ("up.worst_run >= 66", "fail", 65),
        ("down.mean <= 2", "pass", 2),
        ("down.max < 3", "fail", 3),
        ("down.worst_run <= 2", "fail", 2.5),
        ("align.dropped <= 0", "fail", 2),
        ("align.extra_head.distorted <= 1", "pass", 1),
        ("align.reference_counted == 1", "pass", 1),
        ("reading.decode_errors <= 2", "pass", 2),
        ("reading.gap_list <= 0", "fail", 1),
    ],
)
def test_rules_on_one_log(gate, rule, status, value):
    alignment = {
        "dropped": {"count": 2, "list": [4, 9]},
        "extra_head": {"distorted": 1},
        "reference_counted": True,
    }
    log = make_log({"up": UP, "down": [1.0, 2.0, 3.0, 2.0, 2.0]}, alignment=alignment)
    (outcome,) = gate({"a": log}, [rule]).outcomes
    assert (outcome.status, outcome.value) == (status, pytest.approx(value))
    assert bool(outcome.reason) == (status == "fail")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("up.mean >= 1", "metric up failed: no light"),
        ("down.mean <= 1", "down is undefined on every frame"),
        ("align.dropped <= 0", "the log says nothing of align.dropped"),
        ("reading.duration >= 1", "reading.duration is unknown"),
    ],
)
def test_what_cannot_be_computed_never_passes(gate, rule, reason):
    log = make_log({"down": [None, None]}, errors={"up": "no light"})
    (outcome,) = gate({"a": log}, [rule]).outcomes
    assert (outcome.status, outcome.reason) == ("error", reason)


def test_a_case_without_log_fails_every_rule_with_its_error(gate):
    log = make_log({"up": UP})
    verdict = gate(
        {"bad": InputError("bad.mp4: no such file"), "good": log},
        ["up.mean >= 1", "align.dropped <= 0"],
    )
    assert [o.status for o in verdict.outcomes] == ["error", "error", "pass", "error"]
    assert verdict.outcomes[0].reason == "bad.mp4: no such file"


@pytest.mark.parametrize(
    ("log", "rules", "kind", "words"),
    [
        (make_log({"up": UP}), ["up.mean >= 1"], None, ""),
        (
            make_log({"up": UP}),
            ["up.mean >= 90"],
            GateFailed,
            "1 of 1 rules do not hold; a: up.mean",
        ),
        (AlignError("no pairing"), ["up.mean >= 1"], AlignError, "case 'a': no pairing"),
        (
            make_log({"down": [1.0]}, errors={"up": "broke"}),
            ["down.mean <= 2"],
            MetricError,
            "case 'a': metric 'up' failed: broke",
        ),
    ],
)
def test_what_the_gate_ends_with(gate, log, rules, kind, words):
    failure = gate({"a": log}, rules).failure()
    assert type(failure) is (type(None) if kind is None else kind)
    assert words in str(failure or "")


def test_a_rule_that_only_warns_does_not_fail_the_gate(gate):
    rules = [
        parse_rule("up.mean >= 99", severity="warn"),
        parse_rule("align.dropped <= 0", severity="warn"),
    ]
    verdict = gate({"a": make_log({"up": UP})}, rules)
    assert [o.status for o in verdict.outcomes] == ["warn", "warn"]
    assert all(o.reason for o in verdict.outcomes)
    assert verdict.failure() is None


def test_rules_are_applied_to_the_cases_they_name(gate):
    rule = Rule(parse_target("up.mean"), ">=", 1.0, cases=("b*",))
    logs = {name: make_log({"up": UP}) for name in ("a", "b1", "b2")}
    assert [o.case for o in gate(logs, [rule]).outcomes] == ["b1", "b2"]


def test_parameters_in_the_name_need_not_be_written(gate):
    log = make_log({"up_size_4": UP})
    (outcome,) = gate({"a": log}, ["up.mean >= 80"], metrics=["up:size=4"]).outcomes
    assert (outcome.status, outcome.value) == ("pass", 80)


def test_partly_undefined_values_are_noted(gate):
    log = make_log({"up": [90.0, None, 80.0]})
    (outcome,) = gate({"a": log}, ["up.p0 >= 80"]).outcomes
    assert (outcome.status, outcome.note) == ("pass", "undefined on 1 of 3 frames")
    held = make_log({"up": [90.0, 90.0, 80.0]})
    held.extra["metrics"]["up"]["undefined_frames"] = {"up": [1]}
    assert gate({"a": held}, ["up.min >= 80"]).outcomes[0].note == "undefined on 1 of 3 frames"


def test_logs_of_other_programs(registry):
    log = Log("3.0.0", frame_numbers=[0, 1], columns={"vmaf": [90.0, 92.0]}, pooled={})
    case = Case("a", log="a.json")
    rules = ["vmaf.mean >= 91", "up.mean >= 1", "vmaf.worst_run >= 3", "align.dropped <= 0"]
    plan = Plan([case], [parse_rule(text) for text in rules])
    outcomes = judge(plan, [ScoredCase(case, log)], registry).outcomes
    assert [o.status for o in outcomes] == ["pass", "error", "error", "error"]
    assert outcomes[1].reason == "the log has no up, it has vmaf"


HOSTILE = (
    {"metrics": [1], "errors": 3, "inputs": "x", "warnings": {"a": 1}, "pooling": 5},
    {"metrics": {"up": 1}, "errors": ["x"], "inputs": {"distorted": 4}, "reading": [1]},
    {
        "metrics": {"up": {"features": {"up": {"direction": []}}, "info": 3, "warnings": 1}},
        "alignment": {"dropped": {"count": "x", "list": []}, "pairs": 10**400},
        "reading": {"distorted": {"packets": "many", "frames": {"a": {"b": {}}}}},
        "pooling": {"worst_run_frames": -1, "harmonic_mean_replaced": 4},
    },
)


@pytest.mark.parametrize("extra", HOSTILE)
def test_a_log_may_hold_anything(registry, extra):
    log = Log("1", frame_numbers=[0], columns={"up": [5.0]}, pooled={}, extra=extra)
    rules = [
        *("up.harmonic_mean >= 1", "up.worst_run >= 1", "align.dropped <= 0", "align.pairs <= 0"),
        *("reading.packets <= 0", "reading.frames <= 0", "up.mean max_drop 1"),
    ]
    plan = Plan([Case("a", log="a.json")], [parse_rule(text) for text in rules])
    base = Baseline({"a": entry_of(log)})
    verdict = judge(plan, [ScoredCase(plan.cases[0], log)], registry, base)
    assert [o.status for o in verdict.outcomes] == ["pass", *["error"] * 5, "pass"]
    assert json.dumps(to_json(verdict), allow_nan=False)
    assert to_junit(verdict)
    assert compare_logs(log, log).features


def accepted(value, **facts):
    return Baseline({"a": entry_of(make_log(value, **facts))})


@pytest.mark.parametrize(
    ("rule", "now", "status", "reason"),
    [
        ("up.mean max_drop 0.5", {"up": [89.6]}, "pass", ""),
        ("up.mean max_drop 0.5", {"up": [89.5]}, "pass", ""),
        ("up.mean max_drop 0", {"up": [89.9999995]}, "pass", ""),
        ("up.mean max_drop 0.5", {"up": [95.0]}, "pass", ""),
        (
            "up.mean max_drop 0.5",
            {"up": [89.4]},
            "fail",
            "up.mean is 89.4000, 0.6000 worse than the baseline 90; 0.5 is allowed",
        ),
        ("down.p5 max_drop 0.5", {"down": [3.4]}, "pass", ""),
        ("down.p5 max_drop 0.5", {"down": [2.0]}, "pass", ""),
        (
            "down.p5 max_drop 0.5",
            {"down": [3.75]},
            "fail",
            "down.p5 is 3.7500, 0.7500 worse than the baseline 3; 0.5 is allowed",
        ),
        (
            "up.p7 max_drop 1",
            {"up": [90.0]},
            "error",
            "the baseline has no up.p7; --update-baseline adds it",
        ),
    ],
)
def test_losses_against_a_baseline(gate, rule, now, status, reason):
    before = accepted({"up": [90.0], "down": [3.0]})
    (outcome,) = gate({"a": make_log(now)}, [rule], baseline=before).outcomes
    assert (outcome.status, outcome.reason) == (status, reason)


def test_a_baseline_of_another_version_or_case_is_no_baseline(gate):
    log, rule = make_log({"up": [90.0]}), "up.mean max_drop 1"
    (other,) = gate({"a": log}, [rule], baseline=accepted({"up": [90.0]}, version="0")).outcomes
    assert other.status == "error"
    assert "of another up (version 0 is now 1); --update-baseline renews it" in other.reason
    gone, new = gate({"b": log}, [rule], baseline=accepted({"up": [90.0]})).outcomes
    assert (gone.case, gone.status) == ("a", "error")
    assert (new.status, "has no such case" in new.reason) == ("error", True)
    (none,) = gate({"a": log}, [rule]).outcomes
    assert none.status == "error"


def test_accepting_makes_rules_on_the_baseline_hold(gate):
    verdict = gate(
        {"a": make_log({"up": [10.0]})},
        ["up.mean max_drop 1", "up.mean >= 50"],
        baseline=accepted({"up": [90.0]}),
        accept=True,
    )
    assert [o.status for o in verdict.outcomes] == ["accepted", "fail"]


RATES = (500.0, 1000.0, 2000.0, 4000.0)
QUALITY = (60.0, 70.0, 80.0, 88.0)


def ladder(name, factor=1.0, feature="up", sign=1):
    logs = {
        f"{name}/{i}": make_log({feature: [100 - q if sign < 0 else q]})
        for i, q in enumerate(QUALITY)
    }
    bitrates = {f"{name}/{i}": rate * factor for i, rate in enumerate(RATES)}
    return logs, bitrates, dict.fromkeys(logs, name)


@pytest.mark.parametrize(("feature", "sign"), [("up", 1), ("down", -1)])
def test_bd_rate_against_another_group(gate, feature, sign):
    a, b = ladder("x264", 1.0, feature, sign), ladder("x265", 1.25, feature, sign)
    logs, bitrates, groups = a[0] | b[0], a[1] | b[1], a[2] | b[2]
    target = parse_target(f"bdrate.{feature}")
    rules = [Rule(target, "<=", 26.0, anchor="x264"), Rule(target, "<=", 24.0, anchor="x264")]
    verdict = gate(logs, rules, bitrates=bitrates, groups=groups)
    assert [(o.case, o.status) for o in verdict.outcomes] == [("x265", "pass"), ("x265", "fail")]
    wanted = bd_rate(
        list(zip(RATES, QUALITY, strict=True)),
        [(r * 1.25, q) for r, q in zip(RATES, QUALITY, strict=True)],
    )
    assert verdict.outcomes[0].value == pytest.approx(wanted)
    assert wanted == pytest.approx(25)
    assert verdict.outcomes[1].reason == f"bdrate.{feature} is 25.0000 %, must be <= 24 %"


def test_bd_rate_against_the_baseline(gate):
    old, new = ladder("x", 1.0), ladder("x", 1.1)
    before = Baseline({name: entry_of(log, None, old[1][name]) for name, log in old[0].items()})
    rules = ["bdrate.up <= 11", "bdrate.up < 9"]
    verdict = gate(new[0], rules, baseline=before, bitrates=new[1], groups=new[2])
    assert [o.status for o in verdict.outcomes] == ["pass", "fail"]
    assert verdict.outcomes[0].value == pytest.approx(10)
    again = gate(new[0], rules, accept=True, bitrates=new[1], groups=new[2])
    assert [o.status for o in again.outcomes] == ["accepted", "accepted"]


def test_a_bd_rate_that_cannot_be_computed_says_why(gate):
    logs, bitrates, groups = ladder("x")
    before = Baseline({name: entry_of(log, None, bitrates[name]) for name, log in logs.items()})

    def reason(**changed):
        facts = {"baseline": before, "bitrates": bitrates, "groups": groups, **changed}
        (outcome,) = gate(changed.pop("logs", logs), ["bdrate.up <= 1"], **facts).outcomes
        assert outcome.status == "error"
        return outcome.reason

    assert "has no such case" in reason(baseline=None)
    assert "its bitrate is not known" in reason(bitrates={})
    without = Baseline({name: entry_of(log) for name, log in logs.items()})
    assert "has no bitrate" in reason(baseline=without)
    (bad, *_), broken = logs, dict(logs)
    broken[bad] = InputError("gone.mp4: no such file")
    (outcome,) = gate(
        broken, ["bdrate.up <= 1"], baseline=before, bitrates=bitrates, groups=groups
    ).outcomes
    assert (outcome.status, outcome.reason) == ("error", "gone.mp4: no such file")
    flat = {name: make_log({"up": [50.0]}) for name in logs}
    (outcome,) = gate(
        flat, ["bdrate.up <= 1"], baseline=before, bitrates=bitrates, groups=groups
    ).outcomes
    assert (outcome.status, bool(outcome.reason)) == ("error", True)


def test_bitrates_are_wanted_of_ladders_only(registry):
    cases = [Case("x/0", "x"), Case("x/1", "x"), Case("y", "y")]
    assert list(wants_bitrate(Plan(cases, [parse_rule("up.mean >= 1")]))) == []
    assert list(wants_bitrate(Plan(cases, [parse_rule("bdrate.up <= 1")]))) == ["x/0", "x/1"]


def test_numbers_do_not_hide_on_which_side_of_the_limit_they_are():
    assert number(93.0, 93) == "93"
    assert number(92.99999999, 93) == "92.99999999"
    assert number(92.5, 93) == "92.5000"


def test_a_baseline_file_survives_a_round_trip(tmp_path):
    path = tmp_path / "base.json"
    kept = Baseline({"é": entry_of(make_log({"up": UP}), {"up.p2.5": 61.0}, 1000.5)})
    write_baseline(path, kept)
    assert read_baseline(path, 3) == kept
    assert [p.name for p in tmp_path.iterdir()] == ["base.json"]


def test_a_log_may_stand_for_the_baseline_of_a_single_case(tmp_path, registry, gate):
    path = tmp_path / "old.json"
    path.write_text(
        '{"frames":[{"frameNum":0,"metrics":{"up":90}},{"frameNum":1,"metrics":{"up":80}}]}'
    )
    plan = Plan([Case("a", log="x")], [parse_rule("up.p7 max_drop 1")])
    before = read_baseline(
        path, 1, lambda log: values_to_accept(plan.cases[0], log, plan, registry)
    )
    log = make_log({"up": [80.0, 81.0]})
    (outcome,) = gate({"a": log}, plan.rules, baseline=before).outcomes
    assert (outcome.status, outcome.baseline) == ("pass", pytest.approx(80.7))
    assert "does not tell its reference" in outcome.note
    (outcome,) = gate({"a": make_log({"up": [80.0]})}, plan.rules, baseline=before).outcomes
    assert outcome.status == "error"
    assert "of another number of frames (2 is now 1)" in outcome.reason
    with pytest.raises(UsageError, match="the gate has 2 cases"):
        read_baseline(path, 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "neither a baseline nor a log"),
        ("nonsense", "neither a baseline nor a log"),
        ('{"schema": 9, "cases": {}}', "schema 9 is not known"),
        ('{"schema": 1, "cases": {"a": {}}}', "is not a baseline"),
        ('{"schema": 1, "cases": {"a": {"values": {"up.mean": NaN}}}}', "is not a baseline"),
        ('{"schema": 1, "cases": {"a": {"values": {"up.mean": "9"}}}}', "is not a baseline"),
        ('{"schema": 1, "cases": []}', "is not a baseline"),
    ],
)
def test_a_broken_baseline_is_one_line(tmp_path, content, words):
    path = tmp_path / "base.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        read_baseline(path, 1)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="--update-baseline makes it"):
        read_baseline(tmp_path / "gone.json", 1)


def test_an_update_keeps_what_could_not_be_scored_and_drops_what_is_no_more(tmp_path, registry):
    path = tmp_path / "base.json"
    old = Baseline({n: entry_of(make_log({"up": [50.0]})) for n in ("same", "broken", "gone")})
    cases = [Case(name, name) for name in ("same", "broken", "new")]
    measured = [
        ScoredCase(cases[0], make_log({"up": [60.0]})),
        ScoredCase(cases[1], error=InputError("broken")),
        ScoredCase(cases[2], make_log({"up": [70.0]}), bitrate=10.0),
    ]
    plan = Plan(cases, [parse_rule("up.mean >= 1")])
    found = update_baseline(path, plan, measured, old, registry)
    assert found.dropped == ["gone"]
    assert found.kept == {"broken": "it could not be scored"}
    assert found.changes == [
        Change("gone", "up.mean", 50.0, None),
        Change("new", "up.mean", None, 70.0),
        Change("new", "bitrate", None, 10.0),
        Change("same", "up.mean", 50.0, 60.0),
    ]
    written = json.loads(path.read_text())["cases"]
    assert {name: entry["values"]["up.mean"] for name, entry in written.items()} == {
        "same": 60.0,
        "broken": 50.0,
        "new": 70.0,
    }
    assert changes(old, old) == []


def test_inner_features_are_accepted_only_where_a_rule_names_them(tmp_path, registry):
    columns = {"vmaf": [90.0], "integer_adm2": [0.9], "integer_vif_scale0": [0.5]}
    log = Log("2.3.1", frame_numbers=[0], columns=columns)  # as libvmaf writes it
    for rules, names in [
        (["vmaf.mean >= 1"], {"vmaf"}),
        (["vmaf.mean >= 1", "integer_adm2.p2.5 max_drop 0.1"], {"vmaf", "integer_adm2"}),
        (["integer_vif_scale0.mean >= 0"], {"vmaf", "integer_vif_scale0"}),
    ]:
        case = Case("one", "one.mp4", log=tmp_path / "one.json")
        plan = Plan([case], [parse_rule(rule) for rule in rules])
        path = tmp_path / "base.json"
        update_baseline(path, plan, [ScoredCase(case, log)], None, registry)
        values = json.loads(path.read_text())["cases"]["one"]["values"]
        assert {name.partition(".")[0] for name in values} == names
        assert ("integer_adm2.p2.5" in values) == ("integer_adm2" in names)
