"""Evidence of a frame: what it costs to pair it with each reference frame of a band.

A cost is a negative log-likelihood up to a factor: how much worse a reference frame fits than the
best one of the band, in units of the noise. `vqa_harness.alignment.search` weighs these costs
against fixed prices of moves, so all of them have one scale, and only their ratios matter.

The numbers below were set together with those of the search, on the cases that
``docs/alignment.md`` describes under "How well it works"; its held-out cases took no part.
"""

from __future__ import annotations

import numpy as np

from vqa_harness.alignment.search import UNREACHED, Floats
from vqa_harness.jit import SUMS, kernel

GAIN = np.float32(25)
"""Cost of a distance that exceeds the best one by far more than `SOFT`, per unit of noise.

It sets how much is believed of a difference in distance against the prices of moves.
"""
CAP = np.float32(40)
"""Highest cost that the evidence of one frame may reach, a little more than two jumps.

So one odd frame, such as a damaged one, cannot outweigh what its neighbours say.
"""
SOFT = np.float32(0.3)
"""Excess over the best distance, in units of noise, at which half of the evidence counts.

Below it two neighbours of a slow scene differ by chance, so small differences count less than in
proportion.
"""
PRICE = np.float32(1.5)
"""Cost of as many votes as the right frames usually have against them."""
PRICE_DOUBTED = np.float32(0.4)
"""The same cost where the coder often leaves parts of the picture as they were.

The same parts are then wrong frame after frame, so that their votes are no independent evidence.
"""
FEWEST = np.float32(0.5)
"""Votes that the right frames are taken to have against them at least.

Where hardly any vote is usual, as in lossless video, a single one would otherwise cost without
bound.
"""
STILL_CONTENT = np.float32(0.3)
"""Motion of the reference, in units of noise, at which half of the evidence counts.

In a still scene all frames fit alike, and which of them fits best is chance.
"""
UNLIKE = np.float32(0.85)
"""Share of the signature's energy from which the distance of a pair is nearly that of strangers.

Two pictures that have nothing in common are as far apart as the sum of their energies.
"""
UNLIKE_COST = np.float32(12)
"""Additional cost of such a pair."""


@kernel(fastmath=SUMS)
def evidence(
    row: Floats,
    base: int,
    noise: np.float32,
    motion: np.float32,
    energy: np.float32,
    ref_energy: Floats,
    out: Floats,
) -> np.float32:
    """Cost of pairing a distorted frame with each reference frame of the band.

    Args:
        row: (B,) squared distances, inf where there is no reference frame.
        base: reference index of the first place.
        noise: squared distance of true pairs hereabouts.
        motion: squared distance of neighbouring reference frames hereabouts.
        energy: mean square of the distorted signature.
        ref_energy: (frames,) mean square of each reference signature.
        out: (B,) costs.

    Returns:
        The smallest distance.
    """
    least = np.float32(np.inf)
    for place in range(row.size):
        least = min(least, row[place])
    scale = max(noise, least)
    moving = liveliness(motion / scale)
    for place in range(row.size):
        if row[place] >= UNREACHED:
            out[place] = UNREACHED
            continue
        cost = min(CAP, whole_cost((row[place] - least) / scale, moving))
        out[place] = cost + unlike_cost(row[place], energy, ref_energy[base + place])
    return least


@kernel(fastmath=SUMS)
def vote_costs(
    row: Floats,
    votes: Floats,
    base: int,
    usual: np.float32,
    believed: np.float32,
    noise: np.float32,
    motion: np.float32,
    energy: np.float32,
    ref_energy: Floats,
    out: Floats,
) -> np.float32:
    """Cost of pairing a distorted frame with each reference frame of the band.

    Where parts are left out often, the same ones err alike frame after frame: the votes then count
    less, and the distance of the whole picture counts beside them, as in `evidence`.

    Args:
        row: (B,) squared distances, inf where there is no reference frame.
        votes: (B,) of `votes.compare`.
        base: reference index of the first place.
        usual: votes against the right frames hereabouts, beyond those against the best.
        believed: how far single parts can be believed hereabouts, of `search.trust`.
        noise: squared distance of true pairs hereabouts.
        motion: squared distance of neighbouring reference frames hereabouts.
        energy: mean square of the distorted signature.
        ref_energy: (frames,) mean square of each reference signature.
        out: (B,) costs.

    Returns:
        The smallest distance.
    """
    least, fewest = np.float32(np.inf), np.float32(np.inf)
    for place in range(row.size):
        if row[place] < UNREACHED:
            least, fewest = min(least, row[place]), min(fewest, votes[place])
    doubted = np.float32(1) - believed
    price = (believed * PRICE + doubted * PRICE_DOUBTED) / (FEWEST + usual)
    scale = max(noise, least)
    moving = liveliness(motion / scale)
    for place in range(row.size):
        if row[place] >= UNREACHED:
            out[place] = UNREACHED
            continue
        cost = (votes[place] - fewest) * price
        cost += doubted * whole_cost((row[place] - least) / scale, moving)
        out[place] = min(CAP, cost) + unlike_cost(row[place], energy, ref_energy[base + place])
    return least


@kernel(fastmath=SUMS)
def liveliness(motion: np.float32) -> np.float32:
    """What evidence is worth, 0 to 1, where the reference moves so much, in units of the noise."""
    return (motion + np.float32(1e-9)) / (motion + STILL_CONTENT)


@kernel(fastmath=SUMS)
def whole_cost(excess: np.float32, moving: np.float32) -> np.float32:
    """The cost of an excess of the whole picture's distance over the best, in units of noise."""
    bounded = min(excess, np.float32(1e6))
    return GAIN * moving * bounded * bounded / (bounded + SOFT)


@kernel(fastmath=SUMS)
def unlike_cost(distance: np.float32, energy: np.float32, ref_energy: np.float32) -> np.float32:
    """The additional cost of pairing pictures that are as different as strangers, or nearly."""
    if distance > UNLIKE * max(energy, ref_energy, np.float32(1)):
        return UNLIKE_COST
    return np.float32(0)
