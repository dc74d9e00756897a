"""The worst frames of a video as small pictures, beside the frames they were compared with."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vqa_harness.frames import Frame

WIDTH = 400
"""Pixels of a thumbnail."""


def worst_frames(
    values: Sequence[float | None], count: int, apart: int, *, higher_is_better: bool
) -> list[int]:
    """Indices of the worst frames, worst first, each at least ``apart`` from the others.

    A run of equal scores, such as a window's, counts by its middle frame.
    """
    sign = 1.0 if higher_is_better else -1.0
    found: list[int] = []
    ranked = sorted((sign * x, i) for i, x in enumerate(values) if x is not None)
    for _, index in ranked:
        middle = _middle(values, index)
        if all(abs(middle - other) >= apart for other in found):
            found.append(middle)
        if len(found) == count:
            break
    return found


def _middle(values: Sequence[float | None], index: int) -> int:
    start = stop = index
    while start > 0 and values[start - 1] == values[index]:
        start -= 1
    while stop + 1 < len(values) and values[stop + 1] == values[index]:
        stop += 1
    return (start + stop) // 2


def grab(path: Path, wanted: Iterable[int]) -> dict[int, str]:
    """Frames of a video as JPEGs in ``data:`` URIs; those that do not come are left out.

    The video is decoded up to the last of them, and nothing is kept but the pictures.

    Args:
        path: of the video.
        wanted: indices of decoded frames, in display order.

    Raises:
        InputError: it cannot be opened.
    """
    from vqa_harness.reader import VideoReader

    left = set(wanted)
    found: dict[int, str] = {}
    if not left:
        return found
    with VideoReader(path) as reader:
        for frame in reader:
            if frame.index in left:
                left.discard(frame.index)
                found[frame.index] = jpeg_uri(frame)
            frame.release()
            if not left:
                break
    return found


def frame_at(times: Sequence[float | None], index: int, rate: float | None) -> int:
    """The decoded frame behind the ``index``-th score: by its time, where that is known.

    Scores begin where reference and distorted first pair, which may be after the first frame.
    """
    time = times[index] if index < len(times) else None
    if time is None or not rate:
        return index
    return max(index, round(time * rate))


def jpeg_uri(frame: Frame, width: int = WIDTH) -> str:
    """A frame scaled to that width at most, as a ``data:`` URI."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(frame.rgb, width)).decode("ascii")


def jpeg(rgb: NDArray[np.uint8], width: int = WIDTH) -> bytes:
    """An (H, W, 3) uint8 picture as a JPEG of at most that width."""
    from vqa_harness.decode import resize_planes
    from vqa_harness.encode import encode_bytes
    from vqa_harness.frames import ColourInfo

    height, given = rgb.shape[:2]
    across = min(width, given)
    down = max(1, round(height * across / given))
    planes = [np.ascontiguousarray(rgb[..., c]) for c in range(3)]
    small = np.stack(resize_planes(planes, "rgb", 8, (across, down), "area"), axis=-1)
    return encode_bytes(
        [np.ascontiguousarray(small)],
        codec="mjpeg",
        container="mjpeg",
        pix_fmt="yuvj420p",
        options={"qmin": "5", "qmax": "5"},
        colour=ColourInfo(full_range=True, matrix="bt601"),
    )
