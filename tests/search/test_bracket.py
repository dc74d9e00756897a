"""Where a search tries next: curves whose true answer is known, even and uneven."""

import math
import random

import pytest

from vqa_harness.search.bracket import Bracket
from vqa_harness.search.trend import falling, through


def run(bracket, margins, holds=None):
    """Take a bracket to its end; the places in the order in which they were tried."""
    tried = []
    while (place := bracket.next()) is not None:
        assert place not in tried, "a place is tried twice"
        tried.append(place)
        found = margins(place)
        bracket.add(place, found, holds=all(m >= 0 for m in found) if holds is None else holds)
    return tried


def saturating(place):
    """A score that falls like VMAF over the CRF of x264."""
    return 100 - 0.35 * math.exp(place / 9)


@pytest.mark.parametrize("size", [2, 3, 11, 52, 63, 200])
def test_finds_the_last_setting_that_holds_wherever_it_is(size):
    counts = []
    for last in range(-1, size):
        limit = last + 0.4
        bracket = Bracket(size, size // 2, max(1, size // 8))
        counts.append(len(run(bracket, lambda place, limit=limit: (limit - place,))))
        assert bracket.best == (last if last >= 0 else None)
        assert not bracket.rises
    assert sum(counts) / len(counts) <= 4.5


def test_a_curve_as_of_vmaf_takes_fewer_tries_than_bisection():
    counts = []
    for limit in range(60, 99):
        bracket = Bracket(52, 25, 6)
        margin = lambda p, limit=limit: (math.log((101 - limit) / (101 - saturating(p))),)  # noqa: E731
        tried = run(bracket, margin)
        assert bracket.best == max(p for p in range(52) if saturating(p) >= limit)
        counts.append(len(tried))
    assert max(counts) <= 8
    assert sum(counts) / len(counts) < 5.2 < math.log2(52)


def test_all_targets_count_and_the_strictest_decides():
    bracket = Bracket(52, 25, 6)
    run(bracket, lambda place: (30.5 - place, 3 * (17.5 - place), 40 - place))
    assert bracket.best == 17


def test_small_rises_do_not_mislead():
    rng = random.Random(1)
    exact = 0
    for _ in range(300):
        values = [saturating(p) + rng.uniform(-0.3, 0.3) for p in range(52)]
        limit = rng.uniform(70, 98)
        bracket = Bracket(52, 25, 6)
        run(bracket, lambda p, v=values, limit=limit: (v[p] - limit,))
        truth = max(p for p in range(52) if values[p] >= limit)
        assert values[bracket.best] >= limit
        assert truth - 2 <= bracket.best <= truth
        exact += bracket.best == truth
    assert exact >= 285


def test_a_setting_behind_one_that_misses_narrowly_is_tried():
    values = [10, 9, 8, 7, 6, 5, 3.95, 4.1, 2, 1, 0]
    bracket = Bracket(len(values), 4, 2)
    run(bracket, lambda place: (values[place] - 4.0,))
    assert bracket.best == 7
    assert bracket.rises


def test_what_is_expected_saves_tries_and_is_corrected_where_it_is_wrong():
    def expected(place):
        return (20.5 - place,)

    right = Bracket(52, 20, 6, expected)
    assert run(right, expected) == [20]  # 21 is expected to miss, and not tried
    for shift in (-6, -2, -1, 1, 2, 6):
        moved = Bracket(52, 20, 6, expected)
        tried = run(moved, lambda place, shift=shift: (20.5 + shift - place,))
        assert moved.best == 20 + shift
        assert len(tried) == 2
    flat = Bracket(52, 20, 6, expected)
    run(flat, lambda place: ((12.5 - place) / 4,))  # another slope than on samples
    assert flat.best == 12


def test_the_nearest_falling_sequence():
    assert falling([5, 4, 4.5, 1]) == [5, 4.25, 4.25, 1]
    assert falling([1, 2, 3]) == [2, 2, 2]


def test_a_trend_goes_through_its_points_and_straight_on():
    trend = through({10: (4.0,), 12: (2.0,), 16: (-1.0,)})
    assert [trend(p)[0] for p in (10, 12, 16)] == [4.0, 2.0, -1.0]
    assert 2.0 < trend(11)[0] < 4.0
    assert trend(8)[0] == pytest.approx(6.0)
    assert trend(20)[0] == pytest.approx(-4.0)
