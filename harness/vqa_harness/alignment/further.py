"""Looking further: what the search in a band did not find is looked for in all of the reference.

The band covers ``max_offset`` seconds around the likeliest frame. A cut that is longer, or an
excerpt from farther in, lies beyond it. Whether something may is told from what the pairing leaves
unexplained; the reference is then read on, twice as far each time, until the rest is found beyond
doubt or the reference ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.chain import LEAST, WORST, Chain, find_chain
from vqa_harness.alignment.guide import Guide, guide_along
from vqa_harness.alignment.overview import Floats, Indices, Overview

WORTH_READING = 4
"""Frames looked for that must be unexplained before more of the reference is read for them."""
WORTH_ANOTHER = 2
"""Frames that must be explained far better beyond the band before the search begins again."""
ROOM = 512
"""Reference frames that are read on at least, each time."""
FOUND = 0.8
"""Share of the frames unexplained that must be found beyond doubt before the reading stops."""
ALIKE = 0.03
"""Share of a picture's contrast by which it may differ from its place whatever the others do."""
USUAL = 4.0
"""The same as a multiple of what is usual."""
BESIDE = 8
"""Distorted frames to either side from which a place found beyond doubt is told apart."""
SHARP = 0.5
"""Share of their distance that the one found must not exceed."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the search in a band made of a video.

    Attributes:
        pairing: (n,) reference frame of each distorted frame, -1 for none.
        bases: (n,) first reference frame of each frame's band.
        size: reference frames in a band.
    """

    pairing: Indices
    bases: Indices
    size: int


def look_further(
    distorted: Overview,
    reference: Overview,
    found: Found,
    ratio: float,
    read_on: Callable[[int], bool],
) -> Guide | None:
    """About where the frames lie, if the search in a band left some unexplained that lie elsewhere.

    Args:
        distorted: overview of the distorted video.
        reference: overview of the reference; ``read_on`` adds to it.
        found: what the search in a band found.
        ratio: reference frames to one distorted frame, as the rates tell.
        read_on: reads so many more frames of the reference; False if there are none.

    Returns:
        The guide; None where nothing better was found.
    """
    reach = found.size // 2
    chain = find_chain(distorted, reference, ratio, reach)
    lost = _unexplained(distorted, reference, found.pairing, chain.samples)
    if lost.sum() >= WORTH_READING:
        usual = _usual(distorted, reference, found.pairing, chain.samples)
        while not _settled(distorted, reference, chain, lost, usual, ratio):
            if not read_on(max(ROOM, reference.count)):
                break
            chain = find_chain(distorted, reference, ratio, reach)
    if not chain.frames.size or _better(distorted, reference, found, chain) < WORTH_ANOTHER:
        return None
    return guide_along(chain, distorted, reference, ratio, reach)


def _unexplained(
    distorted: Overview, reference: Overview, pairing: Indices, samples: Indices
) -> NDArray[np.bool_]:
    """(n,) which samples have no partner in a pairing, or one that is not like them."""
    apart = distorted.apart(samples, reference, pairing[samples])
    usual = _usual(distorted, reference, pairing, samples)
    return np.asarray((apart > USUAL * usual) & (apart > ALIKE * _contrast(distorted, samples)))


def _usual(
    distorted: Overview, reference: Overview, pairing: Indices, samples: Indices
) -> np.float32:
    """The median distance of the samples that have a partner; 0 where none has."""
    apart = distorted.apart(samples, reference, pairing[samples])
    return (
        np.float32(np.median(apart[np.isfinite(apart)]))
        if np.isfinite(apart).any()
        else (np.float32(0))
    )


def _contrast(distorted: Overview, samples: Indices) -> Floats:
    """(n,) mean squares of small pictures."""
    pictures = distorted.rows(samples)
    return np.asarray(np.square(pictures).mean(axis=1), np.float32)


def _settled(
    distorted: Overview,
    reference: Overview,
    chain: Chain,
    lost: NDArray[np.bool_],
    usual: np.float32,
    ratio: float,
) -> bool:
    """Whether a chain finds the samples unexplained beyond doubt, so that no more need be read."""
    wanted = chain.samples[lost]
    here = np.isin(chain.frames, wanted)
    frames, places, apart = chain.frames[here], chain.places[here], chain.apart[here]
    like = apart <= np.maximum(USUAL * usual, ALIKE * _contrast(distorted, frames) * (usual <= 0))
    aside = round(BESIDE * max(1.0, ratio))
    beside = [distorted.apart(frames, reference, places + side) for side in (-aside, aside)]
    sharp = apart <= SHARP * np.minimum(*beside) + LEAST
    return bool((like & sharp).sum() >= FOUND * wanted.size)


def _better(distorted: Overview, reference: Overview, found: Found, chain: Chain) -> float:
    """For how many samples a chain explains more than the pairing, outside of what it looked at."""
    frames, places = chain.frames, chain.places
    unseen = (places < found.bases[frames]) | (places >= found.bases[frames] + found.size)
    apart = distorted.apart(frames, reference, found.pairing[frames])
    gain = np.minimum(WORST, np.log2((apart + LEAST) / (chain.apart + LEAST))) / WORST
    return float(gain[unseen].sum())
