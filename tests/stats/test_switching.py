import math

import pytest

from vqa_harness.stats.switching import switches


def straight(slope, offset, *rates):
    """Points of quality = offset + slope * log2(rate), which every interpolation keeps straight."""
    return [(rate, offset + slope * math.log2(rate)) for rate in rates]


@pytest.mark.parametrize("method", ["pchip", "akima"])
def test_curves_that_cross_switch_where_they_do(method):
    low = straight(5.0, 20.0, 100, 200, 400, 800, 1600)
    high = straight(10.0, -20.0, 100, 200, 400, 800, 1600)  # equal at log2(rate) = 8
    (found,) = switches({360: low, 720: high}, method)
    assert (found.before, found.after) == (360, 720)
    assert found.rate == pytest.approx(256, rel=1e-9)
    assert found.quality == pytest.approx(60.0, abs=1e-9)


def test_where_curves_do_not_meet_the_better_ones_cheapest_rung_is_the_switch():
    found = switches({360: [(100, 50.0), (200, 60.0)], 720: [(500, 70.0), (900, 80.0)]})
    assert [(s.before, s.after, s.quality) for s in found] == [(360, 720, 70.0)]
    assert found[0].rate == pytest.approx(500, rel=1e-9)


def test_a_single_rung_counts_from_its_bitrate_on():
    found = switches({360: straight(5.0, 20.0, 100, 400, 1600), 540: [(300, 70.0)]})
    assert [(s.before, s.after) for s in found] == [(360, 540), (540, 360)]
    assert found[0].rate == pytest.approx(300)
    assert found[1].rate == pytest.approx(2**10)


def test_nobody_goes_back_to_a_resolution_that_is_worse_for_more_bitrate():
    low = [(100, 50.0), (1000, 80.0), (9000, 84.0)]
    high = [(200, 40.0), (600, 79.0), (2000, 95.0)]
    assert [s.after for s in switches({360: low, 720: high})] == [720]


def test_three_resolutions_in_turn_and_a_fallen_rung_left_out():
    curves = {
        360: straight(4.0, 30.0, 50, 100, 200, 400),
        540: [*straight(6.0, 15.0, 100, 200, 400, 800), (300, 1.0)],
        720: straight(8.0, -4.0, 200, 400, 800, 1600),
    }
    found = switches(curves)
    assert [(s.before, s.after) for s in found] == [(360, 540), (540, 720)]
    assert [s.rate for s in found] == [pytest.approx(2**7.5), pytest.approx(2**9.5)]


def test_one_resolution_has_no_switch():
    assert switches({720: [(100, 50.0), (200, 60.0)]}) == []
    assert switches({720: [(100, 50.0)], 360: []}) == []
