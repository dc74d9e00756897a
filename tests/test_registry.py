import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from tests.plugins import module_with, plugin_with, registry_with
from vqa_harness import Feature, MetricSpec, Param, hookimpl
from vqa_harness import registry as registry_module
from vqa_harness.errors import MetricError, MissingBackend, UnknownMetric, UsageError
from vqa_harness.logs.write import BUILTIN
from vqa_harness.protocols import ask
from vqa_harness.registry import PluginWarning, Provider, Registry

LOUDNESS = MetricSpec(
    "loudness",
    "loud_module:Loud",
    (Feature("loudness"),),
    params=(
        Param("gain", 1.0, lo=0.0, hi=2.0),
        Param("mode", "fast", choices=("fast", "slow")),
        Param("taps", 3, lo=1),
        Param("strict", False),
        Param("device", "cpu", changes_score=False),
    ),
)


class Loud:
    def __init__(self, *, gain, mode, taps, strict, device):
        self.gain = gain


@pytest.fixture
def registry(monkeypatch):
    module_with(monkeypatch, "loud_module", Loud)
    return registry_with(LOUDNESS, named="loud")


def test_request_reads_parameters(registry):
    request = registry.request("loudness:gain=0.5,mode=slow,strict=yes")
    assert request.params == {
        "gain": 0.5,
        "mode": "slow",
        "taps": 3,
        "strict": True,
        "device": "cpu",
    }
    assert registry.create(request).gain == 0.5


def test_parameters_that_change_the_score_are_in_the_name(registry):
    assert registry.request("loudness").label == "loudness"
    assert registry.request("loudness:device=gpu").label == "loudness"
    assert registry.request("loudness:mode=slow,gain=0.5").label == "loudness_gain_0.5_mode_slow"


class Choosing(Loud):
    """Inherits from nothing of the harness; a static method will do."""

    @staticmethod
    def features(params):
        if params["mode"] == "slow":
            return (Feature("slow", higher_is_better=False, unit="s"), Feature("loudness"))
        return {"broken": 1 / 0} if params["taps"] == 9 else [params["taps"]]


CHOOSING = replace(
    LOUDNESS,
    name="choosing",
    factory="loud_module:Choosing",
    params=tuple(
        replace(p, changes_features=p.name in ("mode", "taps"), changes_score=p.name != "mode")
        for p in LOUDNESS.params
    ),
)


def test_features_are_those_of_the_spec_unless_a_parameter_changes_them(registry):
    registry.register(plugin_with(CHOOSING), "choosing")
    plain = registry.request("choosing:gain=0.5")
    del sys.modules["loud_module"]  # not even imported
    assert plain.declared == CHOOSING.features
    assert [feature.name for feature in plain.features] == ["loudness_gain_0.5"]


def test_a_metric_that_declares_its_features_is_asked_for_them(registry):
    sys.modules["loud_module"].Choosing = Choosing
    registry.register(plugin_with(CHOOSING), "choosing")
    request = registry.request("choosing:gain=0.5,mode=slow")
    assert [f.name for f in request.declared] == ["slow", "loudness"]
    slow, loudness = request.features
    assert slow == Feature("slow_gain_0.5", higher_is_better=False, unit="s")
    assert loudness.name == "loudness_gain_0.5"


@pytest.mark.parametrize(
    ("value", "words"),
    [("9", "failed in features: division by zero"), ("5", "must return Feature objects only")],
)
def test_a_broken_declaration_is_an_error_of_the_metric(registry, value, words):
    sys.modules["loud_module"].Choosing = Choosing
    registry.register(plugin_with(CHOOSING), "choosing")
    with pytest.raises(MetricError, match=f"'choosing'.*{words}"):
        _ = registry.request(f"choosing:taps={value}").features


def test_a_class_without_a_word_on_its_features_gives_those_of_the_spec(registry):
    registry.register(plugin_with(replace(CHOOSING, factory="loud_module:Loud")), "choosing")
    assert registry.request("choosing:mode=slow").declared == CHOOSING.features


def test_methods_that_a_metric_lacks_are_the_empty_ones():
    class Bare:
        notes = None

        def warnings(self):
            return ["beware"]

    bare = Bare()
    assert [ask(bare, name) for name in ("info", "warnings", "notes", "abort")] == [
        *({}, ["beware"], ()),
        None,
    ]


