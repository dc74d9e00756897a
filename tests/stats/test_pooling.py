import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqa_harness.errors import UsageError
from vqa_harness.stats.pooling import (
    PERCENTILES,
    Stretch,
    harmonic_mean,
    percentiles,
    pool,
    pooled,
    standard_deviation,
    worst_run,
)

scores = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def test_harmonic_mean_is_shifted_by_one():
    assert harmonic_mean([0.0, 1.0]) == pytest.approx(2 / (1 / 1 + 1 / 2) - 1)


@pytest.mark.parametrize("values", [[5.0, -1.0], [5.0, -7.0], [-1.0]])
def test_harmonic_mean_is_replaced_by_the_mean_where_undefined(values):
    assert harmonic_mean(values) is None
    assert pool(values)["harmonic_mean"] == pytest.approx(statistics.fmean(values))


def test_pool_keeps_the_order_of_libvmaf():
    assert list(pool([3.0])) == ["min", "max", "mean", "harmonic_mean"]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_harmonic_mean_lies_between_minimum_and_mean(values):
    found = pool(values)
    slack = 1e-9 * (1 + found["max"])
    assert found["min"] - slack <= found["harmonic_mean"] <= found["mean"] + slack


@settings(deadline=None)
@given(scores)
def test_percentiles_are_those_of_numpy(values):
    wanted = np.percentile(values, PERCENTILES)
    assert percentiles(values) == pytest.approx(wanted.tolist(), rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(scores)
def test_standard_deviation_is_that_of_the_population(values):
    assert standard_deviation(values) == pytest.approx(float(np.std(values)), rel=1e-6, abs=1e-6)


def test_worst_run_finds_the_window_with_the_worst_mean():
    values = [9.0, 9.0, 2.0, 3.0, 9.0, 1.0, 9.0]
    assert worst_run(values, 2) == Stretch(2, 4, 2.5)
    assert worst_run(values, 1) == Stretch(5, 6, 1.0)
    assert worst_run(values, 2, higher_is_better=False) == Stretch(0, 2, 9.0)


def test_worst_run_is_the_whole_of_a_shorter_sequence():
    assert worst_run([1.0, 2.0], 25) == Stretch(0, 2, 1.5)


@settings(deadline=None)
@given(scores, st.integers(1, 70), st.booleans())
def test_worst_run_is_the_worst_of_all_windows(values, length, higher_is_better):
    found = worst_run(values, length, higher_is_better=higher_is_better)
    size = min(length, len(values))
    means = [statistics.fmean(values[i : i + size]) for i in range(len(values) - size + 1)]
    assert found.stop - found.start == size
    wanted = min(means) if higher_is_better else max(means)
    assert found.mean == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_pooled_by_name():
    values = [1.0, 2.0, 3.0, 4.0]
    assert pooled(values, "mean") == 2.5
    assert pooled(values, "max") == 4.0
    assert pooled(values, "p50") == 2.5
    assert pooled(values, "p2.5") == pytest.approx(np.percentile(values, 2.5))
    assert pooled(values, "p100") == 4.0
    assert pooled(values, "std") == pytest.approx(math.sqrt(1.25))
    assert pooled([1.0, -3.0], "harmonic_mean") == -1.0


@pytest.mark.parametrize("name", ["median", "p101", "p", "p-5", ""])
def test_unknown_pooling_is_one_line(name):
    with pytest.raises(UsageError, match="choose one of min, max, mean"):
        pooled([1.0], name)


@pytest.mark.parametrize(
    "function", [pool, harmonic_mean, percentiles, standard_deviation, lambda v: worst_run(v, 1)]
)
def test_nothing_to_pool_is_a_value_error(function):
    with pytest.raises(ValueError, match=r"."):
        function([])
