"""The parts of the alignment: signatures, search, models, events, bars."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqa_harness.alignment.band import half_band
from vqa_harness.alignment.best_path import best_path
from vqa_harness.alignment.events import find_events
from vqa_harness.alignment.letterbox import picture_area
from vqa_harness.alignment.models import Cadence, interval
from vqa_harness.alignment.monitor import Monitor, proven
from vqa_harness.alignment.signatures import area_means, signature
from vqa_harness.alignment.tracker import Tracker
from vqa_harness.testing import rgb_frame, yuv_frame


@pytest.fixture(scope="module")
def walk():
    """Signatures of a scene that never repeats: a smooth random walk of pictures."""
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 2, (160, 2304)).astype(np.float32)
    return 40 * rng.normal(size=2304).astype(np.float32) + np.cumsum(steps, axis=0)


def track(distorted, reference, half=40):
    tracker = Tracker(half)
    for index, wanted in enumerate(distorted):
        expected = min(index, 1)
        while tracker.reference.count < tracker.needs(expected):
            if tracker.reference.count == len(reference):
                tracker.reference.ended = True
                break
            tracker.reference.add(reference[tracker.reference.count])
        tracker.add(wanted, expected)
    return tracker


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_any_drops_and_repeats_are_found(walk, data):
    counts = data.draw(st.lists(st.sampled_from([1] * 12 + [0, 2]), min_size=60, max_size=60))
    counts[0] = counts[-1] = 1
    for place in range(1, 60):
        if counts[place] != 1 and any(c != 1 for c in counts[max(0, place - 4) : place]):
            counts[place] = 1
    shown = [i for i, count in enumerate(counts) for _ in range(count)]
    noise = np.random.default_rng(1).normal(0, 0.3, (len(shown), 2304)).astype(np.float32)
    repeats = [i for i in range(1, len(shown)) if shown[i] == shown[i - 1]]
    for i in repeats:
        noise[i] = noise[i - 1]
    found = best_path(track(walk[shown] + noise, walk[:60]))
    assert found.reference.tolist() == shown
    events = find_events(shown, 60, 1.0)
    assert events.dropped == [i for i, count in enumerate(counts) if count == 0]
    assert events.duplicated == repeats


def test_blocks_join_without_a_seam(walk, monkeypatch):
    monkeypatch.setattr("vqa_harness.alignment.best_path.BLOCK", 16)
    monkeypatch.setattr("vqa_harness.alignment.best_path.LAG", 8)
    shown = [i for i in range(160) if i not in (40, 41, 90)]
    assert best_path(track(walk[shown], walk)).reference.tolist() == shown


def test_strangers_get_no_partner(walk):
    rng = np.random.default_rng(5)
    other = 40 * rng.normal(size=(10, 2304)).astype(np.float32)
    mixed = np.concatenate([walk[:30], other, walk[30:60]])
    found = best_path(track(mixed, walk[:60]))
    assert found.reference.tolist() == [*range(30), *[-1] * 10, *range(30, 60)]
    assert found.last == 69


def test_the_monitor_sees_a_drop_before_it_is_given_out(walk):
    shown = [i for i in range(120) if i != 70]
    monitor = Monitor(8, 1, 1)
    agreed = []
    for index, source in enumerate(shown):
        while monitor.reference.count < monitor.needs(index):
            monitor.reference.add(walk[monitor.reference.count])
        agreed.append(monitor.check(walk[source], index))
        if not agreed[-1]:
            break
    assert 70 <= len(agreed) - 1 <= 74


def test_proof_wants_a_sharp_fit(walk):
    assert proven(walk[:24], walk[:24])
    assert not proven(walk[:24], walk[5:29])
    still = np.repeat(walk[:1], 24, axis=0)
    assert not proven(still, still)
    assert not proven(walk[:6], walk[:6])


def test_signatures_of_one_picture_agree_whatever_its_form():
    rng = np.random.default_rng(2)
    small = rng.integers(20, 220, (36, 64)).astype(np.uint8)
    luma = small.repeat(5, axis=0).repeat(5, axis=1)
    expected = small.ravel().astype(float) - small.mean()
    flat = np.full((90, 160), 128, np.uint8)
    eight = signature(yuv_frame([luma, flat, flat]))
    assert eight == pytest.approx(expected * 255 / 219, abs=0.01)
    ten = signature(
        yuv_frame([luma.astype(np.uint16) * 4, flat * np.uint16(4), flat * np.uint16(4)], depth=10)
    )
    assert ten == pytest.approx(eight, abs=0.01)
    gray = signature(rgb_frame(np.stack([luma] * 3, axis=-1)))
    assert gray == pytest.approx(expected, abs=0.01)
    assert area_means(luma[::-1]) == pytest.approx(area_means(luma[::-1].copy()), abs=1e-3)
    assert area_means(luma.T) == pytest.approx(area_means(luma.T.copy()), abs=1e-3)
    inside = np.pad(luma, 10)
    assert area_means(inside, (10, 10, 320, 180)) == pytest.approx(area_means(luma), abs=1e-3)


@pytest.mark.parametrize("shape", [(68, 160), (37, 65), (20, 30), (1, 1), (1080, 1918)])
def test_area_means_weigh_every_column(shape):
    plane = np.random.default_rng(3).integers(0, 255, shape).astype(np.uint8)
    means = area_means(plane).reshape(36, 64)
    if shape[0] <= 36 * 8:
        assert means.mean() == pytest.approx(plane.mean(), abs=0.01)
    assert means.min() >= plane.min() - 0.01
    assert means.max() <= plane.max() + 0.01


def test_rates_from_rounded_times():
    exact = [Fraction(1001 * i, 30000) for i in range(24)]
    rounded = [Fraction(round(t * 1000), 1000) for t in exact]
    rate = Fraction(30000, 1001)
    assert interval(exact) == 1 / rate
    assert interval(rounded, rate) == 1 / rate
    assert interval(rounded, Fraction(25)) != Fraction(1, 25)
    assert interval([None, None]) is None
    gap = [*exact[:12], *(t + 1 for t in exact[12:])]
    assert interval(gap) == 1 / rate
    assert Cadence(Fraction(1, 30), Fraction(1, 60)).advances == (2, 2)
    assert Cadence(Fraction(1, 25), Fraction(1, 60)).advances == (2, 3)
    assert Cadence(Fraction(1, 60), Fraction(1, 30)).advances == (0, 1)
    assert Cadence(None, None).similar
    assert half_band(2, 30) == 60


def test_bars_are_found_unless_it_is_dark():
    flat = np.full((60, 80), 128, np.uint8)
    luma = np.full((120, 160), 16, np.uint8)
    assert picture_area([yuv_frame([luma, flat, flat])]) is None
    luma[20:100] = np.random.default_rng(0).integers(30, 200, (80, 160))
    assert picture_area([yuv_frame([luma, flat, flat])]) == (0, 20, 160, 80)
    other = np.full((120, 160), 90, np.uint8)
    frames = [yuv_frame([p, flat, flat]) for p in (luma, other)]
    assert picture_area(frames) == (0, 0, 160, 120)
