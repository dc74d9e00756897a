"""What a search goes over, and what it has to meet."""

import pytest

from tests.plugins import registry_with
from vqa_harness import Feature, MetricSpec
from vqa_harness.errors import UsageError
from vqa_harness.ladder.encode import EncodeGrid
from vqa_harness.search.goals import hold, margins, read_goals
from vqa_harness.search.scale import scale_of

SPEC = MetricSpec(
    "clean",
    "nowhere:Clean",
    (Feature("clean", lo=0, hi=100), Feature("dirt", higher_is_better=False)),
)
OTHER = MetricSpec("plain", "nowhere:Plain", (Feature("plain", higher_is_better=None),))


@pytest.fixture
def registry():
    return registry_with(SPEC, OTHER)


def test_crfs_within_bounds_and_by_steps():
    whole = scale_of(EncodeGrid("libx264"))
    assert whole.settings == tuple(range(52))
    assert whole.settings[whole.start] == 25
    assert whole.named(28) == "crf 28"
    halves = scale_of(EncodeGrid("libx265", crfs=(30, 20)), 0.5)
    assert halves.settings[:3] == (20, 20.5, 21)
    assert halves.settings[-1] == 30
    assert scale_of(EncodeGrid("libsvtav1")).settings[0] == 1
    high = scale_of(EncodeGrid("libx264", crfs=(40, 50)))
    assert high.settings[high.start] == 45
    grid = halves.grid(EncodeGrid("libx265", options={"preset": "fast"}), 360, 1)
    assert (grid.crfs, grid.heights, grid.options) == ((20.5,), (360,), {"preset": "fast"})


def test_bitrates_from_high_to_low():
    scale = scale_of(EncodeGrid("libvpx-vp9", bitrates=(200e3, 4e6)))
    assert scale.settings[0] == 4e6
    assert scale.settings[-1] == 200e3
    steps = [b / a for a, b in zip(scale.settings, scale.settings[1:], strict=False)]
    assert all(0.97 < step < 0.99 for step in steps)
    assert scale.named(0) == "4000 kbit/s"
    assert scale.grid(EncodeGrid("libvpx-vp9", bitrates=(1e6, 2e6)), 360, 0).bitrates == (4e6,)


@pytest.mark.parametrize(
    ("codec", "bounds", "step", "words"),
    [
        ("libx264", {"crfs": (20,)}, 1, "crf 20: with a target, give the two bounds"),
        ("libx264", {"crfs": (20, 20)}, 1, "two bounds"),
        ("libx264", {"crfs": (20, 25, 30)}, 1, "two bounds"),
        ("libx264", {"bitrates": (5e5,)}, 1, "bitrate 500: with a target"),
        ("libx264", {"crfs": (20, 30), "bitrates": (5e5, 6e5)}, 1, "CRFs or bitrates"),
        ("libsvtav1", {}, 0.5, "takes whole CRFs only"),
        ("libx264", {"crfs": (20, 22)}, 3, "a CRF step of 3 does not fit"),
        ("libx264", {}, 0, "a CRF step of 0 does not fit"),
    ],
)
def test_bounds_that_do_not_fit(codec, bounds, step, words):
    with pytest.raises(UsageError, match=words):
        scale_of(EncodeGrid(codec, **bounds), step)


def test_targets_name_the_metrics_they_need(registry):
    goals, metrics = read_goals(["clean.p5 >= 90", "dirt.max < 3"], [], registry)
    assert metrics == ("clean",)
    assert [str(goal) for goal in goals] == ["clean.p5 >= 90", "dirt.max < 3"]
    assert read_goals(["clean.mean > 1"], ["clean"], registry)[1] == ("clean",)
    assert hold(goals, (90.0, 2.9))
    assert not hold(goals, (89.9, 2.9))
    assert not hold(goals, (90.0, 3.0))


def test_margins_are_even_where_a_score_saturates(registry):
    goals, _ = read_goals(["clean.mean >= 90", "dirt.mean <= 3"], [], registry)
    assert margins(goals, (90.0, 3.0)) == (0.0, 0.0)
    assert margins(goals, (95.0, 1.0)) == (pytest.approx(0.684, abs=0.01), 2.0)
    assert margins(goals, (80.0, 5.0)) == (pytest.approx(-0.688, abs=0.01), -2.0)
    assert margins(goals, (100.0, 5.0))[0] == pytest.approx(4.615, abs=0.01)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("clean >= 90", "does not say how to pool"),
        ("clean.mean", "cannot be read"),
        ("clean.mean == 90", "write a bound of a pooled feature"),
        ("clean.mean max_drop 1", "write a bound of a pooled feature"),
        ("align.dropped <= 0", "write a bound of a pooled feature"),
        ("bdrate.clean <= 0", "write a bound of a pooled feature"),
        ("clean.std <= 3", "a standard deviation is no quality"),
        ("clean.mean <= 90", "lets bad quality pass"),
        ("clean.mean >= 101", "can never hold"),
        ("plain.mean >= 1", "neither higher nor lower is better"),
        ("clear.mean >= 1", "did you mean clean"),
    ],
)
def test_targets_that_cannot_be(target, words, registry):
    with pytest.raises(UsageError, match=words):
        read_goals([target], [], registry)
