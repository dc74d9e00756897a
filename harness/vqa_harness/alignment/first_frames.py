"""How two videos become comparable, decided from the first frames of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vqa_harness.alignment.colour_notes import colour_notes
from vqa_harness.alignment.first_colours import agreed_colours, kind_of
from vqa_harness.alignment.first_pictures import Begin, first_pictures
from vqa_harness.alignment.format_checks import Regions, bars_differ
from vqa_harness.alignment.formats import FormatPlan, plan_formats
from vqa_harness.alignment.letterbox import matching_areas, picture_area
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.report import Note
from vqa_harness.alignment.turned import describe_turn, fitting_turn
from vqa_harness.alignment.window import DecodedFrame, FrameWindow
from vqa_harness.errors import AlignError
from vqa_harness.media.orientation import Orientation

HELD_BYTES = 512 << 20
"""Bytes of pictures that may be held at the start, of both videos together."""
FEWEST, MOST = 10, 24
"""Frames of each video that are held at the start, at least and at most.

Frame rates and black bars are told from them. `proven` needs twelve, so where a picture is so large
that fewer are held, signatures are always read first.
"""
LEAST = 2
"""Frames of each video that are held of the largest pictures, of which `FEWEST` take over 1 GiB."""
BARS_EVERY = 4
"""One in so many of the frames held is searched for black bars, which do not change that fast."""


def frames_held(windows: Sequence[FrameWindow]) -> int:
    """How many frames of each video may be held at the start."""
    size = sum(window.info.picture_bytes for window in windows)
    return held_at_start(size)


def held_at_start(size: int) -> int:
    """How many pairs may be held at the start, from the bytes of a pair of pictures.

    It depends on nothing else, such as the memory there is, because what is told of the videos
    depends on it.
    """
    few = max(LEAST, min(FEWEST, 2 * HELD_BYTES // size))
    return max(few, min(MOST, HELD_BYTES // size))


def plan_from_first(
    windows: Sequence[FrameWindow],
    again: Sequence[Begin],
    count: int,
    options: AlignOptions,
) -> tuple[FormatPlan, Regions]:
    """Compare the formats, the way up and the black bars of the first frames with a picture.

    Args:
        windows: on the distorted video and on the reference, both at their beginning.
        again: begins each of them once more, to look further into where the first frames carry no
            picture, or the two show different ones.
        count: frames of each that may be looked at.
        options: how the user wants differences treated.

    Returns:
        The plan, and the part of each picture that is kept.

    Raises:
        InputError: decoding fails.
        AlignError: the two cannot be compared.
    """
    distorted, reference = (w.info for w in windows)
    first, second = (
        first_pictures(window, begin, count) for window, begin in zip(windows, again, strict=True)
    )
    areas = picture_area(first[::BARS_EVERY]), picture_area(second[::BARS_EVERY])
    notes = _check_turn(fitting_turn(first, second, areas), options)
    if options.crop == "off":
        areas = None, None
    alike: Regions = (None, None)
    if areas[0] and areas[1] and bars_differ(distorted, reference, areas):
        alike = matching_areas(first, second, (areas[0], areas[1])) or alike
    held = [_of_one_size(window, count) for window in windows]
    agreed = agreed_colours((distorted, reference), held, alike, options, again)
    plan = plan_formats(agreed.infos[0], agreed.infos[1], options, areas, alike)
    told = colour_notes(agreed, (distorted, reference))
    return replace(plan, notes=(*notes, *told, *plan.notes), agreed=agreed), alike


def _of_one_size(window: FrameWindow, count: int) -> list[DecodedFrame]:
    """The first frames of a video, without those of another size or kind than the first one."""
    held = [(one, one.frame) for one in window.first(count) if one.frame is not None]
    kind = kind_of(held[0][1])
    return [one for one, frame in held if kind_of(frame) == kind]


def _check_turn(turn: Orientation | None, options: AlignOptions) -> list[Note]:
    """A note on pictures that are turned, where the user says how to pair them in any case.

    Raises:
        AlignError: they are turned, and the pictures are to tell the pairing.
    """
    if turn is None:
        return []
    text = describe_turn(turn)
    if options.mode in ("index", "time"):
        return [Note("turned", f"{text}; it was compared as it is")]
    raise AlignError(f"{text}; --align index compares it as it is")
