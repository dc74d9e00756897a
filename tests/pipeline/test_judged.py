"""What metrics give is checked: no score is no success, and what is no number is an error."""

import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.plugins import installed_with, module_with
from vqa_harness import Feature, Metric, MetricSpec, Sampling, StreamScores
from vqa_harness.errors import MetricError
from vqa_harness.pipeline.judged import aggregate_of, facts_of, lines_of, scores_of

FEATURE = Feature("odd", lo=0.0, hi=100.0)
SPEC = MetricSpec("odd", "odd_module:Odd", (FEATURE,))


@pytest.fixture
def odd(monkeypatch, cli, video):
    """Run a metric whose answer for frame i is ``answer(i)``, beside one that works."""

    def run(answer, kind="frame", feature=FEATURE, **methods):
        def measure(self, frame, ref=None):
            if kind == "clip":
                return [answer(clip.start) for clip in frame]
            self.frames = [*getattr(self, "frames", ()), frame.index]
            return None if kind == "stream" else answer(frame.index)

        def close(self):
            frames = getattr(self, "frames", ())
            return StreamScores([answer(i) for i in frames]) if kind == "stream" else {}

        body = {"measure": measure, "close": close, "batch_size": 2, "sampling": Sampling(1, 0.2)}
        body["prepare"] = lambda self, frame, ref: 0
        module_with(monkeypatch, "odd_module", type("Odd", (Metric,), body | methods))
        installed_with(monkeypatch, replace(SPEC, kind=kind, features=(feature,)))
        code, out, err = cli("run", "-m", "odd,colorfulness", video, "--json", "-")
        (entry,) = json.loads(out)
        assert "colorfulness" in entry["pooled"]
        return code, entry["pooled"].get("odd"), err

    return run


@pytest.mark.parametrize("kind", ["frame", "clip", "stream"])
@pytest.mark.parametrize(
    "value", [math.nan, math.inf, None, -7.0, 1e9, np.float32("nan"), 10**400], ids=str
)
def test_a_metric_without_a_score_on_any_frame_has_failed(odd, kind, value):
    code, pooled, err = odd(lambda i: {"odd": value}, kind)
    assert (code, pooled) == (5, None)
    assert "metric 'odd' failed: gave no score: it is undefined on all 12 frames" in err


@pytest.mark.parametrize("kind", ["frame", "clip", "stream"])
def test_an_empty_answer_is_no_score(odd, kind):
    code, pooled, err = odd(lambda i: {}, kind)
    assert (code, pooled) == (5, None)
    assert "metric 'odd' failed: gave nothing" in err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("text", "gave str 'text'; it must give a mapping"),
        (None, "gave NoneType None; it must give a mapping"),
        (3.0, "gave float 3.0; it must give a mapping"),
        ({"odd": "high"}, "gave str 'high' for 'odd', which is no number"),
        ({"odd": np.zeros(3)}, "for 'odd', which is no number"),
        ({"odd": True}, "gave bool True for 'odd'"),
        ({"odd": 1j}, "for 'odd', which is no number"),
        ({7: 1.0}, "a feature whose name is int 7"),
    ],
)
@pytest.mark.parametrize("kind", ["frame", "clip", "stream"])
def test_what_is_no_number_fails_the_metric_and_no_other(odd, kind, answer, words):
    code, pooled, err = odd(lambda i: answer, kind)
    assert (code, pooled) == (5, None)
    assert words in err


@pytest.mark.parametrize("kind", ["frame", "clip"])
def test_a_name_that_is_not_declared_fails_the_metric(odd, kind):
    code, _, err = odd(lambda i: {"odd": 1.0, "even": 2.0}, kind)
    assert code == 5
    assert "gave 'even', which it does not declare; it declares odd" in err


def test_frames_without_a_score_are_counted_and_left_out_of_what_is_printed(odd):
    code, pooled, err = odd(lambda i: {"odd": 50.0 + i if i < 9 else math.nan})
    assert code == 0
    assert pooled["mean"] == pytest.approx(54.0)
    assert pooled["max"] == 58.0
    assert "odd is undefined for 3 of 12 frames; what is printed is over the other 9" in err


def test_scores_outside_the_declared_range_do_not_count(odd):
    code, pooled, err = odd(lambda i: {"odd": 101.0 if i == 4 else 40.0})
    assert code == 0
    assert pooled["max"] == 40.0
    assert (
        "odd was outside the range 0 to 100 that it declares on 1 of 12 frames (101 first)" in err
    )


def test_a_hair_beyond_the_range_is_rounding(odd):
    code, pooled, err = odd(lambda i: {"odd": 100.00001})
    assert (code, err) == (0, "")
    assert pooled["max"] == pytest.approx(100.00001)


@pytest.mark.parametrize("number", [np.float32(2.5), np.array(2.5), 2.5, np.float16(2.5)])
def test_numbers_of_other_libraries_are_numbers(odd, number):
    assert odd(lambda i: {"odd": number})[1]["mean"] == 2.5


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ({"open": lambda self, run: sys.exit(77)}, "SystemExit: 77"),
        ({"measure": lambda self, frame, ref: sys.exit(0)}, "SystemExit: 0"),
        ({"__init__": lambda self: 1 / 0}, "did not start: ZeroDivisionError"),
        ({"close": lambda self: {"all": math.nan}}, "'all' of the whole video"),
        ({"info": lambda self: {"a": {1, 2}}}, "what JSON cannot hold"),
        ({"info": lambda self: None}, "info() gave NoneType"),
        ({"warnings": lambda self: "beware"}, "warnings() gave str"),
        ({"notes": lambda self: [1]}, "notes() gave int 1"),
    ],
)
def test_a_method_that_breaks_fails_its_metric_only(odd, methods, words):
    code, _, err = odd(lambda i: {"odd": 1.0}, **methods)
    assert code == 5
    assert words in err


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ({"sampling": None}, "its sampling is None"),
        ({"batch_size": "two"}, "its batch_size is 'two'"),
        ({"batch_size": 0}, "its batch_size is 0"),
    ],
)
def test_a_clip_metric_has_to_say_what_it_wants(odd, methods, words):
    code, _, err = odd(lambda i: {"odd": 1.0}, "clip", **methods)
    assert code == 5
    assert words in err


def test_a_stream_metric_gives_stream_scores(odd):
    code, _, err = odd(lambda i: {}, "stream", close=lambda self: [])
    assert code == 5
    assert "gave list; it must give StreamScores" in err


def test_every_metric_that_failed_is_named(monkeypatch, cli, video):
    class Odd(Metric):
        def measure(self, frame, ref=None):
            return {}

    module_with(monkeypatch, "odd_module", Odd)
    installed_with(monkeypatch, SPEC, replace(SPEC, name="odder"))
    code, _, err = cli("run", "-m", "odd,odder,colorfulness", video)
    assert code == 5
    assert "warning: clip.mp4: metric 'odder' failed: gave nothing" in err
    assert "error: clip.mp4: metric 'odd' failed: gave nothing" in err


def test_the_parts_say_what_is_wrong():
    assert scores_of({"a": 1, "b": None}, {}, only_declared=False) == {"a": 1.0, "b": None}
    assert aggregate_of({"a": 1}) == {"a": 1.0}
    assert facts_of({"a": [1]}) == {"a": [1]}
    assert lines_of("notes", ("a", "b")) == ["a", "b"]
    with pytest.raises(MetricError, match="what JSON cannot hold"):
        facts_of({"a": math.nan})
