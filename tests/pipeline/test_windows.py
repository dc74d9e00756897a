import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa_harness.pipeline.windows import Window, clipped, per_frame, plan, spread, window_length
from vqa_harness.protocols import Sampling


def test_spread_follows_the_published_formula():
    assert spread(0, 250, 8) == (15, 46, 77, 108, 140, 171, 202, 233)
    assert spread(100, 103, 4) == (100, 100, 101, 101)
    assert spread(7, 8, 3) == (7, 7, 7)


@given(
    st.integers(1, 5000),
    st.integers(1, 32),
    st.floats(0.1, 20),
    st.floats(0.1, 20),
    st.fractions(5, 120),
)
def test_windows_cover_the_video(frames, size, window, hop, rate):
    sampling = Sampling(size, window, min(hop, window))
    windows = plan(frames, sampling, rate)
    length, _ = window_length(sampling, rate)
    assert windows[0].start == 0
    assert windows[-1].stop == frames
    for before, after in itertools.pairwise(windows):
        assert before.start < after.start <= before.stop
    for w in windows:
        assert w.stop - w.start == min(length, frames)
        assert len(w.indices) == size
        assert list(w.indices) == sorted(w.indices)
        assert all(w.start <= i < w.stop for i in w.indices)


def test_one_window_over_the_whole_video():
    assert plan(50, Sampling(2), Fraction(25)) == [Window(0, 50, (12, 36))]
    with pytest.raises(ValueError, match="whole video"):
        window_length(Sampling(2), Fraction(25))


def test_no_frames_no_windows():
    assert plan(0, Sampling(2, 1.0), None) == []


def test_a_window_cut_short_takes_the_nearest_frames():
    window = Window(10, 20, (11, 14, 18))
    assert clipped(window, 16, {3, 11, 14}) == Window(10, 16, (11, 14, 14))
    assert clipped(window, 11, {3}) is None


def test_frames_get_the_mean_of_their_windows():
    windows = [(0, 4, 10.0), (2, 6, 30.0), (8, 9, 50.0), (3, 4, None)]
    assert per_frame(windows, 10) == [10, 10, 20, 20, 30, 30, 30, 30, 50, 50]
    assert per_frame([], 2) == [None, None]
