import math

import pytest

from vqa_harness.errors import InputError, UsageError
from vqa_harness.stats.bdrate import bd_quality, bd_rate, compare
from vqa_harness.stats.rate_curve import CurveError, curve, rate_at

# the example of the bjontegaard package's README, and a pair of curves of unlike lengths
PSNR_ANCHOR = [(9487.76, 40.037), (4593.60, 38.615), (2486.44, 36.845), (1358.24, 34.851)]
PSNR_TEST = [(9787.80, 40.121), (4469.00, 38.651), (2451.52, 36.970), (1356.24, 34.987)]
VMAF_ANCHOR = [(100, 61.5), (220, 73.0), (450, 82.5), (900, 89.9), (2100, 96.0)]
VMAF_TEST = [(90, 63.0), (180, 74.5), (390, 84.0), (800, 91.0), (1700, 95.0), (3000, 97.5)]

# by bjontegaard 1.3.0, which agrees with JVET's spreadsheet to ten decimals
EXPECTED = [
    ("pchip", PSNR_ANCHOR, PSNR_TEST, -4.417485350589045, 0.11969278542479489),
    ("akima", PSNR_ANCHOR, PSNR_TEST, -4.425245156997493, 0.11940927028529469),
    ("pchip", VMAF_ANCHOR, VMAF_TEST, -22.528783857963784, 2.7232544926936),
    ("akima", VMAF_ANCHOR, VMAF_TEST, -22.530477669935312, 2.7273801009917533),
]


@pytest.mark.parametrize(("method", "anchor", "test", "rate", "quality"), EXPECTED)
def test_equals_the_numbers_of_the_bjontegaard_package(method, anchor, test, rate, quality):
    assert bd_rate(anchor, test, method) == pytest.approx(rate, abs=1e-9)
    assert bd_quality(anchor, test, method) == pytest.approx(quality, abs=1e-9)


@pytest.mark.parametrize("method", ["pchip", "akima"])
def test_equals_the_bjontegaard_package_itself(method):
    package = pytest.importorskip("bjontegaard", reason="bjontegaard 1.3.0 is not installed")
    columns = [
        list(column) for points in (VMAF_ANCHOR, VMAF_TEST) for column in zip(*points, strict=True)
    ]
    asked = {"method": method, "require_matching_points": False, "min_overlap": 0}
    assert bd_rate(VMAF_ANCHOR, VMAF_TEST, method) == pytest.approx(
        package.bd_rate(*columns, **asked), abs=1e-9
    )
    assert bd_quality(VMAF_ANCHOR, VMAF_TEST, method) == pytest.approx(
        package.bd_psnr(*columns, **asked), abs=1e-9
    )


@pytest.mark.parametrize("method", ["pchip", "akima"])
def test_half_the_bitrate_is_minus_fifty_percent_and_back_is_plus_hundred(method):
    half = [(rate / 2, quality) for rate, quality in VMAF_ANCHOR]
    assert bd_rate(VMAF_ANCHOR, half, method) == pytest.approx(-50)
    assert bd_rate(half, VMAF_ANCHOR, method) == pytest.approx(100)
    assert bd_rate(VMAF_ANCHOR, VMAF_ANCHOR, method) == pytest.approx(0, abs=1e-12)
    assert compare(VMAF_ANCHOR, half).quality > 0


def test_order_of_points_and_unit_of_bitrate_do_not_matter():
    expected = bd_rate(VMAF_ANCHOR, VMAF_TEST)
    shuffled = VMAF_TEST[::-1]
    assert bd_rate(VMAF_ANCHOR[2:] + VMAF_ANCHOR[:2], shuffled) == pytest.approx(expected)
    bits = [[(1000 * rate, quality) for rate, quality in c] for c in (VMAF_ANCHOR, VMAF_TEST)]
    assert bd_rate(*bits) == pytest.approx(expected)


def test_two_points_make_a_straight_line():
    anchor, test = [(100, 50.0), (400, 70.0)], [(80, 50.0), (320, 70.0)]
    assert bd_rate(anchor, test, "akima") == pytest.approx(-20)
    assert any("only 2 points" in note for note in compare(anchor, test).notes)


def test_little_overlap_is_refused_or_noted():
    far = [(rate, quality + 30) for rate, quality in VMAF_ANCHOR]
    with pytest.raises(CurveError, match="share 13% of the narrower quality range, 50% is needed"):
        bd_rate(VMAF_ANCHOR, far)
    assert math.isfinite(bd_rate(VMAF_ANCHOR, far, min_overlap=0.05))
    apart = [(rate, quality + 90) for rate, quality in VMAF_ANCHOR]
    with pytest.raises(CurveError, match="share 0%"):
        bd_rate(VMAF_ANCHOR, apart, min_overlap=0)
    assert "some is needed" in compare(VMAF_ANCHOR, apart, min_overlap=0).refused
    near = [(rate, quality + 8) for rate, quality in VMAF_ANCHOR]
    found = compare(VMAF_ANCHOR, near)
    assert found.covered == pytest.approx(26.5 / 34.5)
    assert found.overlap == pytest.approx(26.5 / 42.5)
    assert any("share only 62%" in note for note in found.notes)


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        (49.7, "share 49.7% of the narrower quality range, 50.0% is needed"),
        (49.9996, r"share 49\.9996% of the narrower quality range, 50\.0000% is needed"),
        (49.4, "share 49% of the narrower quality range, 50% is needed"),
    ],
)
def test_what_is_shared_and_what_is_needed_are_told_apart(shared, words):
    low, high = [(100, 0.0), (400, 100.0)], [(100, 100 - shared), (400, 200 - shared)]
    with pytest.raises(CurveError, match=words):
        bd_rate(low, high)


