"""A metric made of others: they are measured in the same pass, asked for or not."""

import json
from dataclasses import replace

import pytest

from tests.plugins import installed_with, module_with
from vqa_harness import Feature, MetricSpec, StreamScores
from vqa_harness.logs.cache_key import CacheKeys

SPEC = MetricSpec(
    "blend",
    "blend_module:Blend",
    (Feature("blend"),),
    kind="fusion",
    needs=("siti", "colorfulness"),
)


class Blend:
    """Owes `measure` alone."""

    def measure(self, scores, frames):
        assert all(len(column) == frames for column in scores.values())
        rows = zip(scores["siti_si"], scores["colorfulness"], strict=True)
        return StreamScores([{"blend": si + 1000 * colour} for si, colour in rows])


@pytest.fixture
def blended(monkeypatch, cli, video, tmp_path):
    module_with(monkeypatch, "blend_module", Blend)

    def run(metric, *specs):
        installed_with(monkeypatch, *(specs or (SPEC,)))
        log = tmp_path / "log.json"
        code, out, err = cli("run", "-m", metric, video, "-o", log)
        return code, json.loads(log.read_text()) if log.exists() else None, out, err

    return run


def test_what_a_metric_needs_is_measured_in_the_same_pass(blended):
    code, log, out, err = blended("blend")
    assert (code, err) == (0, "")
    for frame in log["frames"]:
        values = frame["metrics"]
        expected = values["siti_si"] + 1000 * values["colorfulness"]
        assert values["blend"] == pytest.approx(expected, rel=1e-6)
    assert set(log["vqa_harness"]["metrics"]) == {"blend", "siti", "colorfulness"}
    assert [line.split("\t")[1] for line in out.splitlines()[1:]] == ["blend"]


def test_what_was_asked_for_as_well_is_measured_once(blended):
    code, log, _, _ = blended("colorfulness,blend")
    assert code == 0
    assert list(log["vqa_harness"]["metrics"]) == ["colorfulness", "blend", "siti"]


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        (("no_such_metric",), "needs another: unknown metric 'no_such_metric'"),
        (("siti:no=1",), "needs another: metric 'siti' has no parameter 'no'"),
        (("psnr",), "needs 'psnr', which compares with a reference, and does not declare"),
        (("second",), "needs 'second', which needs others itself"),
    ],
)
def test_a_need_that_cannot_be_met_is_an_error(blended, needs, words):
    second = replace(SPEC, name="second")
    code, log, _, err = blended("blend", replace(SPEC, needs=needs), second)
    assert (code, log) == (5, None)
    assert words in err


def test_where_a_needed_metric_fails_so_does_the_one_that_needs_it(blended, monkeypatch):
    broken = MetricSpec("broken", "no_such_module_at_all.x:Y", (Feature("broken"),))
    module_with(monkeypatch, "no_such_module_at_all")
    module_with(monkeypatch, "no_such_module_at_all.x")
    code, log, _, err = blended("blend,siti", replace(SPEC, needs=("broken",)), broken)
    assert code == 5
    assert "siti_si" in log["pooled_metrics"]
    assert "metric 'blend' failed: needs broken, which failed: " in err


def test_kept_scores_go_by_what_is_needed_too(monkeypatch):
    module_with(monkeypatch, "blend_module", Blend)
    registry = installed_with(monkeypatch, SPEC, replace(SPEC, name="other", needs=("siti",)))
    digests = {CacheKeys(registry.requests([n]), registry).digest({}) for n in ("blend", "other")}
    facts = CacheKeys(registry.requests(["blend"]), registry).facts["metrics"][0]["needs"]
    assert [fact["name"] for fact in facts] == ["siti", "colorfulness"]
    assert len(digests) == 2