def test_of_a_path_only_the_stem_is_in_the_name():
    spec = MetricSpec("deep", "json:loads", (), params=(Param("weights", "default"),))
    found = registry_with(spec)
    assert found.request("deep:weights=/home/me/My Net.safetensors").label == "deep_weights_my_net"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("loudness:gian=1", ["gian", "did you mean gain"]),
        ("loudness:gain=loud", ["gain=loud", "needs a number"]),
        ("loudness:gain=nan", ["gain=nan", "finite"]),
        ("loudness:gain=3", ["gain=3", "at most 2"]),
        ("loudness:gain=-1", ["gain=-1", "at least 0"]),
        ("loudness:taps=1.5", ["taps=1.5", "whole number"]),
        ("loudness:mode=slo", ["mode=slo", "fast, slow"]),
        ("loudness:strict=maybe", ["strict=maybe", "true or false"]),
        ("loudness:gain", ["gain", "no value"]),
    ],
)
def test_a_wrong_parameter_is_one_line(registry, text, words):
    with pytest.raises(UsageError) as caught:
        registry.request(text)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words)


def test_unknown_metric_names_the_nearest(registry):
    with pytest.raises(UnknownMetric, match="unknown metric 'loudnes'; did you mean loudness"):
        registry.request("loudnes")


def test_a_module_that_is_missing_says_what_to_install():
    spec = MetricSpec("deep", "deep_module:Deep", (), extra="deep[gpu]", requires=("no_such_mod",))
    found = registry_with(spec)
    with pytest.raises(MissingBackend, match=r"no_such_mod.*pip install 'deep\[gpu\]'"):
        found.create(found.request("deep"))


def test_a_factory_that_is_not_there_is_a_broken_plugin():
    found = registry_with(MetricSpec("odd", "json:NoSuchClass", ()))
    with pytest.raises(MetricError, match="odd"):
        found.create(found.request("odd"))


def test_two_strangers_with_one_name_make_a_request_ambiguous(registry):
    registry.register(plugin_with(LOUDNESS, MetricSpec("other", "json:loads", ())), "copycat")
    with pytest.warns(PluginWarning, match="'loudness' is offered by the plugins 'loud' and 'copy"):
        assert set(registry.specs()) == {"other"}
    for text in ("loudness", "other,loudness:gain=1", "LOUDNESS"):
        with pytest.raises(UsageError, match=r"'loud' and 'copycat'.*VQA_HARNESS_BLOCK=loud"):
            registry.requests([text])


def test_a_name_of_ours_is_ours_whoever_is_asked_first(registry):
    ours = replace(LOUDNESS, name="psnr")
    theirs = replace(ours, factory="loud_module:Other")
    for first, second in (("a", "z"), ("z", "a")):
        found = Registry()
        found.register(plugin_with(theirs), first)
        provider = Provider(second, "vqa-harness", "1")
        found.register(plugin_with(ours), second, provider)
        with pytest.warns(PluginWarning, match=f"'psnr' of plugin '{first}' is left out"):
            assert found.spec("psnr") is ours


def answering(answer, hook="vqa_register_metrics"):
    """A plugin whose hook returns this."""
    return type("Plugin", (), {hook: hookimpl(lambda self: answer)})()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (LOUDNESS, "must return a list of MetricSpec"),
        ("loudness", "returned 'loudness'"),
        (7, "returned 7"),
        ({"a": 1}, "returned {'a': 1}"),
        (["psnr"], "'psnr' is no MetricSpec"),
        ([None], "None is no MetricSpec"),
        ([replace(LOUDNESS, name=3)], "metric 3 .*its name is not"),
        ([replace(LOUDNESS, name=None)], "metric None .*its name is not"),
        ([replace(LOUDNESS, factory=len)], "its factory is <built-in"),
        ([replace(LOUDNESS, factory="loud")], "its factory is 'loud'"),
        ([replace(LOUDNESS, features="psnr")], "its features is 'psnr'"),
        ([replace(LOUDNESS, features=("psnr",))], "'psnr', which is no Feature"),
        ([replace(LOUDNESS, features=(Feature(5),))], "whose name is 5"),
        ([replace(LOUDNESS, params={"a": 1})], "its params is"),
        ([replace(LOUDNESS, kind="picture")], "its kind is 'picture'"),
        ([replace(LOUDNESS, requires="torch")], "its requires is 'torch'"),
    ],
)
def test_what_a_hook_returns_is_checked_item_by_item(registry, answer, words):
    good = MetricSpec("other", "json:loads", ())
    if isinstance(answer, list):
        answer = [*answer, good]
    registry.register(answering(answer), "odd")
    with pytest.warns(PluginWarning, match=f"'odd'.*{words}|{words}.*'odd'|{words}"):
        found = registry.specs()
    assert set(found) == ({"loudness", "other"} if isinstance(answer, list) else {"loudness"})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (BUILTIN[0], "must return a list of WriterSpec"),
        ([None], "None is no WriterSpec"),
        ([replace(BUILTIN[0], name=1)], "its name is not"),
        ([replace(BUILTIN[0], suffixes=".json")], "its suffixes is"),
        ([replace(BUILTIN[0], factory=None)], "its factory is None"),
    ],
)
def test_log_formats_are_checked_in_the_same_way(registry, answer, words):
    registry.register(answering(answer, "vqa_register_writers"), "odd")
    with pytest.warns(PluginWarning, match=words):
        assert registry.writers() == []