def test_a_share_of_the_joint_range_that_rounds_to_the_limit_is_told_apart():
    low, high = [(100, 0.0), (400, 100.0)], [(100, 14.4), (400, 114.4)]
    assert any("share only 74.8%" in note for note in compare(low, high).notes)


FALLEN = [(100, 50.0), (200, 49.0), (400, 60.0), (800, 70.0)]


@pytest.mark.parametrize("method", ["pchip", "akima"])
def test_bd_quality_is_given_where_quality_falls(method):
    better = [(rate, quality + 2.5) for rate, quality in FALLEN]
    assert bd_quality(FALLEN, better, method) == pytest.approx(2.5)
    found = compare(FALLEN, better, method)
    assert found.rate is None
    assert found.quality == pytest.approx(2.5)
    assert (found.rate_overlap, found.crossings) == (1, ())
    assert found.refused.startswith("not monotone: 49 at 200 is no better than 50 at 100")
    with pytest.raises(CurveError, match="not monotone: 49 at 200"):
        bd_rate(FALLEN, better, method)
    level = [(100, 50.0), (800, 50.0)]
    assert compare(level, level).quality == 0
    assert (compare(level, level).overlap, compare(level, level).rate) == (0, None)


def test_bd_quality_of_a_falling_curve_is_the_area_between():
    """Straight lines over log bitrate: triangles whose areas are counted by hand."""
    falling, flat = [(1, 60.0), (math.e, 50.0)], [(1, 50.0), (math.e, 50.0)]
    assert bd_quality(flat, falling) == pytest.approx(5)


def test_bd_quality_is_given_where_the_qualities_have_nothing_in_common():
    apart = [(rate, quality + 90) for rate, quality in VMAF_ANCHOR]
    found = compare(VMAF_ANCHOR, apart)
    assert (found.rate, found.quality) == (None, pytest.approx(90))
    assert "share 0% of the narrower quality range" in found.refused


def test_two_points_at_one_bitrate_are_refused():
    with pytest.raises(CurveError, match="50 and 60 are both at bitrate 100"):
        bd_quality([(100, 50.0), (100, 60.0)], VMAF_ANCHOR)


def test_a_curve_within_the_range_of_the_other_is_compared_over_all_of_it():
    found = compare(VMAF_ANCHOR, [(rate / 2, quality) for rate, quality in VMAF_ANCHOR[2:4]])
    assert found.covered == 1
    assert found.overlap < 0.25
    assert -60 < found.rate < -40


def test_no_common_bitrate_gives_no_bd_quality():
    cheap = [(rate / 100, quality) for rate, quality in VMAF_ANCHOR]
    found = compare(VMAF_ANCHOR, cheap)
    assert found.rate == pytest.approx(-99)
    assert found.quality is None
    with pytest.raises(CurveError, match="bitrate range"):
        bd_quality(VMAF_ANCHOR, cheap)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(100, 50.0)], "at least 2 points"),
        ([(100, 50.0), (200, 49.0), (300, 60.0)], "not monotone: 49 at 200 is no better than 50"),
        ([(100, 50.0), (100, 60.0)], "not monotone"),
        ([(0, 50.0), (100, 60.0)], "is not a point"),
        ([(100, math.nan), (200, 60.0)], "is not a point"),
        ([(100, 50.0), (math.inf, 60.0)], "is not a point"),
    ],
)
def test_points_that_are_no_curve_are_refused(points, words):
    with pytest.raises(CurveError, match=words):
        curve(points)
    assert issubclass(CurveError, InputError)


def test_unknown_method_is_refused():
    with pytest.raises(UsageError, match="'cubic': choose one of pchip, akima"):
        bd_rate(VMAF_ANCHOR, VMAF_TEST, "cubic")


def test_crossing_curves_are_told():
    steep = [(100, 55.0), (220, 70.0), (450, 84.0), (900, 93.0)]
    found = compare(VMAF_ANCHOR[:4], steep)
    assert len(found.crossings) == 1
    assert 73 < found.crossings[0] < 82.5


def test_bitrate_at_a_quality():
    assert rate_at(VMAF_ANCHOR, 82.5) == pytest.approx(450)
    assert 450 < rate_at(VMAF_ANCHOR, 85.0, "akima") < 900
    assert rate_at(VMAF_ANCHOR, 97.0) is None
