"""Which frames of a clip are kept, and whether they show what was done to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from vqa_plugin_clip.distill.damage import Damage
from vqa_plugin_clip.distill.motion import FRAMES, SIZE
from vqa_plugin_clip.distill.planes import Bytes

USUAL_KEPT = 4
"""Frames that are kept of a clip unless the network takes more."""
_USUAL_SHARE = 0.5
"""Share of varied clips of which the usual frames are kept."""
_ROWS = 8
"""Rows of luma that are compared first."""


def kept_frames(count: int) -> tuple[int, ...]:
    """Choose evenly spread frames of the ten of a clip: 1, 3, 6 and 8 if there are four.

    Up to eight, they are among those whose VMAF counts: all but the first and the last.

    Args:
        count: How many frames, 1 to 10.
    """
    ends = (1, FRAMES - 2) if count <= FRAMES - 2 else (0, FRAMES - 1)
    return tuple(int(index) for index in np.rint(np.linspace(*ends, count)))


def enough_for(frames: int) -> int:
    """Return how many frames are kept of a clip for a network of ``frames`` frames: 4, 8 or 10."""
    return next(count for count in (USUAL_KEPT, FRAMES - 2, FRAMES) if frames <= count)


def draw_moments(rng: np.random.Generator, count: int) -> tuple[int, ...]:
    """Choose the frames to keep: half of the time the usual ones, else any, in order."""
    if rng.uniform() < _USUAL_SHARE:
        return kept_frames(count)
    return tuple(int(index) for index in np.sort(rng.choice(FRAMES, count, replace=False)))


def is_shown(damage: Damage, moments: Sequence[int], frames: Bytes) -> bool:
    """Whether the kept frames of a clip show its damage; only freezes can hide.

    A freeze shows where one kept frame repeats the one before and another does not: if all are
    equal the clip looks like one without motion, and if none is like one that nobody stopped.

    Args:
        damage: What was done to the clip.
        moments: Which of its ten frames are kept.
        frames: [kept, bytes] uint8, packed 4:2:0.
    """
    if damage.kind != "freeze":
        return True
    repeats = [damage.shown(a) == damage.shown(b) for a, b in pairwise(moments)]
    if not any(repeats):
        return False
    changes = (index for index, repeat in enumerate(repeats) if not repeat)
    return any(_differ(frames[index], frames[index + 1]) for index in changes)


def _differ(one: Bytes, other: Bytes) -> bool:
    # Frames of a file that is mapped into memory: the middle rows nearly always tell.
    middle = slice(SIZE * SIZE // 2, SIZE * SIZE // 2 + _ROWS * SIZE)
    return not (np.array_equal(one[middle], other[middle]) and np.array_equal(one, other))
