"""Where a video goes on beyond an end of the reference, with the same shot perhaps.

The search may pair such frames with the first or last one of the reference, because each is hardly
farther from it than the one before. A frozen picture looks alike, but stays as near.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.search import Floats

MOVES = 0.25
"""Share of the reference's step next to its end by which a picture moves that is not frozen."""
FARTHER = 1.3
"""How many times as far as the nearest one a frame must be from the reference's end."""


def without_frames_beyond(
    pairing: NDArray[np.int64],
    pictures: NDArray[np.int64],
    motion: Floats,
    distances: Floats,
    changes: Floats,
    *,
    ended: bool,
) -> NDArray[np.int64]:
    """A pairing in which frames before the reference's begin and behind its end have no partner.

    Args:
        pairing: (n,) reference index of each distorted frame, -1 for none; ascending.
        pictures: (m,) picture that each reference frame shows, counted from 0.
        motion: (m,) squared distance of each reference frame to the next one.
        distances: (n,) squared distance of each distorted frame to its partner.
        changes: (n,) squared distance of each distorted frame to the one before.
        ended: whether the reference has no more frames.
    """
    kept = pairing.copy()
    if not pictures.size:
        return kept
    shown = np.where(pairing >= 0, pictures[pairing], -1)
    for first, picture in ((True, 0), (False, int(pictures[-1]))):
        run = np.flatnonzero(shown == picture)
        if run.size < 2 or picture == pictures[-1 if first else 0] or not (first or ended):
            continue
        # outwards, from the frame next to the rest of the video
        outward = run[::-1] if first else run
        between = changes[outward[:-1]] if first else changes[outward[1:]]
        step = motion[np.searchsorted(pictures, 1 if first else picture) - 1]
        gone = (between > MOVES * step) & (distances[outward[1:]] > FARTHER * distances[outward[0]])
        if gone.any():
            kept[outward[1 + int(gone.argmax()) :]] = -1
    return kept
