"""Where the frames of a run come from: one stream, or two that were aligned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.source import VideoSource, open_source


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


class SingleStream:
    """Frames of one video, without a reference."""

    def __init__(self, source: Path | VideoSource) -> None:
        self._reader = open_source(source)
        self.distorted = self._reader.info
        self.reference: StreamInfo | None = None
        self.expected = self._reader.info.expected_frames

    def __iter__(self) -> Iterator[tuple[Frame, Frame | None]]:
        """Yield (frame, None)."""
        for frame in self._reader:
            yield frame, None

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
