"""Which weights are kept: those that order rate ladders best, as long as all damage is told well.

Measured on training contents that are kept for it; the evaluation sets have no say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

_GUARD = 0.005
"""How far the SROCC over all damage may lie below the best that was seen."""


@dataclass(frozen=True, slots=True)
class Merit:
    """What one check found.

    Attributes:
        damage: SROCC over clips of all damage; NaN if there is none.
        swapped: Share of neighbouring rungs whose order is wrong, 0 to 1.
        inside: Mean SROCC inside a ladder.
    """

    damage: float
    swapped: float
    inside: float

    def orders_better(self, other: Merit) -> bool:
        """Whether ladders are in better order: fewer swaps, then the SROCC inside them."""
        return (self.swapped, -self.inside) < (other.swapped, -other.inside)


class Selection:
    """Keeps the best weights of a training.

    Args:
        model: The network; its weights are kept as they are when a check is offered.

    Attributes:
        number: Number of the check whose weights are kept; 0 before the first.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._best = -1.0
        self._kept: tuple[Merit, dict[str, Tensor]] | None = None
        self.number = 0

    def offer(self, number: int, merit: Merit) -> bool:
        """Keep the weights as they are now if they are the best so far.

        A check whose SROCC over all damage lies 0.005 or more below the best one seen gives way to
        one above that line; among checks on the same side the better order of ladders counts.

        Args:
            number: Number of the check.
            merit: What was measured.

        Returns:
            Whether they were kept.
        """
        self._best = max(self._best, merit.damage)
        if self._kept is not None and not self._wins(merit, self._kept[0]):
            return False
        state = {k: v.detach().cpu().clone() for k, v in self._model.state_dict().items()}
        self._kept = merit, state
        self.number = number
        return True

    def restore(self) -> None:
        """Give the network the weights that were kept."""
        assert self._kept is not None
        self._model.load_state_dict(self._kept[1])

    def to_dict(self) -> dict[str, Any]:
        """Describe the choice, for the card."""
        assert self._kept is not None
        merit = self._kept[0]
        return {
            "check": self.number,
            "validation_damage_srocc": round(merit.damage, 4),
            "validation_swapped": round(merit.swapped, 4),
            "validation_inside_srocc": round(merit.inside, 4),
        }

    def _wins(self, new: Merit, kept: Merit) -> bool:
        line = self._best - _GUARD
        if (new.damage >= line) != (kept.damage >= line):
            return new.damage >= line
        return new.orders_better(kept)
