"""A video whose colour is read by a rule, where its own tags are missing or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import UsageError
from vqa_harness.frames import ColourInfo, Frame, PixelSource, Plane
from vqa_harness.media.colour_tags import ColourRule
from vqa_harness.media.filters import Deinterlace, Deinterlacing
from vqa_harness.media.picture import Picture, PlaneSource
from vqa_harness.media.source import Reader, VideoSource, hash_source, open_source


def recoloured(source: Path | VideoSource, rule: ColourRule) -> Path | VideoSource:
    """The source, with its colour read by a rule; itself where the rule says nothing."""
    return source if rule == ColourRule() else Recoloured(source, rule)


class Recoloured:
    """A `VideoSource` over another one.

    Args:
        source: the other one.
        rule: how its colour is read.

    Attributes:
        source: the other one.
    """

    def __init__(self, source: Path | VideoSource, rule: ColourRule) -> None:
        self.source, self._rule = source, rule

    def open(self, *, threads: int = 0, deinterlace: Deinterlace = "off") -> Reader:
        """See `VideoSource.open`.

        Raises:
            UsageError: a matrix is stated of RGB.
        """
        reader = open_source(self.source, threads=threads, deinterlace=deinterlace)
        try:
            return RecolouredReader(reader, self._rule)
        except BaseException:
            reader.close()
            raise

    def sha256(self) -> str | None:
        """See `VideoSource.sha256`."""
        return hash_source(self.source)


class RecolouredReader:
    """A `Reader` over another one, which is closed with it.

    Attributes:
        reader: the other one.

    Raises:
        UsageError: a matrix is stated of RGB.
    """

    def __init__(self, reader: Reader, rule: ColourRule) -> None:
        self.reader, self._rule = reader, rule
        info = reader.info
        if info.colour.matrix == "rgb" and rule.stated.matrix is not None:
            raise UsageError(
                f"{info.name}: its samples are RGB, which has no matrix; state the matrix of the "
                "other video"
            )
        self.info = replace(info, colour=rule.of(info.colour))
        self.report = reader.report

    @property
    def deinterlaced(self) -> Deinterlacing | None:
        """How frames are being deinterlaced; None if they are not."""
        return self.reader.deinterlaced

    def __iter__(self) -> Iterator[Frame]:
        """The frames not yet read."""
        for frame in self.reader:
            yield self.restate(frame)

    def restate(self, frame: Frame) -> Frame:
        """A frame of the other reader with its colour read by the rule."""
        colour = self._rule.of(frame.colour)
        return frame if colour is frame.colour else _restated(frame, colour)

    def close(self) -> None:
        """See `Reader.close`."""
        self.reader.close()


def _restated(frame: Frame, colour: ColourInfo) -> Frame:
    """The same samples with another meaning."""
    old, source = frame.colour, frame.source
    if source is not None and (old.full_range, old.matrix) != (colour.full_range, colour.matrix):
        source = (
            source.restated(colour)
            if isinstance(source, Picture)
            else _Restated(source, frame, colour)
        )
    return frame.showing(source, colour=colour)


class _Restated:
    """A `PixelSource` with the planes of another one, whose RGB is made of these planes."""

    def __init__(self, source: PixelSource, frame: Frame, colour: ColourInfo) -> None:
        self._source, self._colour = source, colour
        self._chroma, self._depth = frame.chroma, frame.depth

    def planes(self) -> tuple[Plane, ...]:
        """See `PixelSource.planes`."""
        return self._source.planes()

    def rgb(self) -> NDArray[np.uint8]:
        """See `PixelSource.rgb`."""
        return PlaneSource(self.planes(), self._chroma, self._depth, self._colour).rgb()
