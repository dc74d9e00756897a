"""The fit of the logistic finds the best curve, also where many are nearly as good."""

import numpy as np
import pytest

from vqa_harness.stats.correlation import agreement, fit, intervals, logistic


def brute_force(x, y):
    """The least sum of squared errors on a fine grid of place and width of the curve."""
    z = np.sort((x - x.mean()) / x.std())
    places = np.concatenate(
        [
            np.quantile(z, np.linspace(0, 1, 120)),
            np.linspace(z[0] - 3, z[-1] + 3, 40),
            z[1:] + z[:-1],
        ]
    )
    target, best = y - y.mean(), np.inf
    z = (x - x.mean()) / x.std()
    for width in np.geomspace(0.004, 30, 40):
        g = logistic(z[None], 1.0, 0.0, places[:, None], width)
        g = g - g.mean(1, keepdims=True)
        power = np.sum(g * g, 1)
        explained = np.where(power > 1e-9, (g @ target) ** 2 / np.maximum(power, 1e-300), 0.0)
        best = min(best, float(target @ target - explained.max()))
    return best


@pytest.mark.parametrize("seed", range(24))
def test_no_curve_of_a_fine_grid_is_better(seed):
    rng = np.random.default_rng(seed)
    n, r = int(rng.integers(10, 120)), rng.uniform(-0.6, 0.6)
    x = rng.normal(size=n)
    y = r * x + np.sqrt(1 - r * r) * rng.normal(size=n)
    if seed % 3 == 0:
        y = np.round(y * 2) / 2
    if seed % 4 == 0:
        x = np.exp(x)
    found = float(np.sum((fit(x, y)(x) - y) ** 2))
    total = float(np.sum((y - y.mean()) ** 2))
    reached, possible = (np.sqrt(max(0.0, 1 - e / total)) for e in (found, brute_force(x, y)))
    assert reached > possible - 0.01


@pytest.mark.parametrize("power", [1e300, 1e150, 1e-150, 1e-300])
def test_very_large_and_very_small_numbers_are_scaled(power):
    rng = np.random.default_rng(3)
    x = rng.normal(size=40)
    y = x + rng.normal(size=40)
    plain, curve = agreement(x, y)
    for scores, opinions, unit in ((x * power, y, 1.0), (x, y * power, power)):
        statistics, _ = agreement(scores, opinions)
        assert statistics.plcc == pytest.approx(plain.plcc, abs=1e-6)
        assert statistics.srocc == pytest.approx(plain.srocc)
        assert statistics.rmse / unit == pytest.approx(plain.rmse, rel=1e-6)
    found = intervals(x * power, y, 1, agreement(x * power, y)[1], samples=20, seed=0)
    kept = intervals(x, y, 1, curve, samples=20, seed=0)
    assert found["plcc"].low == pytest.approx(kept["plcc"].low, abs=1e-4)
