"""Fits from sums against a search of the whole grid."""

import numpy as np
import pytest

from tests.metrics import nss_oracle as oracle
from vqa_metrics.nss.fit import fit_asymmetric, fit_symmetric, shape_table


def sums_of(values):
    below, above = values[values < 0], values[values > 0]
    return np.array(
        [(below**2).sum(), (above**2).sum(), np.abs(values).sum(), below.size, above.size]
    )


@pytest.mark.parametrize("shape", [0.3, 0.7, 1.0, 2.0, 4.0])
def test_finds_the_shape_that_samples_were_drawn_from(shape):
    rng = np.random.default_rng(3)
    size = rng.gamma(1 / shape, size=400_000) ** (1 / shape)
    values = size * np.where(rng.random(size.size) < 0.5, -1, 1)
    fit = fit_asymmetric(sums_of(values), values.size)
    index, mean_square = fit_symmetric(sums_of(values), values.size)
    found = shape_table().shape
    assert found[fit.index] == pytest.approx(shape, rel=0.02)
    assert found[index] == pytest.approx(shape, rel=0.02)
    assert mean_square == pytest.approx((values**2).mean())


def test_is_the_nearest_of_the_grid():
    rng = np.random.default_rng(5)
    for _ in range(50):
        values = rng.normal(size=300) ** 3 * rng.uniform(0.1, 2)
        values[:5] = 0
        shape, left, right = oracle.aggd(values)
        fit = fit_asymmetric(sums_of(values), values.size)
        assert shape_table().shape[fit.index] == pytest.approx(shape, abs=1e-12)
        assert (fit.left, fit.right) == (pytest.approx(left), pytest.approx(right))


def test_undefined_fits_take_the_first_shape_and_nan_widths():
    values = np.array([1.0, 2.0, 0.0])
    fit = fit_asymmetric(sums_of(values), values.size)
    assert fit.index == 0
    assert np.isnan(fit.left)
    assert fit.right == pytest.approx(np.sqrt(2.5))
    assert fit_symmetric(np.zeros(5), 9)[0] == 0
