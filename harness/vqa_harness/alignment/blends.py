"""Frames that are a mixture of two reference frames: made by a change of the frame rate.

From 50 to 25 frames a second by the mean of each two, or from 25 to 50 with frames made up in
between, some distorted frames show what no frame of the reference shows. In the cells of a
signature a mixture and a picture interpolated along the motion look alike: halfway between the two
frames, in every part of the picture that moves. A coder that leaves parts of a picture as they were
is at one end or the other in each part.
"""

from __future__ import annotations

import numpy as np

from vqa_harness.alignment.signatures import Signature
from vqa_harness.alignment.votes import PARTS, part_sums

HALFWAY = (0.35, 0.65)
"""Place between two reference frames, 0 to 1, from which to which a picture counts as mixed."""
MOVES = 0.5
"""Squared levels by which a part of the reference must move to be asked, summed over its cells and
divided by their number."""
CLEAR = 0.5
"""Share of the distance to the nearest frame that may be left in the middle between the two.

In the true middle nothing but the coder's noise is left, elsewhere nearly all: of sample clips less
than 0.4 and more than 0.85.
"""
ASKED = PARTS // 6
"""Parts of 48 that must move before they are asked."""
RIVAL = 4.0
"""Times the least squared distance beyond which the next frame has no part in the picture."""


def is_blend(picture: Signature, one: Signature, two: Signature) -> bool:
    """Whether a picture lies between two reference pictures, by the parts that move.

    Args:
        picture: signature of the distorted frame.
        one: signature of the reference frame it is most like.
        two: signature of the neighbour of that frame it is more like.
    """
    motion, off = two - one, picture - one
    cells = picture.size // PARTS
    moved = part_sums(motion * motion)
    asked = moved > MOVES * cells
    if asked.sum() < ASKED:
        return False
    along, own = part_sums(motion * off)[asked], part_sums(off * off)[asked]
    share = along / moved[asked]
    left = own - share * along
    middle = HALFWAY[0] < float(np.median(share)) < HALFWAY[1]
    return bool(middle and left.sum() < CLEAR * own.sum())
