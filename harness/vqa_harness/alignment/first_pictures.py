"""The first frames of a video that carry a picture, behind a black start or a fade."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vqa_harness.alignment.letterbox import picture_area
from vqa_harness.alignment.signatures import Region, energy, signature
from vqa_harness.alignment.window import DecodedFrame, FrameWindow
from vqa_harness.frames import Frame

Begin = Callable[[Region | None], FrameWindow]
"""Begins a video once more, on the part of its picture that is given, or on all of it."""
PICTURE = 4.0
"""Mean square of a signature, in squared levels, from which a frame carries a picture.

What counts is the part inside black bars, which would make a picture of any white.

Black, white and other flat frames have less than a hundredth of that, noise and coding included.
"""
FADING = 1.1
"""Growth of that mean square over `STEP` frames from which a picture is still fading in."""
STEP = 4
LOOKED_AT = 600
"""Frames that are looked at for a picture; where none of them carries one, the first are taken."""
TAKEN = 12
"""Frames that are taken behind a start without a picture, at most."""
ROOM, LEAST = 256 << 20, 2
"""Bytes of them, at most; but so many frames."""


def first_pictures(window: FrameWindow, again: Begin, count: int) -> list[Frame]:
    """The first frames of one size that carry a picture.

    Args:
        window: on the video, at its beginning.
        again: begins the video once more; only asked where it does not begin with a picture.
        count: frames of ``window`` that may be held.

    Returns:
        ``count`` frames from the first on where that carries a picture or none does, otherwise up
        to `TAKEN`.

    Raises:
        InputError: decoding fails.
    """
    held = window.first(count)
    if _contrast(held[0]) < PICTURE:
        further = again(None)
        try:
            held = _beyond(further) or held
        finally:
            further.close()
    return of_one_size(held)


def of_one_size(held: Iterable[DecodedFrame]) -> list[Frame]:
    """The pictures of frames, at least one, without those of another size than the first."""
    frames = [one.frame for one in held if one.frame is not None]
    size = frames[0].width, frames[0].height
    return [frame for frame in frames if (frame.width, frame.height) == size]


def _beyond(window: FrameWindow) -> list[DecodedFrame]:
    """Frames from the first that carries a picture and no longer fades in; empty for none."""
    contrasts: list[float] = []
    index = 0
    while index < LOOKED_AT and window.ensure(index):
        contrasts = [*contrasts[-STEP:], _contrast(window.get(index))]
        fading = len(contrasts) > STEP and contrasts[-1] > FADING * contrasts[0]
        if not fading and contrasts[-1] >= PICTURE:
            break
        window.drop_before(index + 1)
        index += 1
    else:
        return []
    taken = max(LEAST, min(TAKEN, ROOM // window.info.picture_bytes))
    window.ensure(index + taken - 1)
    return [window.get(k) for k in range(index, min(index + taken, window.count))]


def _contrast(one: DecodedFrame) -> float:
    """Mean square of the signature of what is inside black bars; 0 where that is too little."""
    assert one.frame is not None
    area = picture_area([one.frame])
    found = 0.0 if area is None else energy(signature(one.frame, area))
    one.frame.trim()
    return found
