"""Whether pictures are woven of two fields, told from the pictures themselves.

FFmpeg's filter idet tells for each frame whether lines of one parity fit the frame before or after
better than their neighbours do, which woven fields of a moving picture do and whole pictures do
not. Verdicts of single frames are counted: over many frames only one field order comes out.

The filter does not ask how well the lines fit within their own frame, so that whole pictures with a
periodic motion (test patterns) look woven to it. A verdict counts only where that is asked too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vqa_harness.frames import Frame, Plane
from vqa_harness.media.filters import FilterGraph

WIDEST, HIGHEST = 1280, 544
"""Columns and rows from the middle of the picture that are looked at, which bounds the work."""
FEWEST = 8
"""Frames of which a verdict is needed at least."""
MOST = 0.6
"""Share of the frames that must have one verdict."""
STRAY = 0.1
"""Share of the frames that may have the opposite one."""
UNRELATED = 1.0
"""Of a woven frame, how much more lines may differ from a neighbouring frame's than from their own.

In units of what the filter judges by, the difference between the two field orders. It is 0 for
fields that are spaced evenly in time, was -0.3 to 0.5 on woven pictures, and 2.8 and more on whole
ones.
"""
REPEATS = 2
"""Repeats of either field from which they are those of telecined film.

Film at 24 frames a second is shown on 60 fields by showing every second frame for three fields, so
in five frames of video each field is repeated once.
"""
Order = Literal["tff", "bff"]


@dataclass(frozen=True, slots=True)
class Combing:
    """What the first frames of a video show of its scan.

    Attributes:
        frames: how many frames were looked at.
        tff: of these, frames that look woven, top field first.
        bff: of these, frames that look woven, bottom field first.
        progressive: of these, frames that look whole; the rest do not tell, such as still ones.
        repeats: (top, bottom) fields that are shown again in the next frame.
    """

    frames: int = 0
    tff: int = 0
    bff: int = 0
    progressive: int = 0
    repeats: tuple[int, int] = (0, 0)

    @property
    def order(self) -> Order | None:
        """The field order of frames that are clearly woven; None if they are not."""
        order: Order = "tff" if self.tff >= self.bff else "bff"
        first, second = max(self.tff, self.bff), min(self.tff, self.bff)
        enough = first >= FEWEST and first >= MOST * self.frames
        return order if enough and second <= STRAY * self.frames else None

    @property
    def whole(self) -> bool:
        """Whether the frames are clearly no woven ones."""
        enough = self.progressive >= FEWEST and self.progressive >= MOST * self.frames
        return enough and self.tff + self.bff <= STRAY * self.frames

    @property
    def telecine(self) -> bool:
        """Whether fields are repeated as in telecined film."""
        return min(self.repeats) >= REPEATS

    def to_json(self) -> dict[str, Any]:
        """Counts by name, JSON-compatible."""
        return {
            "frames": self.frames,
            "tff": self.tff,
            "bff": self.bff,
            "progressive": self.progressive,
            "repeated_fields": list(self.repeats),
        }


def look_for_combing(frames: Sequence[Frame]) -> Combing:
    """Count idet's verdicts over successive frames of one size; RGB pictures are not looked at."""
    if not frames or frames[0].chroma == "rgb" or frames[0].height < 8:
        return Combing()
    lumas = [_middle(frame) for frame in frames]
    height, width = lumas[0].shape
    graph = FilterGraph(1, ["idet"], (width, height), "gray", frames[0].depth)
    told = [one for luma in lumas for one in graph.push((luma,))] + graph.drain()
    single = Counter(one.get("lavfi.idet.single.current_frame") for one in told)
    if max(single["tff"], single["bff"]) >= FEWEST and not _woven(lumas):
        single["tff"] = single["bff"] = 0
    repeated = Counter(one.get("lavfi.idet.repeated.current_frame") for one in told)
    return Combing(
        len(told),
        single["tff"],
        single["bff"],
        single["progressive"],
        (repeated["top"], repeated["bottom"]),
    )


def _woven(lumas: Sequence[Plane]) -> bool:
    """Whether lines fit the frames beside theirs about as well as they fit their own frame."""
    shares = []
    for before, own, after in zip(lumas, lumas[1:], lumas[2:], strict=False):
        lines = own.astype(np.int32)
        around = lines[:-2] + lines[2:]
        within, *other = (
            np.abs(around - 2 * rows[1:-1].astype(np.int32)).sum(axis=1, dtype=np.int64)
            for rows in (own, before, after)
        )
        orders = [
            int(other[number][::2].sum() + other[1 - number][1::2].sum()) for number in (0, 1)
        ]
        if orders[0] != orders[1]:
            nearer, apart = min(orders), abs(orders[0] - orders[1])
            shares.append((nearer - int(within.sum())) / apart)
    return bool(shares) and float(np.median(shares)) < UNRELATED


def _middle(frame: Frame) -> Plane:
    """The middle of the luma; its first row is an even one, so that the fields keep their names."""
    luma = frame.planes[0]
    height, width = luma.shape
    top, left = max(0, height - HIGHEST) // 4 * 2, max(0, width - WIDEST) // 2
    return luma[top : top + HIGHEST, left : left + WIDEST]
