import numpy as np
import pytest

from vqa_harness.stats.block_bootstrap import mean_interval


def autoregressive(n, seed, memory=0.9):
    """Scores of which neighbours are alike, with mean 0."""
    rng = np.random.default_rng(seed)
    x = np.empty(n)
    x[0] = rng.normal() / np.sqrt(1 - memory**2)
    for t in range(1, n):
        x[t] = memory * x[t - 1] + rng.normal()
    return x


def test_it_covers_the_mean_about_as_often_as_it_says():
    inside = [
        low <= 0 <= high
        for low, high in (mean_interval(autoregressive(1500, seed), 50) for seed in range(80))
    ]
    assert 0.85 <= np.mean(inside) <= 1.0


def test_single_frames_would_give_too_narrow_an_interval():
    x = autoregressive(1500, 1)
    (low, high), (few, many) = mean_interval(x, 50), mean_interval(x, 1)
    assert high - low > 2 * (many - few)


def test_equal_scores_have_no_width_and_it_repeats():
    assert mean_interval([70.0] * 200, 25) == pytest.approx((70.0, 70.0))
    x = autoregressive(300, 2)
    assert mean_interval(x, 25) == mean_interval(list(x), 25)
    low, high = mean_interval(x, 25)
    assert low < x.mean() < high


def test_a_short_video_has_none():
    assert mean_interval([1.0, 2.0] * 49, 25) is None
    with pytest.raises(ValueError, match="needs values"):
        mean_interval([], 25)
    with pytest.raises(ValueError, match="at least one frame"):
        mean_interval([1.0], 0)
