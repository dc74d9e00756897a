"""Where the frames of a run come from: one stream, or two that were aligned."""

from __future__ import annotations

from collections.abc import Iterator, Set
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.colour_tags import ColourRule, ColourTags
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.recoloured import RecolouredReader
from vqa_harness.media.selection import PacketTable
from vqa_harness.media.source import Reader, VideoSource, open_source


class Pairs(Protocol):
    """Frames to score, in order, each with the reference frame it is compared with."""

    distorted: StreamInfo
    reference: StreamInfo | None
    expected: int | None

    def __iter__(self) -> Iterator[tuple[Frame, Frame | None]]:
        """Yield (distorted, reference) frames; the consumer releases them."""

    def reading(self) -> dict[str, Any]:
        """What decoding lost, per stream, for the log."""

    def alignment(self) -> dict[str, Any]:
        """How frames were paired, for the log."""

    def warnings(self) -> list[str]:
        """What the user should know, one line each."""

    def close(self) -> None:
        """Close the files."""


@runtime_checkable
class Skippable(Protocol):
    """`Pairs` of which only some frames can be read."""

    def packets(self) -> PacketTable | None:
        """What tells the frames before they are decoded; None where nothing does."""

    def only(self, table: PacketTable, wanted: Set[int]) -> list[Fraction | None]:
        """Give only the frames of these numbers; the result is the time of every frame."""


class SingleStream:
    """Frames of one video, without a reference.

    Args:
        source: the video.
        stated: what is stated of its colour, whatever its tags say.

    Raises:
        InputError: as `VideoReader`.
        UsageError: a matrix is stated of RGB.
    """

    def __init__(self, source: Path | VideoSource, stated: ColourTags | None = None) -> None:
        self._reader = open_source(source)
        self._frames: Reader = self._reader
        if stated is not None and stated.facts():
            try:
                self._frames = RecolouredReader(self._reader, ColourRule(stated))
            except BaseException:
                self._reader.close()
                raise
        self.distorted = self._frames.info
        self.reference: StreamInfo | None = None
        self.expected = self._reader.info.expected_frames

    def __iter__(self) -> Iterator[tuple[Frame, Frame | None]]:
        """Yield (frame, None)."""
        for frame in self._frames:
            yield frame, None

    def packets(self) -> PacketTable | None:
        """See `Skippable.packets`; frames in memory have none."""
        return self._reader.packets() if isinstance(self._reader, VideoReader) else None

    def only(self, table: PacketTable, wanted: Set[int]) -> list[Fraction | None]:
        """See `Skippable.only`."""
        assert isinstance(self._reader, VideoReader)
        return self._reader.only(table, wanted)

    def reading(self) -> dict[str, Any]:
        """See `Pairs.reading`."""
        return {"distorted": self._reader.report.to_json()}

    def alignment(self) -> dict[str, Any]:
        """An empty mapping, because nothing was paired."""
        return {}

    def warnings(self) -> list[str]:
        """One line for each thing that was lost in decoding."""
        return self._reader.report.warnings()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
