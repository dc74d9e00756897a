"""What the parts of a picture say of the time it shows."""

from __future__ import annotations

import numpy as np
import pytest

from vqa_harness.alignment.search import hold_costs, trust
from vqa_harness.alignment.votes import OFTEN, PARTS, Skips, by_parts, compare, votes_of

CELLS = 2304


@pytest.fixture(scope="module")
def walk():
    rng = np.random.default_rng(0)
    return np.cumsum(rng.normal(0, 1, (20, CELLS)).astype(np.float32), axis=0)


def votes(wanted, others, shares, first=0, size=None):
    size = len(others) if size is None else size
    distances, against = np.empty(size, np.float32), np.empty(size, np.float32)
    compare(wanted, others, first, len(others), shares, distances, against)
    return distances, against


def test_the_right_frame_has_the_fewest_votes_against_it(walk):
    noise = np.random.default_rng(1).normal(0, 5, CELLS).astype(np.float32)
    distances, against = votes(walk[8] + noise, walk, np.zeros(PARTS, np.float32))
    assert int(np.argmin(against)) == int(np.argmin(distances)) == 8
    expected = ((walk - walk[8] - noise) ** 2).mean(axis=1)
    assert distances == pytest.approx(expected, rel=1e-4)


def test_places_without_a_frame_get_no_votes(walk):
    distances, against = votes(walk[2], walk, np.zeros(PARTS, np.float32), first=-3, size=26)
    assert np.isinf(distances[[0, 1, 2, 23, 24, 25]]).all()
    assert (against[[0, 1, 2, 23, 24, 25]] == 0).all()
    assert int(np.argmin(distances)) == 5


def test_black_surroundings_do_not_vote_for_another_mean():
    """The mean is taken out of a signature, and with it goes some of a bright object's motion."""
    pictures = np.zeros((20, 36, 64), np.float32)
    for index, picture in enumerate(pictures):
        picture[12:24, : 8 + index] = 120
    signatures = (pictures - pictures.mean(axis=(1, 2), keepdims=True)).reshape(20, CELLS)
    dimmed = 0.98 * signatures[8]
    _, against = votes(dimmed, signatures, np.zeros(PARTS, np.float32))
    assert int(np.argmin(against)) == 8
    assert against[8] < 2
    assert against[7] > 1
    step = by_parts(signatures[9] - signatures[8])
    assert np.count_nonzero(step > 0.1) <= 4  # the rest is black in both


@pytest.mark.parametrize("share", [0.0, 0.04, 1.0])
def test_votes_without_a_kernel_are_the_same(walk, share):
    shares = np.full(PARTS, share, np.float32)
    wanted = walk[8] + np.random.default_rng(2).normal(0, 3, CELLS).astype(np.float32)
    _, against = votes(wanted, walk, shares)
    assert votes_of(by_parts(walk - wanted).T, shares) == pytest.approx(against, rel=1e-3)


def test_parts_left_out_often_hardly_object_to_later_frames(walk):
    wanted = walk[8] + np.random.default_rng(3).normal(0, 5, CELLS).astype(np.float32)
    _, strict = votes(wanted, walk, np.zeros(PARTS, np.float32))
    _, mild = votes(wanted, walk, np.ones(PARTS, np.float32))
    assert mild[5] == pytest.approx(strict[5], rel=0.2)
    assert 0 < mild[10] < strict[10] / 10


def test_skips_are_counted_but_repeats_of_the_frame_are_not(walk):
    skips = Skips()
    assert (skips.shares == OFTEN).all()  # nobody knows yet
    step = walk[1] - walk[0]
    partly = step.reshape(6, 6, 8, 8).copy()
    partly[:3] = 0
    for _ in range(4):
        skips.note(walk[0], walk[0] + partly.reshape(-1), (walk[0], walk[1]))
    assert skips.shares.reshape(6, 8)[:3] == pytest.approx(1)
    assert skips.shares.reshape(6, 8)[3:] == pytest.approx(0)
    assert float(skips.left_out) == pytest.approx(0.5)
    skips.note(walk[0], walk[0], (walk[0], walk[1]))
    assert float(skips.left_out) == pytest.approx(0.5)


def test_an_exact_repeat_is_cheap_only_where_repeats_are_rare():
    numbers = [np.float32(v) for v in (0.0, 0.1, 1.0)]
    rare, _ = hold_costs.python(*numbers, np.float32(0), True)
    common, _ = hold_costs.python(*numbers, np.float32(0.5), True)
    still, _ = hold_costs.python(*numbers, np.float32(0), False)
    assert rare < 1 < 10 < common < still
    assert trust.python(np.float32(0)) == 1
    assert trust.python(np.float32(0.5)) == 0