def test_a_hook_that_wants_to_leave_leaves_the_others(registry):
    def leave(self):
        sys.exit(9)

    registry.register(type("P", (), {"vqa_register_metrics": hookimpl(leave)})(), "leaver")
    with pytest.warns(PluginWarning, match=r"'leaver' failed.*SystemExit"):
        assert "loudness" in registry.specs()


def test_a_class_that_does_not_start_is_an_error_of_the_metric(registry):
    sys.modules["loud_module"].Loud = lambda **_: sys.exit(3)
    with pytest.raises(MetricError, match="'loudness' did not start: SystemExit: 3"):
        registry.create(registry.request("loudness"))


def test_a_module_that_breaks_on_import_is_an_error_of_the_metric(tmp_path, monkeypatch):
    (tmp_path / "leaving_module.py").write_text("raise SystemExit(4)")
    (tmp_path / "dividing_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    for module, words in (("leaving", "SystemExit: 4"), ("dividing", "ZeroDivisionError")):
        found = registry_with(MetricSpec("odd", f"{module}_module:Odd", ()))
        with pytest.raises(MetricError, match=f"'odd' did not load: {words}"):
            found.create(found.request("odd"))


def test_a_hook_that_raises_leaves_the_others(registry):
    class Broken:
        @hookimpl
        def vqa_register_metrics(self):
            raise RuntimeError("boom")

    registry.register(Broken(), "broken")
    with pytest.warns(PluginWarning, match=r"broken.*vqa_register_metrics.*boom"):
        assert "loudness" in registry.specs()


def test_a_name_unfit_for_logs_is_left_out(registry):
    registry.register(plugin_with(MetricSpec("Bad-Name", "json:loads", ())), "odd")
    with pytest.warns(PluginWarning, match="Bad-Name"):
        assert "Bad-Name" not in registry.specs()


def test_a_misspelt_hook_is_an_error(registry):
    class Misspelt:
        @hookimpl
        def vqa_register_metric(self):
            return []

    with pytest.raises(Exception, match="vqa_register_metric"):
        registry.register(Misspelt(), "misspelt")
    assert "misspelt" not in registry.providers


@pytest.fixture
def installed(monkeypatch, registry):
    good = EntryPoint("good", "good_plugin", "vqa_harness")
    bad = EntryPoint("bad", "no_such_plugin_module", "vqa_harness")
    module = module_with(monkeypatch, "good_plugin")

    @hookimpl
    def vqa_register_metrics():
        return [LOUDNESS]

    module.vqa_register_metrics = vqa_register_metrics
    monkeypatch.setattr(registry_module, "entry_points", lambda group: [bad, good])
    monkeypatch.delenv("VQA_HARNESS_BLOCK", raising=False)
    monkeypatch.delenv("VQA_HARNESS_ONLY", raising=False)


def test_a_plugin_that_does_not_load_is_named(installed):
    with pytest.warns(PluginWarning, match=r"'bad'.*no_such_plugin_module"):
        assert set(Registry.installed().specs()) == {"loudness"}


def test_block_and_only(installed, monkeypatch):
    monkeypatch.setenv("VQA_HARNESS_BLOCK", "bad,good")
    assert Registry.installed().specs() == {}
    monkeypatch.setenv("VQA_HARNESS_BLOCK", "")
    monkeypatch.setenv("VQA_HARNESS_ONLY", "good")
    assert set(Registry.installed().specs()) == {"loudness"}


@pytest.mark.parametrize("variable", ["VQA_HARNESS_BLOCK", "VQA_HARNESS_ONLY"])
def test_names_that_no_plugin_has_are_told(installed, monkeypatch, variable):
    monkeypatch.setenv(variable, "good, goood")
    with pytest.warns(PluginWarning) as told:
        Registry.installed()
    text = f"{variable} names 'goood', which is no plugin here; installed are bad, good"
    assert text in [str(warning.message) for warning in told]


def test_listing_metrics_imports_nothing_heavy():
    code = (
        "import sys; from vqa_harness.registry import Registry; names = set(Registry.installed()"
        ".specs()); heavy = {'torch', 'open_clip', 'av', 'numba', 'scipy'} & set(sys.modules);"
        "assert not heavy, heavy; assert {'clipvqa', 'niqe', 'brisque'} <= names, names"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
