"""How unlike two pictures are, whatever moved a little or changed in brightness between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vqa_harness.alignment.signatures import COLUMNS, ROWS, Signature, energy

REACH = 4
"""Cells by which a block may have moved: a ninth of the height, a sixteenth of the width."""
BLOCK_ROWS, BLOCK_COLUMNS = 6, 8
"""Cells of a block that moves as one; the picture has 6 x 8 of them."""
NOISE = 4.0
"""Squared levels that any two pictures may differ by: noise, and the rounding of coding."""
DETAIL = 16.0
"""Squared levels from which a block, or what changed of it, shows something."""

_DOWN, _ACROSS = ROWS // BLOCK_ROWS, COLUMNS // BLOCK_COLUMNS
_SPAN = 2 * REACH + 1


class Change(NamedTuple):
    """What changed between two pictures beyond motion.

    Attributes:
        amount: mean squared difference, in squared levels of 8-bit full range, noise taken off.
        share: of what two unrelated pictures could differ by, 0 to 1, over the blocks that show
            something in one of them, so that black bars and a still background do not count.
    """

    amount: float
    share: float


def plain_change(one: Signature, two: Signature) -> float:
    """The mean squared difference of two signatures, in squared levels, less that of noise."""
    return max(0.0, energy(one - two) - NOISE)


def moved_change(one: Signature, two: Signature) -> Change:
    """How ``two`` differs from ``one``, each block looked for within `REACH` cells.

    The best place of each block counts. A camera held in the hand and things that move leave
    little; another scene leaves most of what it changes.
    """
    before, after = _blocks(one), _blocks(two)
    padded = np.pad(one.reshape(ROWS, COLUMNS), REACH, mode="edge")
    near = sliding_window_view(padded, (BLOCK_ROWS + 2 * REACH, BLOCK_COLUMNS + 2 * REACH))
    near = near[::BLOCK_ROWS, ::BLOCK_COLUMNS]
    places = sliding_window_view(near, (BLOCK_ROWS, BLOCK_COLUMNS), axis=(2, 3))
    apart = places - after[:, :, None, None]
    left = np.einsum("abijkl,abijkl->abij", apart, apart).reshape(_DOWN, _ACROSS, -1).min(-1)
    left /= BLOCK_ROWS * BLOCK_COLUMNS
    most = before.var((2, 3)) + after.var((2, 3)) + (before.mean((2, 3)) - after.mean((2, 3))) ** 2
    shown = most >= DETAIL
    share = np.minimum(1.0, left / (most + NOISE))[shown].mean() if shown.any() else 0.0
    return Change(max(0.0, float(left.mean()) - NOISE), float(share))


def is_blend(middle: Signature, one: Signature, two: Signature) -> bool:
    """Whether a picture is a mixture of two others, each with a share of a tenth at least."""
    apart = two - one
    size = energy(apart)
    if size <= DETAIL:
        return False
    part = float(np.dot(middle - one, apart)) / apart.size / size
    return 0.1 <= part <= 0.9 and energy(middle - one - np.float32(part) * apart) <= 0.1 * size


def _blocks(picture: Signature) -> NDArray[np.float32]:
    """(6, 8, 6, 8) the cells of each block."""
    return picture.reshape(_DOWN, BLOCK_ROWS, _ACROSS, BLOCK_COLUMNS).swapaxes(1, 2)
