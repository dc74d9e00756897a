"""Some frames of a video, pairs of them, each found without decoding more than it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqa_harness.alignment.formats import FormatPlan
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.recoloured import RecolouredReader
from vqa_harness.media.skipping import NotAsPromised
from vqa_harness.media.source import Reader, VideoSource, open_source


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two videos.

    Attributes:
        source: the video.
        deinterlace: as `VideoReader` takes it.
        by_packets: whether its frames are those that its packets promise, so that what no piece
            looks at need not be decoded.
    """

    source: Path | VideoSource
    deinterlace: Deinterlace = "off"
    by_packets: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """What it takes to make the pairs of a video again, without pairing them again.

    Attributes:
        distorted: facts of the frames given to metrics.
        reference: the same of the reference; None without one.
        sides: the distorted video, and the reference where there is one.
        formats: how frames are made comparable; None without a reference.
    """

    distorted: StreamInfo
    reference: StreamInfo | None
    sides: tuple[Side, ...]
    formats: FormatPlan | None = None


class PickedPairs:
    """Pairs of frames whose numbers are known; a `vqa_harness.pipeline.sources.Pairs`.

    Args:
        recipe: how they are made.
        numbers: number of the distorted frame of each pair, and that of its reference frame where
            there is one; both ascend, and a frame may be in several pairs.

    Raises:
        InputError: as `VideoReader`.
        NotAsPromised: the packets of a video do not tell its frames; also while iterating.
    """

    def __init__(self, recipe: Recipe, numbers: Sequence[tuple[int, ...]]) -> None:
        self.distorted, self.reference = recipe.distorted, recipe.reference
        self.expected: int | None = len(numbers)
        self._formats, self._numbers = recipe.formats, numbers
        self._sides: list[_Picked] = []
        # as a run in one piece has it: what a decoder makes of damage depends on its threads
        threads = 0 if recipe.formats is None else 1
        try:
            for side, wanted in zip(recipe.sides, zip(*numbers, strict=True), strict=True):
                self._sides.append(_Picked(side, wanted, threads))
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[tuple[Frame, Frame | None]]:
        """Yield the pairs; the consumer releases the frames."""
        for numbers in self._numbers:
            frames = [side.get(n) for side, n in zip(self._sides, numbers, strict=True)]
            if self._formats is None:
                yield frames[0], None
            else:
                one, two = frames
                yield self._formats.apply(one, "distorted"), self._formats.apply(two, "reference")
        for side in self._sides:
            side.read_on()

    @property
    def report(self) -> ReadReport:
        """The report of reading the distorted video; final once iterated."""
        return self._sides[0].report

    def reading(self) -> dict[str, Any]:
        """Nothing: who made the recipe has read it all."""
        return {}

    def alignment(self) -> dict[str, Any]:
        """Nothing, likewise."""
        return {}

    def warnings(self) -> list[str]:
        """Nothing, likewise."""
        return []

    def close(self) -> None:
        """Close the files."""
        for side in self._sides:
            side.close()


class _Picked:
    """Frames of one video in ascending order of their numbers."""

    def __init__(self, side: Side, wanted: Sequence[int], threads: int) -> None:
        self._reader: Reader = open_source(
            side.source, threads=threads, deinterlace=side.deinterlace
        )
        self._frame: Frame | None = None
        self._choosy = side.by_packets
        try:
            if self._choosy:
                _choose(self._reader, set(wanted))
            self._frames = iter(self._reader)
        except BaseException:
            self._reader.close()
            raise
        self.report = self._reader.report

    def get(self, number: int) -> Frame:
        """The frame of this number, which is no less than the one before."""
        while self._frame is None or self._frame.index < number:
            self._frame = next(self._frames, None)
            if self._frame is None:
                raise NotAsPromised
        if self._frame.index != number:
            raise NotAsPromised
        return self._frame

    def read_on(self) -> None:
        """Read what is left where that is packets only, so that the report is complete."""
        if self._choosy:
            for _ in self._frames:
                raise NotAsPromised

    def close(self) -> None:
        self._frame = None
        self._reader.close()


def _choose(reader: Reader, wanted: set[int]) -> None:
    """Have a reader give these frames only."""
    inner = reader.reader if isinstance(reader, RecolouredReader) else reader
    table = inner.packets() if isinstance(inner, VideoReader) else None
    if table is None:
        raise NotAsPromised
    assert isinstance(inner, VideoReader)
    inner.only(table, wanted)
