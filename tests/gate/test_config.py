import json

import pytest

from tests.paths import docs_page
from tests.plugins import registry_with
from vqa_harness import Feature, Metric, MetricSpec, Param
from vqa_harness.errors import InputError, UsageError
from vqa_harness.gate.config import find_config, json_schema, load_config
from vqa_harness.gate.plan import plan_config, plan_logs, plan_videos
from vqa_harness.gate.rules import parse_rule


class Tool(Metric):
    """A metric of another program; what it gives depends on what it is asked."""

    @classmethod
    def features(cls, params):
        names = [f"tool_{params['model']}" if params["model"] else "tool"]
        names += filter(None, params["features"].split("+"))
        return tuple(Feature(name, None if name in NEITHER else True, lo=0) for name in names)


NEITHER = ("cambi",)
SPECS = [
    MetricSpec("up", "nowhere:Up", (Feature("up", lo=0, hi=100),), params=(Param("size", 8),)),
    MetricSpec("down", "nowhere:Down", (Feature("down", False, lo=0), Feature("down_b", False))),
    MetricSpec("full", "nowhere:Full", (Feature("full"), Feature("extra")), reference=True),
    MetricSpec("twice", "nowhere:Twice", (Feature("twice_y"), Feature("extra"))),
    MetricSpec(
        "tool",
        f"{__name__}:Tool",
        (Feature("tool", lo=0, hi=100),),
        kind="stream",
        params=(
            Param("features", "", changes_score=False, changes_features=True),
            Param("model", "", changes_score=False, changes_features=True),
        ),
    ),
]


@pytest.fixture(scope="module")
def registry():
    return registry_with(*SPECS)


@pytest.fixture
def plan(tmp_path, registry):
    def make(text, name="vqa-harness.toml"):
        path = tmp_path / name
        path.write_text(text)
        return plan_config(load_config(path), registry)

    return make


CASE = "[[case]]\nname = 'intro'\ndistorted = 'a.mp4'\n"
PAIR = CASE + "reference = 'ref.mp4'\n"


