"""Where the frames of one video lie in another, at any depth, told from the overviews of both.

Up to `SAMPLES` frames of the distorted video are looked for among all frames of the reference. Each
has a few candidates; a chain takes one of each, or none, in ascending order, so that the pictures
fit and jumps are few. It is right to a few frames: `Tracker` finds the very frames, in a band
around the chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vqa_harness.alignment.overview import Floats, Indices, Overview
from vqa_harness.alignment.search import STRANGER

SAMPLES = 2048
"""Frames of the distorted video that are looked for at most, evenly spaced."""
CANDIDATES = 12
"""Places in the reference that are considered for each of them."""
STATES = 16
"""Ways that are followed at a time."""
FLAT = 4.0
"""Squared levels of contrast below which a picture is flat: black lies anywhere."""
LEAST = 0.05
"""Squared levels that are added to all distances before they are compared, as noise has some."""
WORST = 4.0
"""Cost of a frame that is 16 times as far as its best candidate, or has no place: the highest."""
LEAP = 3.0
"""Price of going on elsewhere in the reference: a frame that fits nowhere else pays for it.

A chain cannot go back, so a false leap would leave everything after it without a place.
"""
STRAY = 1.0
"""Price of a step that drops or repeats within reach of the finer search explain."""
EASE = 2
"""Frames by which a step may differ from the one that the rates ask for, free of charge."""
EARLY = 1e-5
"""Price of each reference frame before the first one, so that of equal places the first is taken.
"""


@dataclass(frozen=True, slots=True)
class Chain:
    """Frames of the distorted video with their places in the reference, both ascending.

    Attributes:
        samples: (n,) distorted frames that were looked for; flat pictures are not.
        frames: (k,) those of them that were found.
        places: (k,) reference frame of each.
        apart: (k,) mean squared difference of the small pictures, in squared levels.
    """

    samples: Indices
    frames: Indices
    places: Indices
    apart: Floats


@dataclass(slots=True)
class _Ways:
    """The ways followed so far, each by where it was last seen.

    Attributes:
        frames: (k,) distorted frame at which a way was last found; -1 where it never was.
        places: (k,) its reference frame.
        scores: (k,) cost so far.
        nodes: (k,) where the way stands in the list of all steps; -1 where it never was found.
    """

    frames: Indices
    places: Indices
    scores: Floats
    nodes: Indices


def find_chain(distorted: Overview, reference: Overview, ratio: float, reach: int) -> Chain:
    """Find the chain of least cost.

    Args:
        distorted: overview of the distorted video.
        reference: overview of the reference, as far as it was read.
        ratio: reference frames to one distorted frame, as the rates tell.
        reach: reference frames by which a step may stray without a leap.
    """
    every = max(1, -(-distorted.count // SAMPLES))
    samples = np.arange(0, distorted.count, every)
    pictures = distorted.rows(samples)
    energies = np.einsum("ij,ij->i", pictures, pictures) / np.float32(pictures.shape[1])
    shown = energies >= FLAT
    samples, pictures, energies = samples[shown], pictures[shown], energies[shown]
    places, apart = reference.nearest(pictures, CANDIDATES)
    none = np.full(1, -1, np.int64)
    ways = _Ways(none, np.zeros(1, np.int64), np.zeros(1, np.float32), none)
    steps: list[tuple[int, int, float, int]] = []
    for number, frame in enumerate(samples.tolist()):
        going_on = _going_on(distorted, reference, ways, frame, ratio)
        spots = np.concatenate([places[number], going_on[0]])
        far = np.concatenate([apart[number], going_on[1]])
        spots, kept = np.unique(spots[far <= STRANGER * energies[number]], return_index=True)
        far = far[far <= STRANGER * energies[number]][kept]
        ways = _extend(ways, frame, spots, far, ratio, reach, steps)
    node = int(ways.nodes[np.argmin(ways.scores)])
    found = []
    while node >= 0:
        found.append(steps[node][:3])
        node = steps[node][3]
    found.reverse()
    return Chain(
        samples,
        np.array([one[0] for one in found], np.int64),
        np.array([one[1] for one in found], np.int64),
        np.array([one[2] for one in found], np.float32),
    )


def _going_on(
    distorted: Overview, reference: Overview, ways: _Ways, frame: int, ratio: float
) -> tuple[Indices, Floats]:
    """Where each way would go on at a frame, as near as the pictures tell, and how far they are."""
    seen = ways.nodes >= 0
    if not seen.any():
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    centre = ways.places[seen] + np.rint((frame - ways.frames[seen]) * ratio).astype(np.int64)
    spots = centre[:, None] + np.arange(-EASE, EASE + 1)
    flat = spots.reshape(-1)
    far = distorted.apart(np.full(flat.size, frame), reference, flat).reshape(spots.shape)
    best = far.argmin(axis=1)[:, None]
    return (
        np.take_along_axis(spots, best, axis=1)[:, 0],
        np.take_along_axis(far, best, axis=1)[:, 0],
    )


def _extend(
    ways: _Ways,
    frame: int,
    spots: Indices,
    far: Floats,
    ratio: float,
    reach: int,
    steps: list[tuple[int, int, float, int]],
) -> _Ways:
    """The ways after one more frame: each goes on to a candidate, or passes the frame over."""
    passed = ways.scores + np.float32(WORST)
    if not spots.size:
        return _Ways(ways.frames, ways.places, passed, ways.nodes)
    cost = np.minimum(WORST, np.log2((far + LEAST) / (far.min() + LEAST)))
    advance = spots[None, :] - ways.places[:, None]
    off = np.abs(advance - ((frame - ways.frames) * ratio)[:, None])
    price = np.where(advance > 0, LEAP, np.inf)
    price[(advance >= 0) & (off <= reach)] = STRAY
    price[off <= EASE] = 0
    first = ways.nodes < 0
    price[first] = EARLY * spots
    totals = ways.scores[:, None] + price + cost[None, :]
    origin = totals.argmin(axis=0)
    scores = totals[origin, np.arange(spots.size)]
    kept = np.argsort(scores, kind="stable")[:STATES]
    kept = kept[np.isfinite(scores[kept])]
    nodes = np.arange(len(steps), len(steps) + kept.size)
    steps.extend(
        (frame, int(spots[one]), float(far[one]), int(ways.nodes[origin[one]]))
        for one in kept.tolist()
    )
    both = _Ways(
        np.concatenate([np.full(kept.size, frame), ways.frames]),
        np.concatenate([spots[kept], ways.places]),
        np.concatenate([scores[kept], passed]).astype(np.float32),
        np.concatenate([nodes, ways.nodes]),
    )
    cheapest = np.argsort(both.scores, kind="stable")[:STATES]
    return _Ways(
        both.frames[cheapest],
        both.places[cheapest],
        both.scores[cheapest],
        both.nodes[cheapest],
    )
