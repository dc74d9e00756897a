import re
from dataclasses import replace

import numpy as np
import pytest

from tests.paths import docs_page
from tests.plugins import module_with
from vqa_harness import Feature, Metric, MetricSpec, Param, Sampling, StreamScores
from vqa_harness.request import Request
from vqa_harness.testing import check_metric, check_spec, rgb_frame, sample_frames, yuv_frame


class Good(Metric):
    def measure(self, frame, ref):
        return {"good": float(frame.luma.mean())}


class Writes(Metric):
    def measure(self, frame, ref):
        plane = frame.source._planes[0].base
        plane += 1
        return {"good": 1.0}


class Forgetful(Metric):
    def measure(self, frame, ref):
        return {}


class Chatty(Metric):
    def measure(self, frame, ref):
        return {"good": 1.0, "extra": 2.0}


class NotANumber(Metric):
    def measure(self, frame, ref):
        return {"good": float("nan")}


class TooHigh(Metric):
    def measure(self, frame, ref):
        return {"good": 300.0}


class Moody(Metric):
    calls = 0

    def measure(self, frame, ref):
        Moody.calls += 1
        return {"good": float(Moody.calls % 200)}


class Positional(Metric):
    def __init__(self, gain):
        pass


class Clips(Metric):
    sampling = Sampling(3, 1.0)
    batch_size = 1

    def prepare(self, frame, ref):
        return frame.luma.mean()

    def measure(self, clips):
        return [{"good": float(np.mean(clip.data))} for clip in clips]


class Short(Metric):
    def measure(self, frame, ref):
        pass

    def close(self):
        return StreamScores([{"good": 1.0}])


class Early(Short):
    def measure(self, frame, ref):
        return {"good": 1.0}


class Several(Metric):
    """One feature for each of the first ``count`` letters."""

    def __init__(self, *, count):
        self.names = [feature.name for feature in self.features({"count": count})]

    @classmethod
    def features(cls, params):
        return tuple(Feature(name, lo=0.0, hi=255.0) for name in "abcd"[: params["count"]])

    def measure(self, frame, ref):
        return {name: float(frame.luma.mean()) for name in self.names}


class Boasts(Several):
    def measure(self, frame, ref):
        return {"a": 1.0}


class Secretive(Several):
    def measure(self, frame, ref):
        return dict.fromkeys("abcd", 1.0)


class Wordless(Several):
    features = None

    def __init__(self, *, count):
        pass


class Elsewhere(Several):
    @classmethod
    def features(cls, params):
        return (Feature("b"),)


class Lines(Metric):
    def measure(self, frame, ref):
        return {"good": 1.0}

    def warnings(self):
        return [1]


GOOD = MetricSpec("good", "kit_metrics:Good", (Feature("good", lo=0.0, hi=255.0),))


SEVERAL = MetricSpec(
    "several",
    "kit_metrics:Several",
    (Feature("a", lo=0.0, hi=255.0),),
    params=(Param("count", 1, changes_score=False, changes_features=True),),
)


@pytest.fixture(autouse=True)
def module(monkeypatch):
    classes = (cls for base in (Metric, Short, Several) for cls in base.__subclasses__())
    # other tests have classes of these names too
    own = (cls for cls in classes if cls.__module__ == __name__)
    module_with(monkeypatch, "kit_metrics", *own)


def test_good_metrics_pass():
    check_metric(GOOD)
    check_metric(GOOD, frames=sample_frames(2, 64, 48))
    check_metric(replace(GOOD, factory="kit_metrics:Clips", kind="clip"))


@pytest.mark.parametrize(
    ("cls", "kind", "words"),
    [
        (Writes, "frame", "changed the pixels|other scores"),
        (Forgetful, "frame", "does not give good"),
        (Chatty, "frame", "gives undeclared extra"),
        (NotANumber, "frame", "good = nan: needs a finite number"),
        (TooHigh, "frame", "outside its range 0.0 to 255.0"),
        (Moody, "frame", "different scores the second time"),
        (Short, "stream", "gave 1 scores for 4 frames"),
        (Early, "stream", "measure returns nothing"),
        (Positional, "frame", "must take .* by keyword only"),
        (Lines, "frame", "warnings gives something other than lines of text"),
    ],
)
def test_a_broken_metric_is_caught(cls, kind, words):
    spec = replace(GOOD, factory=f"kit_metrics:{cls.__name__}", kind=kind)
    with pytest.raises(AssertionError, match=words):
        check_metric(spec)


def test_what_is_given_is_held_against_what_is_declared_for_the_parameters():
    check_metric(SEVERAL)
    check_metric(SEVERAL, params={"count": 3})


def test_the_example_of_the_documentation(monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", docs_page("writing-a-metric.md"), re.DOTALL)
    (text,) = (block for block in blocks if "class Bands" in block)
    made = module_with(monkeypatch, "bands_example")
    exec(text, made.__dict__)
    check_metric(made.BANDS)
    check_metric(made.BANDS, params={"count": 3})
    request = Request(made.BANDS, {"count": 3})
    assert [f.name for f in request.features] == [f"band{n}_count_3" for n in range(3)]


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (Boasts, "does not give b"),
        (Secretive, "gives undeclared c, d"),
        (Wordless, r"its class has no features\(params\)"),
        (Elsewhere, "differ from those of its spec at the defaults"),
    ],
)
def test_a_wrong_declaration_is_caught(cls, words):
    spec = replace(SEVERAL, factory=f"kit_metrics:{cls.__name__}")
    with pytest.raises(AssertionError, match=words):
        check_metric(spec, params={"count": 2})


def test_a_declaration_that_nobody_asks_for_is_caught():
    spec = replace(SEVERAL, params=(Param("count", 1),))
    with pytest.raises(AssertionError, match="no parameter has changes_features"):
        check_spec(spec)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Good"}, "lower-case"),
        ({"kind": "video"}, "none of"),
        ({"features": (Feature("a"), Feature("a"))}, "twice"),
        ({"features": (Feature("a b"),)}, "not fit for a log"),
        ({"features": (Feature("n"),)}, "not fit for a log"),
        ({"features": (Feature("my_vmaf"),)}, "taken for VMAF"),
        ({"features": (Feature("a", lo=2.0, hi=1.0),)}, "not below"),
        ({"params": (Param("gain", 1.0),)}, "its spec lists"),
    ],
)
def test_a_broken_spec_is_caught(changes, words):
    with pytest.raises(AssertionError, match=words):
        check_spec(replace(GOOD, **changes))


def test_rgb_of_made_frames():
    picture = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    assert np.array_equal(rgb_frame(picture).rgb, picture)
    grey = [np.full((4, 4), 126, np.uint8)] + [np.full((2, 2), 128, np.uint8)] * 2
    assert (yuv_frame(grey).rgb == 128).all()
    red = [np.full((4, 4), 81 * 4, np.uint16)]
    red += [np.full((2, 2), 90 * 4, np.uint16), np.full((2, 2), 240 * 4, np.uint16)]
    # FFmpeg's default conversion, which decoded pictures go through as well, gives 252
    assert yuv_frame(red, depth=10).rgb[0, 0].tolist() == pytest.approx([255, 0, 0], abs=3)
    with pytest.raises(ValueError, match="420 needs 3 planes, got 1"):
        yuv_frame(grey[:1])


def test_planes_are_read_only():
    (frame,) = sample_frames(1)
    with pytest.raises(ValueError, match="read-only"):
        frame.luma[0, 0] = 3
