"""What needs no kernel to be loaded gives what the kernels give."""

import numpy as np
import pytest

from vqa_harness.alignment.band import ReferenceBand
from vqa_harness.alignment.votes import PARTS


@pytest.mark.parametrize("base", [-30, -5, 0, 20, 50, 58, 70])
def test_near_frames_are_judged_as_by_the_kernels(base):
    rng = np.random.default_rng(5)
    band = ReferenceBand(40)
    walk = np.cumsum(rng.normal(0, 3, (60, 2304)), axis=0).astype(np.float32)
    for one in walk:
        band.add(one)
    shown = walk[np.clip(base + 8, 0, 59)] + rng.normal(0, 3, 2304).astype(np.float32)
    shares = rng.random(PARTS).astype(np.float32)
    distances, votes = band.compare(shown, base, 17, shares)
    assert np.isfinite(distances).tolist() == [0 <= base + k < 60 for k in range(17)]
    assert band.near(shown, base, 17) == pytest.approx(distances, rel=1e-4)
    assert band.votes_near(shown, base, 17, shares) == pytest.approx(votes, abs=1e-3)
