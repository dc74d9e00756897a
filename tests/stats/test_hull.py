import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa_harness.stats.hull import for_bitrate, for_quality, pareto, steps, thin, upper_hull

# 360p, 720p and 1080p: each is best over a part of the bitrates
LOW = [(200, 60.0), (400, 70.0), (800, 75.0), (1600, 77.0)]
MIDDLE = [(400, 62.0), (800, 78.0), (1600, 87.0), (3200, 90.0)]
HIGH = [(800, 60.0), (1600, 80.0), (3200, 92.0), (6400, 97.0)]
POINTS = LOW + MIDDLE + HIGH

numbers = st.floats(0, 100, allow_nan=False)
clouds = st.lists(st.tuples(st.integers(1, 10**7), numbers), min_size=1, max_size=30)


def test_hull_goes_over_from_one_resolution_to_the_next():
    assert [POINTS[i] for i in upper_hull(POINTS)] == [
        (200, 60.0),
        (400, 70.0),
        (800, 78.0),
        (1600, 87.0),
        (3200, 92.0),
        (6400, 97.0),
    ]


def test_points_on_a_straight_line_all_stay():
    points = [(100 + 37 * i, 50 + 0.1 * i) for i in range(30)]
    assert upper_hull(points) == list(range(30))


def test_a_dent_is_on_the_pareto_front_but_not_on_the_hull():
    points = [(100, 50.0), (200, 51.0), (400, 90.0)]
    assert pareto(points) == [0, 1, 2]
    assert upper_hull(points) == [0, 2]


def test_points_that_are_beaten_are_on_neither():
    points = [(100, 50.0), (150, 45.0), (150, 50.0), (100, 40.0), (200, 60.0)]
    assert pareto(points) == [0, 4]
    assert upper_hull(points) == [0, 4]


@given(clouds)
def test_every_point_is_below_the_hull_and_the_hull_bends_down(points):
    hull = upper_hull(points)
    corners = [points[i] for i in hull]
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(corners))
    for rate, quality in points:
        assert quality <= _height(corners, rate) + 1e-9
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(corners)]
    assert all(b <= a * (1 + 1e-6) + 1e-9 for a, b in pairwise(slopes))


def _height(corners, x):
    """The hull at x: the line between corners, flat behind the last, minus infinity before it."""
    if x < corners[0][0]:
        return -math.inf
    for (x0, y0), (x1, y1) in pairwise(corners):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return corners[-1][1]


def test_rung_for_a_target():
    assert POINTS[for_bitrate(POINTS, 1700)] == (1600, 87.0)
    assert POINTS[for_bitrate(POINTS, 1600)] == (1600, 87.0)
    assert for_bitrate(POINTS, 199) is None
    assert POINTS[for_quality(POINTS, 87.0)] == (1600, 87.0)
    assert POINTS[for_quality(POINTS, 87.1)] == (3200, 92.0)
    assert for_quality(POINTS, 97.5) is None


def test_a_rung_below_the_hull_is_taken_where_it_is_the_cheapest_or_the_best():
    # bigbuckbunny, 30 frames, SVT-AV1 preset 10 and x264 fast: kbit/s against VMAF and PSNR-Y
    vmaf = [(246.9, 55.428), (460.4, 77.343), (679.8, 82.233), (818.3, 87.043), (1267.4, 90.758)]
    psnr = [(460.4, 35.631), (818.3, 38.726), (1023.0, 39.578), (1267.4, 39.968), (1802.1, 42.439)]
    assert 2 not in upper_hull(vmaf)
    assert for_quality(vmaf, 80.0) == 2
    assert 3 not in upper_hull(psnr)
    assert for_bitrate(psnr, 1500.0) == 3


@given(clouds, numbers, st.integers(1, 10**7))
def test_no_other_rung_is_cheaper_or_better(points, quality, bitrate):
    cheapest = min((p for p in points if p[1] >= quality), default=None)
    chosen = for_quality(points, quality)
    assert (chosen is None) == (cheapest is None)
    assert chosen is None or points[chosen][0] == cheapest[0]
    best = max((p[1] for p in points if p[0] <= bitrate), default=None)
    chosen = for_bitrate(points, bitrate)
    assert (None if chosen is None else points[chosen][1]) == best


def test_steps_below_a_just_noticeable_difference_are_flagged_and_thinned():
    points = [(100, 60.0), (200, 68.0), (400, 72.0), (800, 75.5), (1600, 78.0)]
    rungs = [0, 1, 2, 3, 4]
    found = steps(points, rungs, 6.0)
    assert [step.below_jnd for step in found] == [False, True, True, True]
    assert found[0].gain == pytest.approx(8.0)
    assert found[0].ratio == pytest.approx(2.0)
    assert [step.below_jnd for step in steps(points, rungs)] == [None] * 4
    assert [points[i][1] for i in thin(points, rungs, 6.0)] == [60.0, 72.0, 78.0]
