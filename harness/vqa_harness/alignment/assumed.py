"""A distorted frame and the reference frame assumed to be its own, as alignment judges them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vqa_harness.alignment.evidence import (
    CAP,
    evidence,
    liveliness,
    unlike_cost,
    vote_costs,
    whole_cost,
)
from vqa_harness.alignment.search import Floats, alien_cost, trust

SUPPORT = 0.9
"""Share of a rival's distance below which a distance is smaller by far."""
BARELY = 0.001
"""Squared levels by which it must be smaller besides, so that rounding decides nothing."""
LEAD = 20.0
"""Cost of all other states beyond the one assumed, from which that one is beyond doubt.

It is more than the price of a jump: any way that ends in another state would be cheaper if it came
through this one and jumped, so what happened before no longer matters.
"""


def stands_out(own: float, rival: float) -> bool:
    """Whether a squared distance is smaller than another by far."""
    return own + BARELY < SUPPORT * rival


@dataclass(slots=True)
class AssumedPair:
    """What is known of a distorted frame and its assumed partner.

    Attributes:
        target: the partner.
        row: (B,) squared distances to the reference frames of a band, the partner in its middle;
            inf where there is none.
        own: squared distance to the partner.
        rival: the smallest of the other squared distances.
        energy: mean square of the distorted signature.
        change: its squared distance to the one before.
        noise: squared distance of true pairs hereabouts.
        motion: squared distance of neighbouring reference frames hereabouts.
        left_out: share of the parts of the picture that are left out hereabouts.
        votes: (B,) against each frame of the band; None where the partner is the nearest by far.
        usual: votes against the right frames hereabouts, as `vote_costs` takes them.
    """

    target: int
    row: Floats
    own: float
    rival: float
    energy: np.float32
    change: np.float32
    noise: np.float32
    motion: np.float32
    left_out: np.float32
    votes: Floats | None = None
    usual: float = 0.0

    @property
    def least(self) -> np.float32:
        """The smallest distance."""
        return np.float32(min(self.own, self.rival))

    @property
    def alien(self) -> np.float32:
        """Price of giving the frame no partner."""
        return alien_cost.python(self.least, self.energy)

    def costs(self, energies: Floats) -> Floats:
        """(B,) costs of pairing the frame with each reference frame of the band.

        Args:
            energies: (frames,) mean squares of the reference signatures.
        """
        out = np.empty(self.row.size, np.float32)
        base = self.target - self.row.size // 2
        around = self.noise, self.motion, self.energy, energies
        if self.votes is None:
            evidence.python(self.row, base, *around, out)
        else:
            usual, believed = np.float32(self.usual), trust.python(self.left_out)
            vote_costs.python(self.row, self.votes, base, usual, believed, *around, out)
        return out

    def least_costs(self, energies: Floats) -> tuple[float, float]:
        """The cost of the partner, and the least cost of anything else.

        Args:
            energies: (frames,) mean squares of the reference signatures.
        """
        alien = float(self.alien)
        if self.votes is not None:
            costs = self.costs(energies).tolist()
            own = costs.pop(self.row.size // 2)
            return own, min(alien, *costs)
        scale = max(float(self.noise), self.own)
        moving = liveliness.python(np.float32(self.motion / scale))
        far = whole_cost.python(np.float32((self.rival - self.own) / scale), moving)
        unlike = unlike_cost.python(np.float32(self.own), self.energy, energies[self.target])
        return float(unlike), min(alien, float(min(CAP, far)))


class Bound:
    """Bounds the cost of the best pairing from below, with two states instead of a band.

    A frame is either with the partner assumed or elsewhere. What is remembered of each state is the
    least cost of any way that ends there, less the cost of the pairs assumed themselves. Evidence
    and moves enter with their smallest possible prices, so the true search can only cost more.
    """

    def __init__(self) -> None:
        self._here, self._elsewhere = 0.0, 0.0

    @property
    def excess(self) -> float:
        """What the pairs assumed cost beyond the best ones, at most."""
        return max(0.0, -min(self._here, self._elsewhere))

    @property
    def locked(self) -> float:
        """What the pairs assumed cost at most beyond the best way that ends with this partner."""
        return -self._here

    @property
    def certain(self) -> bool:
        """Whether the partner assumed leads by so much that what came before no longer matters."""
        return self._elsewhere >= self._here + LEAD

    def add(self, own: float, other: float, leave: float, back: float) -> None:
        """Take the next pair.

        Args:
            own: cost of the partner assumed.
            other: least cost of anything else.
            leave: least price of moving to anything else.
            back: least price of moving back.
        """
        here, elsewhere = self._here, self._elsewhere
        self._here = min(here, elsewhere + back)
        self._elsewhere = min(elsewhere, here + leave) + other - own

    def restart(self, excess: float, here: float, elsewhere: float) -> None:
        """Go on from what the search found.

        Args:
            excess: cost of the pairs assumed beyond that of the best ones.
            here: score of the partner assumed, beyond the best score.
            elsewhere: best score of any other state, beyond the best score.
        """
        self._here, self._elsewhere = here - excess, elsewhere - excess
