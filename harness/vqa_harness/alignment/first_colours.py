"""How the colour of two videos is read, decided from frames near their beginning."""

from __future__ import annotations

from collections.abc import Sequence

from vqa_harness.alignment.colour_agreement import ColourAgreement, agree
from vqa_harness.alignment.colour_evidence import Sighting, cell_means
from vqa_harness.alignment.first_pictures import Begin
from vqa_harness.alignment.format_checks import Regions
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.signatures import Region
from vqa_harness.alignment.window import DecodedFrame
from vqa_harness.frames import ASSUMED_RATE, Frame, StreamInfo

FURTHEST = 150
"""Frames of each video that are looked at, at most, where the first ones do not show the same."""


def agreed_colours(
    infos: tuple[StreamInfo, StreamInfo],
    held: Sequence[Sequence[DecodedFrame]],
    regions: Regions,
    options: AlignOptions,
    again: Sequence[Begin],
) -> ColourAgreement:
    """Decide how the colour of both videos is read.

    Args:
        infos: facts of the distorted video and of the reference.
        held: the first frames of each, of one size and kind.
        regions: the part of each picture that shows the same; None for all of it.
        options: say what is stated of colours, and how far one video may begin in the other.
        again: begins each video once more, to look further where the frames held differ.

    Raises:
        InputError: decoding fails.
    """
    near = [
        [
            Sighting(one.frame, region, one.signature if region is None else None)
            for one in some
            if one.frame is not None
        ]
        for some, region in zip(held, regions, strict=True)
    ]
    cells = cell_means(near[0], near[1])
    if cells is None:
        far = [_further(b, region, options) for b, region in zip(again, regions, strict=True)]
        cells = cell_means(far[0], far[1])
    return agree(infos, options.colours, cells)


def kind_of(frame: Frame) -> tuple[int, int, int, str]:
    """What frames must have in common so that their planes can be averaged alike."""
    return frame.width, frame.height, frame.depth, frame.chroma


def _further(begin: Begin, region: Region | None, options: AlignOptions) -> list[Sighting]:
    """Frames from the start to where the other video may begin; their pixels are not held."""
    window = begin(region)
    rate = float(window.info.rate or ASSUMED_RATE)
    found: list[Sighting] = []
    kind = None
    for one in window.passing(min(FURTHEST, round((options.max_offset + 1) * rate))):
        assert one.frame is not None
        kind = kind or kind_of(one.frame)
        if kind_of(one.frame) == kind:
            found.append(Sighting(one.frame, region, one.signature).settle())
    return found
