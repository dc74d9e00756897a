"""Makes a video of frames in memory: RGB or planes, with the facts that a file would state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vqa_harness.api.arrays import Stack, stack_of
from vqa_harness.api.facts import MATRICES, check_pixel_format, not_rgb, stream_facts
from vqa_harness.errors import UsageError
from vqa_harness.frames import Chroma, ColourInfo, Frame, PixelSource, Plane, StreamInfo
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.picture import PlaneSource
from vqa_harness.media.pixels import check_planes, read_only
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.recode import PixelFormat, recode

_RGB = PixelFormat("rgb", 8, full_range=True, matrix="rgb")
"""How the pixels of `Video.from_rgb` are coded."""


class Video:
    """Frames in memory, for `vqa_harness.score` and the like; make one with a ``from_`` method.

    Nothing is copied: do not change the arrays while they are scored.

    Attributes:
        info: the facts, as the stream of a file would have them.
    """

    def __init__(self, info: StreamInfo, stacks: Sequence[Stack], *, packed: bool) -> None:
        self.info = info
        self._stacks, self._packed = tuple(stacks), packed
        self._ends = 2**info.depth if info.depth not in (8, 16) else None

    @classmethod
    def from_rgb(
        cls,
        frames: Any,
        *,
        fps: float | Fraction | None,
        matrix: str,
        full_range: bool,
        transfer: str = "unknown",
        name: str = "frames",
    ) -> Video:
        """Make a video of RGB frames.

        Metrics that look at RGB, as CLIPVQA does, see the frames as they are. Metrics that look at
        luma and chroma see what ``matrix`` and ``full_range`` make of them: 8-bit Y'CbCr 4:4:4.

        Args:
            frames: [T, H, W, 3] uint8 RGB, 0 to 255: a NumPy array, anything with ``__array__`` or
                ``__dlpack__`` such as a torch tensor in main memory, or a list of T frames.
            fps: frames per second; None if unknown.
            matrix: ``bt601``, ``bt709`` or ``bt2020``; use that of the video the frames come from.
                ``rgb`` keeps to RGB: metrics that need luma and a reference then refuse them.
            full_range: whether that Y'CbCr uses all code values; most video does not. True for
                ``rgb``.
            transfer: the transfer function, as `vqa_harness.ColourInfo` names it.
            name: the name of the video in logs.

        Raises:
            UsageError: an array of another shape or type, or an impossible value.
        """
        stack = stack_of(frames, "frames", ("T", "H", "W", "3"))
        height, width, channels = stack[0].shape
        if channels != 3 or stack[0].dtype != np.uint8:
            raise UsageError(not_rgb(stack))
        if matrix not in (*MATRICES, "rgb"):
            raise UsageError(f"matrix={matrix!r}: choose one of {', '.join(MATRICES)}, rgb")
        if matrix == "rgb" and not full_range:
            raise UsageError("matrix='rgb': RGB frames have full range; say full_range=True")
        chroma: Chroma = "rgb" if matrix == "rgb" else "444"
        colour = ColourInfo(bool(full_range), matrix, transfer)
        info = stream_facts(name, len(stack), (width, height), chroma, 8, fps, colour)
        return cls(info, [stack], packed=True)

    @classmethod
    def from_planes(
        cls,
        planes: Sequence[Any],
        *,
        fps: float | Fraction | None,
        matrix: str,
        full_range: bool,
        chroma: Chroma = "420",
        depth: int = 8,
        transfer: str = "unknown",
        name: str = "frames",
    ) -> Video:
        """Make a video of planes, as a decoder gives them.

        Args:
            planes: Y, U and V (Y alone for ``gray``; R, G and B for ``rgb``), each [T, h, w] uint8,
                or uint16 above 8 bits with the samples in the low bits. Arrays as for `from_rgb`.
            fps: frames per second; None if unknown.
            matrix: ``bt601``, ``bt709`` or ``bt2020``; ``rgb`` for R, G and B.
            full_range: True for 0 to 255 (or 0 to 1023), False for the usual limited range. True
                for ``rgb``.
            chroma: subsampling: ``420``, ``422``, ``444``, ``440``, ``411``, ``410``, ``gray`` or
                ``rgb``. Chroma planes of odd sizes are rounded up.
            depth: bits per sample: 8, 9, 10, 12, 14 or 16.
            transfer: the transfer function, as `vqa_harness.ColourInfo` names it, such as ``pq``.
            name: the name of the video in logs.

        Raises:
            UsageError: planes that do not fit each other, ``chroma`` or ``depth``.
        """
        check_pixel_format(matrix, chroma, depth, full_range=full_range)
        if not isinstance(planes, list | tuple) or not planes:
            raise UsageError(
                "planes: give a tuple of arrays [T, h, w]: (y, u, v), or (y,) for gray"
            )
        stacks = [stack_of(p, f"plane {n}", ("T", "h", "w")) for n, p in enumerate(planes)]
        try:
            check_planes([stack[0] for stack in stacks], chroma, depth)
        except ValueError as error:
            raise UsageError(f"planes: {error}; shapes here are without T") from None
        if len({len(stack) for stack in stacks}) > 1:
            counts = ", ".join(str(len(stack)) for stack in stacks)
            raise UsageError(f"planes: they hold {counts} frames; give as many of each")
        height, width = stacks[0][0].shape
        colour = ColourInfo(bool(full_range), matrix, transfer)
        info = stream_facts(name, len(stacks[0]), (width, height), chroma, depth, fps, colour)
        return cls(info, stacks, packed=False)

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self._stacks[0])

    def __repr__(self) -> str:
        info = self.info
        rate = "unknown" if info.rate is None else f"{float(info.rate):g}"
        kind = "rgb" if self._packed else info.pix_fmt
        return (
            f"Video({info.name}: {len(self)} frames {info.width}x{info.height} {kind}, {rate} fps)"
        )

    def __str__(self) -> str:
        return self.info.name

    def open(self, *, threads: int = 0, deinterlace: Deinterlace = "off") -> ArrayReader:
        """A reader that begins at the first frame; see `vqa_harness.VideoReader`.

        Raises:
            UsageError: ``deinterlace`` asks for it in any case; frames in memory are taken as they
                are.
        """
        if deinterlace not in ("off", "auto"):
            raise UsageError(
                "frames in memory are taken as they are: deinterlace them first, or write them to "
                "a file"
            )
        return ArrayReader(self)

    def sha256(self) -> None:
        """None, because there is no file to hash."""

    def frames(self, first: int = 0, *, copy: bool = False) -> Iterator[Frame]:
        """The frames as metrics see them.

        Args:
            first: the index that the first frame gets.
            copy: whether the frames stay valid when the arrays change.

        Raises:
            UsageError: a sample is larger than its depth allows.
        """
        info = self.info
        for number in range(len(self)):
            pictures = [_ready(stack[number], copy=copy) for stack in self._stacks]
            self._check_values(pictures, number)
            index = first + number
            yield Frame(
                index=index,
                time=None if info.rate is None else index / info.rate,
                width=info.width,
                height=info.height,
                depth=info.depth,
                chroma=info.chroma,
                colour=info.colour,
                source=self._pixels(pictures),
            )

    def _pixels(self, pictures: Sequence[NDArray[Any]]) -> PixelSource:
        info = self.info
        if self._packed:
            return _Rgb(pictures[0], info)
        return PlaneSource(cast("list[Plane]", pictures), info.chroma, info.depth, info.colour)

    def _check_values(self, pictures: Sequence[NDArray[Any]], number: int) -> None:
        if self._ends is None:
            return
        largest = max(int(picture.max()) for picture in pictures)
        if largest >= self._ends:
            raise UsageError(
                f"{self.info.name}: frame {number} holds {largest}, beyond {self._ends - 1} of "
                f"{self.info.depth} bits; samples belong in the low bits"
            )


class ArrayReader:
    """Gives the frames of a `Video` once, as `VideoReader` gives those of a file."""

    deinterlaced = None

    def __init__(self, video: Video) -> None:
        self.info = video.info
        self.report = ReadReport(video.info.name, expected_frames=len(video))
        if video.info.rate is None:
            self.report.problem("it does not tell its frame rate")
        self._frames = self._read(video)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that were not read yet."""
        return self._frames

    def close(self) -> None:
        """Do nothing: a file would be closed here."""

    def _read(self, video: Video) -> Iterator[Frame]:
        report = self.report
        for frame in video.frames():
            report.packets += 1
            report.frames += 1
            yield frame
        report.complete = True
        report.duration = video.info.duration


class _Rgb:
    """A `PixelSource` of an RGB picture, whose planes are made when they are needed."""

    def __init__(self, picture: NDArray[np.uint8], info: StreamInfo) -> None:
        self._picture, self._info = picture, info

    def planes(self) -> tuple[Plane, ...]:
        """See `PixelSource.planes`."""
        colours = [np.ascontiguousarray(self._picture[..., c]) for c in range(3)]
        info = self._info
        pixel_format = PixelFormat(info.chroma, 8, info.colour.full_range, info.colour.matrix)
        return tuple(read_only(plane) for plane in recode(colours, _RGB, pixel_format))

    def rgb(self) -> NDArray[np.uint8]:
        """See `PixelSource.rgb`."""
        return cast("NDArray[np.uint8]", read_only(self._picture))


def _ready(picture: NDArray[Any], *, copy: bool) -> NDArray[Any]:
    """The picture row by row in memory, as decoders give it."""
    return np.array(picture, order="C") if copy else np.ascontiguousarray(picture)
