"""How much the pairs assumed may cost beyond the best ones, without searching for those.

The states of `align_steps` are put together into two: the partner assumed, and everything else. The
least that either can have cost follows from the cheapest moves between them; what is found by the
search never exceeds this bound.
"""

from __future__ import annotations

LEAD = 20.0  # cost of all other states beyond the one assumed, more than that of a jump to them


class Bound:
    """Least costs of the two states, less what the pairs assumed cost themselves."""

    def __init__(self) -> None:
        self._here, self._elsewhere = 0.0, 0.0

    @property
    def excess(self) -> float:
        """What the pairs assumed cost beyond the best ones, at most."""
        return max(0.0, -min(self._here, self._elsewhere))

    @property
    def locked(self) -> float:
        """The same of the pairs up to the last partner that is left no doubt about."""
        return -self._here

    @property
    def certain(self) -> bool:
        """Whether the partner assumed leads by so much that what came before no longer matters."""
        return self._elsewhere >= self._here + LEAD

    def add(self, own: float, other: float, leave: float, back: float) -> None:
        """Take the next pair.

        Args:
            own: cost of the partner assumed.
            other: of anything else, at least.
            leave: of moving to anything else, at least.
            back: of moving back, at least.
        """
        here, elsewhere = self._here, self._elsewhere
        self._here = min(here, elsewhere + back)
        self._elsewhere = min(elsewhere, here + leave) + other - own

    def found(self, excess: float, here: float, elsewhere: float) -> None:
        """Take what the search found: the excess, and scores of the states beyond the best."""
        self._here, self._elsewhere = here - excess, elsewhere - excess