def test_a_full_configuration(plan, tmp_path):
    for name in ("x_1.mp4", "x_2.mp4", "a.mp4", "ref.mp4"):
        (tmp_path / name).touch()
    found = plan(
        """
schema = 1
metrics = ["up:size=4", "full"]
baseline = "base/line.json"
rules = ["up.mean >= 50", "align.dropped <= 0"]
[align]
mode = "index"
max_offset = 1
[[case]]
name = "x"
distorted = "x_*.mp4"
reference = "ref.mp4"
align = { tail = "error", max_offset = 3.5 }
[[case]]
name = "single"
distorted = "a.mp4"
reference = "ref.mp4"
group = "g"
[[rule]]
value = "down.p5"
min = 1
max = 6
severity = "warn"
cases = "single"
[[rule]]
check = "full.mean max_drop 0.5"
[[rule]]
value = "up.p1"
max_drop = 2
"""
    )
    assert [case.name for case in found.cases] == ["x/x_1", "x/x_2", "single"]
    assert [case.group for case in found.cases] == ["x", "x", "g"]
    assert found.cases[0].distorted == tmp_path / "x_1.mp4"
    assert found.cases[0].reference == tmp_path / "ref.mp4"
    assert found.cases[0].align == {"mode": "index", "max_offset": 3.5, "tail": "error"}
    assert found.cases[2].align == {"mode": "index", "max_offset": 1.0}
    assert found.baseline == tmp_path / "base" / "line.json"
    labels = [[r.label for r in case.requests] for case in found.cases]
    assert labels == [["up_size_4", "full"]] * 2 + [["up_size_4", "full", "down"]]
    assert [str(rule) for rule in found.rules] == [
        "up.mean >= 50",
        "align.dropped <= 0",
        "down.p5 >= 1",
        "down.p5 <= 6",
        "full.mean max_drop 0.5",
        "up.p1 max_drop 2",
    ]
    assert [rule.severity for rule in found.rules] == ["error"] * 2 + ["warn"] * 2 + ["error"] * 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metrics = [", "vqa-harness.toml: is not valid TOML: "),
        ("metrcs = ['up']", "vqa-harness.toml: key metrcs: unknown key; did you mean metrics?"),
        ("schema = 2", "vqa-harness.toml: key schema: input should be 1, not 2"),
        ("metrics = 3", "vqa-harness.toml: key metrics: input should be a valid list, not 3"),
        ("metrics = ['up', 3]", "key metrics, entry 2: input should be a valid string, not 3"),
        ("[[case]]\nname = 'x'", "vqa-harness.toml: [[case]] 'x', key distorted: is missing"),
        (
            "[[case]]\nname='x'\ndistroted='a'",
            "[[case]] 'x', key distroted: unknown key; did you mean distorted? (and 1 more)",
        ),
        (
            CASE + "refrence = 'a'",
            "[[case]] 'intro', key refrence: unknown key; did you mean reference?",
        ),
        (
            "[[case]]\ndistorted = 'a'",
            "vqa-harness.toml: [[case]] 1, key name: is missing",
        ),
        (CASE + CASE, "[[case]] 2: a case is called 'intro' already"),
        ("[align]\nmdoe = 'index'", "[align], key mdoe: unknown key; did you mean mode?"),
        ("[align]\nmode = 'fast'", "vqa-harness.toml: [align], key mode: input should be 'auto'"),
        ("[align]\nmax_offset = -1", "vqa-harness.toml: [align]: --max-offset -1: needs seconds"),
        (
            PAIR + "[case.align]\ntial = 'error'",
            "[[case]] 'intro', key align, key tial: unknown key; did you mean tail?",
        ),
        ("[[rule]]\nvalue = 'up.mean'", "vqa-harness.toml: [[rule]] 1: has no bound; add min"),
        ("[[rule]]\nmin = 3", "[[rule]] 1: needs either check"),
        ("[[rule]]\ncheck = 'up.mean >= 3'\nmax = 4", "check holds the bound already"),
        ("[[rule]]\nvalue = 'up.mean'\nmin = 4\nmax = 3", "min 4 is above max 3"),
        ("[[rule]]\nvalue = 'up.mean'\nmin = '4'", "[[rule]] 1, key min: input should be a valid"),
        ("[[rule]]\nvalue = 'up.mean'\nmax_drop = -1", "[[rule]] 1, key max_drop: input should be"),
        (
            "[[rule]]\ncheck = 'up.mean >= 3'\nseverty = 'warn'",
            "[[rule]] 1, key severty: unknown key; did you mean severity?",
        ),
        (
            "[[rule]]\ncheck = 'up.mean >= 3'\nseverity = 'fatal'",
            "[[rule]] 1, key severity: input should be 'error' or 'warn', not 'fatal'",
        ),
        ("[[rule]]\ncheck = 'up.mean >= 3'\nanchor = 'x'", "only a bdrate rule has an anchor"),
        ("rules = ['up.mean ~ 3']", "vqa-harness.toml: rules, entry 1: rule 'up.mean ~ 3' cannot"),
        ("rules = ['up.p101 >= 3']", "rules, entry 1: 'up.p101': percentiles go from"),
        ("rules = ['up.mean >= 3']", "vqa-harness.toml: has no [[case]]"),
        (CASE, "there is no rule; add rules"),
        (CASE + "metrics = ['ups']", "[[case]] 'intro': unknown metric 'ups'; did you mean up?"),
        (CASE + "metrics = ['up:sise=3']", "[[case]] 'intro': metric 'up' has no parameter 'sise'"),
        (CASE + "metrics = ['up', 'up']", "[[case]] 'intro': metric 'up' is given twice"),
        ("rules = ['upp.mean >= 3']\n" + CASE, "no installed metric gives 'upp'; did you mean up?"),
        ("rules = ['twice.mean >= 3']\n" + CASE, "metric 'twice' gives twice_y, extra; write one"),
        (
            "rules = ['upp.mean >= 3']\n" + CASE,
            "vqa-harness.toml: rules, entry 1: no installed metric gives 'upp'",
        ),
        ("rules = ['extra.mean >= 3']\n" + CASE, "'extra' is given by full, twice; add one"),
        (
            "metrics = ['up:size=2', 'up:size=3']\nrules = ['up.mean >= 3']\n" + CASE,
            "'up' may be any of up_size_2, up_size_3",
        ),
        (
            "rules = ['full.mean >= 3']\n" + CASE,
            "[[case]] 'intro': metric 'full' compares with a reference and the case has none",
        ),
        ("rules = ['up.mean >= 300']\n" + CASE, "rules, entry 1: 'up.mean >= 300' can never hold"),
        ("rules = ['down.mean >= 5']\n" + CASE, "of down lower is better; write down.mean <= 5"),
        ("rules = ['align.droped <= 0']\n" + PAIR, "align has no 'droped'; did you mean dropped?"),
        ("rules = ['align.dropped <= 0']\n" + CASE, "nothing is aligned in case 'intro'"),
        ("rules = ['reading.decode_erors <= 0']\n" + CASE, "did you mean decode_errors?"),
        (
            "[[rule]]\ncheck = 'up.mean >= 3'\ncases = 'itnro'\n" + CASE,
            "[[rule]] 1: 'up.mean >= 3': no case 'itnro'; did you mean intro?",
        ),
        ("rules = ['bdrate.up <= 1']\n" + CASE, "no group of several cases"),
        (
            "[[rule]]\ncheck = 'bdrate.up <= 1'\nanchor = 'x265'\n" + CASE,
            "no group 'x265'; there is intro",
        ),
        ("rules = ['up.mean >= 3']\n" + CASE + "align = {tail = 'error'}", "nothing can be paired"),
    ],
)
def test_every_fault_is_one_line_with_its_place(plan, text, words):
    with pytest.raises(UsageError) as caught:
        plan(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_places_in_pyproject_name_the_table(plan):
    with pytest.raises(UsageError, match=r"pyproject.toml: \[tool.vqa-harness\], key metrcs"):
        plan("[tool.vqa-harness]\nmetrcs = []", "pyproject.toml")
    with pytest.raises(UsageError, match=r"has no table \[tool.vqa-harness\]"):
        plan("[tool.other]", "pyproject.toml")


def test_the_configuration_is_found(tmp_path):
    assert find_config(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[tool.other]")
    assert find_config(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[tool.vqa-harness]")
    assert find_config(tmp_path) == tmp_path / "pyproject.toml"
    (tmp_path / "vqa-harness.toml").touch()
    assert find_config(tmp_path) == tmp_path / "vqa-harness.toml"


def test_files_that_cannot_be_read(tmp_path, plan):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_config(tmp_path / "gone.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not valid TOML"):
        load_config(tmp_path / "bytes.toml")
    with pytest.raises(InputError, match=r"\[\[case\]\] 'x', key distorted: '\*.mkv' matches no"):
        plan("rules = ['up.mean >= 3']\n[[case]]\nname = 'x'\ndistorted = '*.mkv'")


def test_names_of_files_with_brackets_are_no_patterns(plan, tmp_path):
    (tmp_path / "a[1].mp4").touch()
    found = plan("rules = ['up.mean >= 3']\n[[case]]\nname = 'x'\ndistorted = ['a[1].mp4']")
    assert found.cases[0].distorted == tmp_path / "a[1].mp4"


def test_equal_stems_keep_cases_apart(registry, tmp_path):
    rules = [parse_rule("up.mean >= 3")]
    videos = [tmp_path / "a" / "x.mp4", tmp_path / "b" / "x.mp4", tmp_path / "x.mkv"]
    names = [case.name for case in plan_videos(videos, None, {}, [], rules, registry).cases]
    assert names == ["x.mp4", "x.mp4-2", "x.mkv"]


def test_the_unsuffixed_name_of_a_single_request_will_do(registry, tmp_path):
    rules = [parse_rule("up.mean >= 3"), parse_rule("up_size_4.p5 >= 3")]
    (case,) = plan_videos([tmp_path / "x"], None, {}, ["up:size=4"], rules, registry).cases
    assert [request.label for request in case.requests] == ["up_size_4"]


def test_features_of_other_programs_must_be_asked_for(registry, tmp_path):
    rules = [parse_rule("tool_4k.mean >= 3"), parse_rule("cambi.mean <= 3")]
    metrics = ["tool:features=float_ssim+cambi,model=4k"]
    (case,) = plan_videos([tmp_path / "x"], None, {}, metrics, rules, registry).cases
    assert len(case.requests) == 1
    with pytest.raises(UsageError, match="no installed metric gives 'cambi'"):
        plan_videos([tmp_path / "x"], None, {}, ["tool"], rules[1:], registry)
    wrong = [parse_rule("tool_4k.mean <= 3")]
    with pytest.raises(UsageError, match="of tool_4k higher is better"):
        plan_videos([tmp_path / "x"], None, {}, metrics, wrong, registry)
    with pytest.raises(
        UsageError, match=r"gives 'tool_4k' by default; if tool does with features="
    ):
        plan_videos([tmp_path / "x"], None, {}, [], rules[:1], registry)
    other = [parse_rule("tool.mean >= 3")]
    with pytest.raises(
        UsageError, match="'tool' with the parameters given has tool_4k, float_ssim"
    ):
        plan_videos([tmp_path / "x"], None, {}, metrics, other, registry)


def test_a_rule_for_one_group_spares_cases_without_reference(plan, tmp_path):
    found = plan(
        "metrics = ['up']\n[[rule]]\ncheck = 'full.mean >= 3'\ncases = ['intro']\n"
        + PAIR
        + "[[case]]\nname = 'other'\ndistorted = 'b.mp4'\n"
    )
    assert [len(case.requests) for case in found.cases] == [2, 1]


def test_rules_on_logs_are_checked_as_far_as_metrics_are_known(registry, tmp_path):
    plan_logs([tmp_path / "a.json"], [parse_rule("integer_motion2.mean >= 3")], registry)
    with pytest.raises(UsageError, match="of down lower is better"):
        plan_logs([tmp_path / "a.json"], [parse_rule("down.mean >= 3")], registry)


def test_the_schema_has_every_key(plan):
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["properties"]) == {
        *("schema", "metrics", "baseline", "min_share", "rules", "rule", "case", "align", "input")
    }
    assert schema["additionalProperties"] is False
    align = schema["$defs"]["AlignTable"]
    assert align["properties"]["mode"]["enum"] == ["auto", "index", "time", "content"]
    assert align["properties"]["tail"]["default"] == "error"
    assert align["additionalProperties"] is False
    assert schema["$defs"]["CaseTable"]["required"] == ["name", "distorted"]
    assert schema["$defs"]["RuleTable"]["properties"]["severity"]["enum"] == ["error", "warn"]


def test_every_key_is_documented():
    text = docs_page("gate.md")
    schema = json_schema()
    keys = set(schema["properties"]) - {"rule", "case"}
    for table in ("CaseTable", "RuleTable", "AlignTable"):
        keys |= set(schema["$defs"][table]["properties"])
    assert [key for key in sorted(keys) if f"`{key}`" not in text and f"[{key}]" not in text] == []
