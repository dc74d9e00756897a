"""Videos that go on beyond an end of the reference, in the same shot."""

from __future__ import annotations

import numpy as np
import pytest

from tests.alignment.helpers import paired, sample, write
from vqa_harness.alignment.ends import without_frames_beyond

ENCODED = {"crf": "26", "preset": "veryfast"}


@pytest.fixture(scope="module")
def pictures():
    """A shot that is slow around its frame 120."""
    return sample("bikes", 230, (320, 136))


def test_what_lies_before_and_behind_the_reference_is_left_out(folder, pictures):
    longer = write(folder / "longer.mp4", pictures[90:230], options=ENCODED)
    reference = write(folder / "middle.mp4", pictures[120:170])
    done = paired(longer, reference)
    assert done.pairs == [(30 + k, k) for k in range(50)]
    assert done.json["model"] == "offset"
    assert done.json["extra_head"] == {"distorted": 30, "reference": 0}
    assert done.json["extra_tail"] == {"distorted": 60, "reference": 0}
    assert done.json["frozen"]["count"] == done.json["duplicated"]["count"] == 0


def test_an_end_that_is_held_is_frozen(folder, pictures):
    shot = pictures[120:170]
    held = [shot[0]] * 10 + shot + [shot[-1]] * 10
    done = paired(write(folder / "held.mp4", held, options=ENCODED), folder / "middle.mp4")
    assert done.pairs == [(k, min(max(k - 10, 0), 49)) for k in range(70)]
    assert done.json["frozen_frames"] == 20


def _beyond(pairing, distances, changes, ended=True):
    arrays = (np.array(values, np.float32) for values in ([4, 4, 4, 0], distances, changes))
    motion, apart, change = arrays
    given = np.array(pairing)
    return without_frames_beyond(given, np.arange(4), motion, apart, change, ended=ended).tolist()


def test_what_moves_away_from_an_end_is_beyond_it():
    pairing = [0, 0, 0, 1, 2, 3, 3, 3]
    distances = [9, 3, 1, 1, 1, 1, 1, 5]
    assert _beyond(pairing, distances, [0, 4, 4, 4, 4, 4, 0, 4]) == [-1, -1, 0, 1, 2, 3, 3, -1]
    still = [0, 0, 0, 4, 4, 4, 0, 0]
    assert _beyond(pairing, distances, still) == pairing
    assert _beyond(pairing, [1] * 8, [4] * 8) == pairing  # it moves, but is as near
    assert _beyond(pairing, distances, [4] * 8, ended=False)[-1] == 3


def test_a_reference_of_one_picture_or_none_has_no_beyond():
    one = without_frames_beyond(
        np.zeros(3, np.int64), np.zeros(2, np.int64), *np.ones((3, 3), np.float32), ended=True
    )
    assert one.tolist() == [0, 0, 0]
    none = np.zeros(0, np.int64)
    numbers = np.zeros(2, np.float32)
    pairing = np.full(2, -1)
    left = without_frames_beyond(pairing, none, numbers[:0], numbers, numbers, ended=True)
    assert left.tolist() == [-1, -1]
