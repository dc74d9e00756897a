"""Whether one video is turned or mirrored against the other, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from vqa_harness.alignment.first_pictures import of_one_size
from vqa_harness.alignment.signatures import Floats, Region, signature
from vqa_harness.alignment.window import DecodedFrame, FrameWindow
from vqa_harness.frames import Frame
from vqa_harness.media.orientation import UPRIGHT, Orientation

FITS = 0.1
"""Distance of signatures, as a share of their energy, up to which pictures show the same.

Pictures that have nothing to do with each other are twice their energy apart.
"""
BETTER = 0.25
"""Share of the distance of the pictures as they are that a turned one must stay below."""
LOOKED_AT = 1500
"""Frames of each video that are looked at where hardly any frame of one was found in the other."""
SAMPLES = 24
"""Of these, frames of the distorted video that are turned."""
TURNS = tuple(
    Orientation(transpose, flip_x, flip_y)
    for transpose in (False, True)
    for flip_x in (False, True)
    for flip_y in (False, True)
)
WORDS = {
    (False, True, False): ("mirrored left to right", "hflip"),
    (False, False, True): ("mirrored top to bottom", "vflip"),
    (False, True, True): ("turned by 180 degrees", "hflip,vflip"),
    (True, False, False): ("mirrored along the falling diagonal", "transpose=cclock_flip"),
    (True, False, True): ("turned clockwise by 90 degrees", "transpose=cclock"),
    (True, True, False): ("turned counter-clockwise by 90 degrees", "transpose=clock"),
    (True, True, True): ("mirrored along the rising diagonal", "transpose=clock_flip"),
}
"""What is wrong with a picture that an `Orientation` mends, and FFmpeg's filter that does."""


def fitting_turn(
    distorted: Sequence[Frame],
    reference: Sequence[Frame],
    areas: tuple[Region | None, Region | None] = (None, None),
) -> Orientation | None:
    """The way to turn the pictures of a video by which they fit those of the other.

    Args:
        distorted: frames of the distorted video that carry a picture.
        reference: frames of the reference; each of the others is compared with all of these.
        areas: the picture inside black bars, of each; whole frames are compared as well.

    Returns:
        None where the pictures fit as they are, or where no other way fits far better.
    """
    regions = [(None, None), areas] if all(areas) else [(None, None)]
    one = [{turn: _turned(distorted, turn, region[0]) for turn in TURNS} for region in regions]
    two = [np.stack([signature(frame, region[1]) for frame in reference]) for region in regions]
    return _best(
        {turn: min(_apart(a[turn], b) for a, b in zip(one, two, strict=True)) for turn in TURNS}
    )


def fitting_turn_of_all(
    distorted: Callable[[], FrameWindow], reference: Callable[[], FrameWindow]
) -> Orientation | None:
    """The same from frames all over two videos, wherever in the other one their pictures are.

    Args:
        distorted: begins the distorted video once more, its frames kept.
        reference: begins the reference once more, with signatures.

    Raises:
        InputError: decoding fails.
    """
    sampled = list(_sampled(distorted()))
    passing = reference().passing(LOOKED_AT)
    signatures = [one.signature for one in passing if one.signature is not None]
    if not sampled or not signatures:
        return None
    frames, two = of_one_size(sampled), np.stack(signatures)
    return _best({turn: _apart(_turned(frames, turn, None), two) for turn in TURNS})


def describe_turn(turn: Orientation) -> str:
    """What is wrong with the distorted video, and how to mend it."""
    wrong, mended = WORDS[turn.transpose, turn.flip_x, turn.flip_y]
    return (
        f"the distorted video is {wrong} against the reference: mend its rotation tag, or turn it "
        f"back (ffmpeg -vf {mended})"
    )


def _best(apart: dict[Orientation, float]) -> Orientation | None:
    """The turn that fits far better than none; None if there is no such turn."""
    turn = min(apart, key=lambda one: apart[one])
    fits = apart[turn] < FITS and apart[turn] < BETTER * apart[UPRIGHT]
    return turn if fits else None


def _turned(frames: Sequence[Frame], turn: Orientation, region: Region | None) -> Floats:
    """(frames, cells) signatures of turned pictures."""
    return np.stack([signature(frame, region, turn) for frame in frames])


def _apart(one: Floats, two: Floats) -> float:
    """Mean distance of each signature to the nearest of the others, as a share of its energy.

    Signatures of flat pictures do not count; infinite where there are no others.
    """
    energies = np.einsum("ij,ij->i", one, one)
    lively = energies >= one.shape[1]
    if not lively.any():
        return float("inf")
    square = np.einsum("ij,ij->i", two, two)
    distances = energies[:, None] + square[None] - 2 * one @ two.T
    return float(np.mean(np.maximum(distances.min(axis=1), 0)[lively] / energies[lively]))


def _sampled(window: FrameWindow) -> Iterator[DecodedFrame]:
    """`SAMPLES` frames, evenly over as much of a video as is looked at."""
    expected = min(window.info.expected_frames or LOOKED_AT, LOOKED_AT)
    every = max(1, expected // SAMPLES)
    try:
        for index in range(0, every * SAMPLES, every):
            if not window.ensure(index, forget=True):
                return
            one = window.get(index)
            window.drop_before(index + 1)
            yield one
    finally:
        window.close()
