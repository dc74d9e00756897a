import math

import numpy as np
import pytest
from scipy import optimize, stats

from vqa_harness.stats.correlation import (
    agreement,
    correlations,
    fit,
    intervals,
    logistic,
    pearson,
    spearman,
)


def noisy(n=200, noise=6.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(40, 12, n)
    return x, logistic(x, 88, 12, 42, 7) + rng.normal(0, noise, n)


def test_plain_correlations_are_those_of_scipy():
    rng = np.random.default_rng(2)
    x = rng.integers(0, 9, 40).astype(np.float32)
    y = (x + rng.normal(0, 3, 40)).astype(np.float32)
    found = correlations(x, y)
    wide = x.astype(float), y.astype(float)
    assert found.srocc == pytest.approx(stats.spearmanr(*wide).statistic, abs=1e-14)
    assert found.plcc == pytest.approx(stats.pearsonr(*wide).statistic, abs=1e-14)
    assert found == (spearman(x, y), pearson(x, y))
    assert correlations(x[:2], y[:2]) is None
    assert correlations(x, np.ones(40)) is None
    assert spearman(x, np.ones(40)) == 0.0


def test_rank_correlations_are_those_of_scipy_with_ties():
    x, y = noisy()
    x, y = np.round(x / 4), np.round(y / 10)
    found, _ = agreement(x, y)
    assert found.srocc == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert found.krocc == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


def test_known_values_by_hand():
    found, _ = agreement(np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 3, 2, 4, 5]))
    assert found.srocc == pytest.approx(0.9)  # 1 - 6 * 2 / (5 * 24)
    assert found.krocc == pytest.approx(0.8)  # (9 - 1) / 10


def test_the_fit_finds_the_curve_the_data_come_from():
    x, y = noisy(noise=0)
    found, curve = agreement(x, y)
    assert curve.kind == "logistic"
    assert curve.parameters == pytest.approx((88, 12, 42, 7), rel=1e-6)
    assert (found.plcc, found.rmse) == pytest.approx((1, 0), abs=1e-6)


def test_the_fit_is_as_good_as_scipys():
    x, y = noisy()
    best, _ = optimize.curve_fit(logistic, x, y, [90, 10, 40, 8])
    found, curve = agreement(x, y)
    assert curve.parameters == pytest.approx(best, rel=1e-3)
    assert found.rmse == pytest.approx(np.sqrt(np.mean((logistic(x, *best) - y) ** 2)), rel=1e-9)
    assert found.plcc == pytest.approx(np.corrcoef(logistic(x, *best), y)[0, 1], rel=1e-6)


def test_units_of_the_metric_do_not_matter():
    x, y = noisy()
    plain, _ = agreement(x, y)
    scaled, curve = agreement(x * 1e-6 + 5, y)
    assert curve.kind == "logistic"
    assert scaled.plcc == pytest.approx(plain.plcc, rel=1e-6)
    assert scaled.rmse == pytest.approx(plain.rmse, rel=1e-6)


def test_a_falling_metric_counts_as_good_when_it_says_so():
    x, y = noisy()
    up, _ = agreement(x, y)
    down, curve = agreement(-x, y, sign=-1)
    assert not curve.rising
    for name in ("srocc", "plcc", "krocc", "rmse"):
        assert getattr(down, name) == pytest.approx(getattr(up, name), rel=1e-5)


def test_a_metric_that_runs_the_wrong_way_is_negative():
    x, y = noisy()
    found, _ = agreement(-x, y)
    assert found.srocc < -0.8
    assert found.plcc < -0.8
    assert found.krocc < -0.6


def test_where_no_logistic_is_found_a_line_takes_its_place(monkeypatch):
    x, y = noisy()
    lost = lambda *_: (math.inf, np.full(4, np.nan))  # noqa: E731
    monkeypatch.setattr("vqa_harness.stats.correlation._search", lost)
    found, curve = agreement(x, y)
    assert curve.kind == "line"
    assert curve.parameters == pytest.approx(np.polyfit(x, y, 1), rel=1e-9)
    assert found.plcc == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-9)


def test_a_straight_relation_is_a_line_not_a_bent_curve():
    x = np.linspace(0, 1, 50)
    found, curve = agreement(x, 3 * x + 2)
    assert curve.kind == "line"
    assert curve.parameters == pytest.approx((3, 2))
    assert found.plcc == pytest.approx(1)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_too_few_items_give_nothing(n):
    assert agreement(np.arange(n, dtype=float), np.arange(n, dtype=float)) is None


@pytest.mark.parametrize("which", [0, 1])
def test_constant_scores_or_opinions_give_nothing(which):
    pair = [np.arange(9.0), np.arange(9.0)]
    pair[which] = np.full(9, 3.0)
    assert agreement(*pair) is None


def test_intervals_are_seeded_and_surround_the_value():
    x, y = noisy(80)
    found, curve = agreement(x, y)
    one = intervals(x, y, 1, curve, samples=200, seed=3)
    assert one == intervals(x, y, 1, curve, samples=200, seed=3)
    assert one != intervals(x, y, 1, curve, samples=200, seed=4)
    for name, interval in one.items():
        assert interval.low < getattr(found, name) < interval.high


def test_intervals_shrink_with_the_square_root_of_the_number():
    widths = []
    for n in (50, 800):
        x, y = noisy(n)
        found = intervals(x, y, 1, fit(x, y), samples=300, seed=0)["srocc"]
        widths.append(found.high - found.low)
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.4)


def test_the_interval_of_a_correlation_is_near_theory():
    """Fisher's z: of normal data with r = 0.5, n = 400 it is about 0.5 +- 0.0735."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=400)
    y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=400)
    found = intervals(x, y, 1, fit(x, y), samples=400, seed=0)["plcc"]
    assert found.high - found.low == pytest.approx(0.147, rel=0.25)


def test_no_samples_give_no_intervals():
    x, y = noisy(20)
    assert intervals(x, y, 1, fit(x, y), samples=0, seed=0) == {}
