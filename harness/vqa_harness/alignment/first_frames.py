"""How two videos become comparable, decided from the first frames of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vqa_harness.alignment.colour_notes import colour_notes
from vqa_harness.alignment.first_colours import agreed_colours, kind_of
from vqa_harness.alignment.format_checks import Regions, bars_differ
from vqa_harness.alignment.formats import FormatPlan, plan_formats
from vqa_harness.alignment.letterbox import matching_areas, picture_area
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.report import Note
from vqa_harness.alignment.window import DecodedFrame, FrameWindow
from vqa_harness.media.source import VideoSource

HELD_BYTES = 512 << 20
"""Bytes of pictures that may be held at the start, of both videos together."""
FEWEST, MOST = 10, 24
"""Frames of each video that are held at the start, at least and at most.

Frame rates and black bars are told from them. `proven` needs twelve, so where a picture is so large
that fewer are held, signatures are always read first.
"""
BARS_EVERY = 4
"""One in so many of the frames held is searched for black bars, which do not change that fast."""


def frames_held(windows: Sequence[FrameWindow]) -> int:
    """How many frames of each video may be held at the start."""
    size = sum(window.info.picture_bytes for window in windows)
    return max(FEWEST, min(MOST, HELD_BYTES // size))


def plan_from_first(
    windows: Sequence[FrameWindow],
    count: int,
    options: AlignOptions,
    sources: Sequence[Path | VideoSource],
) -> tuple[FormatPlan, Regions]:
    """Compare the formats and the black bars of the first frames.

    Args:
        windows: on the distorted video and on the reference, both at their beginning.
        count: frames of each that may be looked at.
        options: how the user wants differences treated.
        sources: the distorted video and the reference, to look further into where the first frames
            of the two show different pictures.

    Returns:
        The plan, and the part of each picture that is kept.

    Raises:
        InputError: decoding fails.
        AlignError: the two cannot be compared.
    """
    distorted, reference = (w.info for w in windows)
    notes = tuple(
        Note("format", f"the {side} video was deinterlaced (bwdif, a frame for each frame)")
        for side, window in zip(("distorted", "reference"), windows, strict=True)
        if window.deinterlaced
    )
    alike: Regions = (None, None)
    areas: Regions = (None, None)
    held = [_of_one_size(window, count) for window in windows]
    if options.crop != "off":
        first, second = ([one.frame for one in some if one.frame is not None] for some in held)
        areas = picture_area(first[::BARS_EVERY]), picture_area(second[::BARS_EVERY])
        if areas[0] and areas[1] and bars_differ(distorted, reference, areas):
            alike = matching_areas(first, second, (areas[0], areas[1])) or alike
    agreed = agreed_colours((distorted, reference), held, alike, options, sources)
    plan = plan_formats(agreed.infos[0], agreed.infos[1], options, areas, alike)
    told = colour_notes(agreed, (distorted, reference))
    return replace(plan, notes=(*notes, *told, *plan.notes), agreed=agreed), alike


def _of_one_size(window: FrameWindow, count: int) -> list[DecodedFrame]:
    """The first frames of a video, without those of another size or kind than the first one."""
    held = [(one, one.frame) for one in window.first(count) if one.frame is not None]
    kind = kind_of(held[0][1])
    return [one for one, frame in held if kind_of(frame) == kind]
