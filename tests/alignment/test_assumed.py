"""The bound on what assumed pairs cost, beside the search that it saves."""

from __future__ import annotations

import numpy as np
import pytest

from vqa_harness.alignment import assumed as align_pair
from vqa_harness.alignment import monitor as align_monitor
from vqa_harness.alignment.assumed import Bound
from vqa_harness.alignment.monitor import Monitor
from vqa_harness.alignment.signatures import COLUMNS, ROWS

HALF = 6


def walk(frames, speed, seed):
    """Signatures of a random picture that moves to the left."""
    rng = np.random.default_rng(seed)
    wide = int(COLUMNS + speed * frames + 2)
    coarse = rng.normal(0, 20, (ROWS // 4, wide // 4 + 2))
    picture = np.kron(coarse, np.ones((4, 4)))[:ROWS]
    found = []
    for index in range(frames):
        at = speed * index
        left, part = int(at), at % 1
        two = picture[:, left : left + COLUMNS], picture[:, left + 1 : left + 1 + COLUMNS]
        found.append(((1 - part) * two[0] + part * two[1]).reshape(-1).astype(np.float32))
    return np.array(found)


def disagrees_at(distorted, reference):
    """First frame at which a monitor gives equal numbers up; also how many frames it scored."""
    monitor = Monitor(HALF, 1, 1)
    scored = []
    score = monitor._score
    monitor._score = lambda pair: scored.append(pair.target) or score(pair)
    for index, signature in enumerate(distorted):
        while monitor.reference.count < min(monitor.needs(index), len(reference)):
            monitor.reference.add(reference[monitor.reference.count])
        if not monitor.check(signature, index):
            return index, scored
    return None, scored


def coded(signatures, noise, seed=9):
    rng = np.random.default_rng(seed)
    return signatures + rng.normal(0, noise, signatures.shape).astype(np.float32)


CASES = {
    "same": lambda s: s,
    "one dropped": lambda s: np.delete(s, 60, axis=0),
    "one twice": lambda s: np.insert(s, 60, s[60], axis=0),
    "dropped and made good": lambda s: np.insert(np.delete(s, 60, axis=0), 63, s[63], axis=0),
}


@pytest.mark.parametrize("speed", [0.05, 0.4, 2.0])
@pytest.mark.parametrize("noise", [0.1, 2.0])
@pytest.mark.parametrize("case", CASES)
def test_putting_the_search_off_changes_no_verdict(case, noise, speed, monkeypatch):
    reference = walk(160, speed, seed=3)
    distorted = coded(CASES[case](reference), noise)
    found, _ = disagrees_at(distorted, reference)
    monkeypatch.setattr(align_monitor, "PENDING", 1)
    monkeypatch.setattr(align_pair, "LEAD", np.inf)
    exact, scored = disagrees_at(distorted, reference)
    assert len(scored) > 50  # every frame was searched for
    assert (found is None) == (exact is None)
    assert found is None or abs(found - exact) <= 2


def test_a_clip_that_moves_needs_no_search_at_all():
    reference = walk(160, 2.0, seed=5)
    found, scored = disagrees_at(coded(reference, 1.0), reference)
    assert found is None
    assert scored == []


def test_a_dropped_frame_is_noticed():
    reference = walk(160, 2.0, seed=5)
    found, _ = disagrees_at(coded(np.delete(reference, 60, axis=0), 1.0), reference)
    assert found is not None
    assert 60 <= found < 70


def test_excess_counts_what_the_pairs_cost_beyond_the_cheapest_way_round_them():
    bound = Bound()
    bound.add(own=0, other=30, leave=18, back=18)
    assert bound.certain
    assert bound.excess == 0
    bound.add(own=40, other=0, leave=6, back=18)
    assert bound.excess == pytest.approx(34)  # leaving costs 6, the pair itself 40
    assert not bound.certain
    bound.add(own=0, other=40, leave=6, back=18)
    assert bound.locked == pytest.approx(16)  # by having left, and come back for 18
    bound.restart(excess=3, here=0, elsewhere=25)
    assert (bound.locked, bound.excess) == (3, 3)
    assert bound.certain
