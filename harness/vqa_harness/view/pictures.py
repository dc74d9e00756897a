"""Pictures of pairs as image files: a side, or what differs between the two."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import InputError
from vqa_harness.frames import Frame
from vqa_harness.media.one_picture import deep_rgb, jpeg, png, rgb_at, shrunk
from vqa_harness.view.pairing import SIDES, Found
from vqa_harness.view.ssim_map import ssim_map
from vqa_harness.view.tone import stated, toned

What = Literal["distorted", "reference", "difference", "ssim"]
Form = Literal["png", "jpeg"]
Showing = Literal["shown", "codes"]
KEPT_BYTES = 96 << 20
"""Bytes of image files that are kept."""
QUALITY = 2
"""Quantiser of the JPEGs that are shown while somebody scrubs."""
NEIGHBOURS = 5
"""Most pixels to each side of the one whose code values are given."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture that is asked for.

    Attributes:
        pair: number of the pair.
        what: a side, the difference of the two or the map of SSIM.
        width: in pixels; no more than the frame's own is made.
        form: PNG, or JPEG for pictures that are only passing by.
        mapping: ``shown`` maps HDR to an ordinary screen; ``codes`` shows code values as they are.
        gain: what the difference is multiplied by.
    """

    pair: int
    what: What
    width: int
    form: Form = "png"
    mapping: Showing = "shown"
    gain: int = 8


class Pictures:
    """Makes image files of the pairs of an encode, and keeps the last of them.

    Args:
        found: the pairs.
    """

    def __init__(self, found: Found) -> None:
        self._found = found
        self._kept: OrderedDict[Asked, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def image(self, asked: Asked) -> bytes:
        """The bytes of an image file.

        Raises:
            InputError: there is no such frame, or it cannot be decoded.
        """
        with self._lock:
            if asked in self._kept:
                self._kept.move_to_end(asked)
                return self._kept[asked]
        rgb = self.rgb(asked)
        made = png(rgb) if asked.form == "png" else jpeg(rgb, QUALITY)
        with self._lock:
            if asked not in self._kept:
                self._kept[asked] = made
                self._bytes += len(made)
            while self._bytes > KEPT_BYTES and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made

    def rgb(self, asked: Asked) -> NDArray[np.uint8]:
        """The picture, (H, W, 3) uint8.

        Raises:
            InputError: as `image`.
        """
        if asked.what in ("distorted", "reference"):
            frame = self._found.frame(asked.pair, asked.what)
            if asked.mapping == "shown" and frame.colour.hdr:
                return shrunk(toned(deep_rgb(frame), frame.colour), asked.width)
            return rgb_at(frame, asked.width)
        distorted = self._found.frame(asked.pair, "distorted")
        reference = self._found.frame(asked.pair, "reference")
        if asked.what == "difference":
            return shrunk(difference(distorted, reference, asked.gain), asked.width)
        return shrunk(ssim_map(distorted, reference), asked.width)


def difference(one: Frame, two: Frame, gain: int) -> NDArray[np.uint8]:
    """What differs between two frames of one size: of R, G and B, without sign, times the gain.

    Above 8 bits it is taken of RGB with 16 bits, so that no step of the code is lost.

    Returns:
        (H, W, 3) uint8, cut off at 255.
    """
    if max(one.depth, two.depth) == 8:
        apart = np.abs(one.rgb.astype(np.int16) - two.rgb).astype(np.int32) * gain
    else:
        apart = np.abs(deep_rgb(one).astype(np.int32) - deep_rgb(two)) * gain // 257
    made: NDArray[np.uint8] = np.minimum(apart, 255).astype(np.uint8)
    return made


def code_values(found: Found, pair: int, x: int, y: int, reach: int) -> dict[str, Any]:
    """The code values of both frames around a pixel, as they were compared.

    Args:
        found: the pairs.
        pair: number of the pair.
        x: column of the pixel.
        y: row of the pixel.
        reach: pixels to each side, at most `NEIGHBOURS`.

    Returns:
        For each side its ``names`` (of planes), ``depth``, and ``values``: for each plane the rows
        of the neighbourhood, None outside the frame. Chroma is that of the sample whose square
        the pixel lies in.

    Raises:
        InputError: there is no such frame or pixel.
    """
    reach = min(reach, NEIGHBOURS)
    made: dict[str, Any] = {}
    for side in SIDES[: len(found.finders)]:
        frame = found.frame(pair, side)
        if not (0 <= x < frame.width and 0 <= y < frame.height):
            raise InputError(f"pixel {x}, {y} lies outside of {frame.width}x{frame.height}")
        rgb = frame.chroma == "rgb"
        made[side] = {
            "names": ["R", "G", "B"] if rgb else ["Y", "U", "V"][: len(frame.planes)],
            "depth": frame.depth,
            "values": [_around(plane, frame, x, y, reach) for plane in frame.planes],
        }
    return made


def _around(
    plane: NDArray[Any], frame: Frame, x: int, y: int, reach: int
) -> list[list[int | None]]:
    down, right = -(-frame.height // plane.shape[0]), -(-frame.width // plane.shape[1])

    def value(column: int, row: int) -> int | None:
        inside = 0 <= row < frame.height and 0 <= column < frame.width
        return int(plane[row // down, column // right]) if inside else None

    return [
        [value(column, row) for column in range(x - reach, x + reach + 1)]
        for row in range(y - reach, y + reach + 1)
    ]


def mapping_of(found: Found) -> list[str]:
    """How pictures come to be shown, a line each; nothing for 8 bits without HDR."""
    lines = []
    for name, info in (("distorted", found.distorted), ("reference", found.reference)):
        if info is None:
            continue
        if text := stated(info.colour):
            lines.append(f"{name}: {text}")
        elif info.depth > 8:
            lines.append(
                f"{name}: {info.depth} bits shown as 8, rounded; the loupe gives the code values, "
                "and the difference is taken before rounding"
            )
    return lines


def is_one_of(kind: Any, value: str) -> bool:
    """Whether a text is one of a literal type's."""
    return value in get_args(kind)
