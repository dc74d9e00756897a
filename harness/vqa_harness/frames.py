"""What metrics see: one decoded frame, a clip of frames, and the facts of the stream they are from.

Pixels stay where the decoder put them: planes are read-only views, and luma or RGB is made the
first time a metric asks and kept for the others until the frame is released.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Plane = NDArray[np.uint8] | NDArray[np.uint16]
Chroma = Literal["420", "422", "444", "440", "411", "410", "gray", "rgb"]


ASSUMED_RATE = Fraction(25)
"""Frames per second where the stream tells none."""


LARGE = 16384 * 2160
"""Pixels above which what is computed of a picture is not kept while the picture waits: 8K has
fewer."""


@dataclass(frozen=True, slots=True)
class ColourInfo:
    """How code values mean light.

    Attributes:
        full_range: True for 0-255 (or 0-1023), False for limited ("TV") range. Untagged is limited,
            RGB is full.
        matrix: ``bt601``, ``bt709``, ``bt2020`` or ``rgb``; untagged YUV is guessed, 709 from 720
            lines up.
        transfer: ``bt709``, ``pq``, ``hlg``, ``linear``, ``srgb``, ``unknown`` or FFmpeg's number
            as text.
        primaries: ``bt709``, ``bt601``, ``bt2020``, ``unknown`` or FFmpeg's number as text.
        guessed: names of the attributes above that the stream does not say.
    """

    full_range: bool
    matrix: str
    transfer: str = "unknown"
    primaries: str = "unknown"
    guessed: tuple[str, ...] = ()

    @property
    def hdr(self) -> bool:
        """Whether the transfer is PQ or HLG."""
        return self.transfer in ("pq", "hlg")


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """Facts of one video stream, after rotation has been applied.

    Attributes:
        name: the file's base name.
        codec: FFmpeg's name of the codec, such as ``h264``.
        width: width of a displayed frame, in pixels (storage grid, rotation applied).
        height: height of a displayed frame, in pixels.
        pix_fmt: FFmpeg's name of the decoded pixel format.
        depth: bits per sample, 8 to 16.
        chroma: subsampling, ``gray`` or ``rgb``.
        rate: frames per second as the container tells; None if it does not.
        expected_frames: how many frames the packets promise; None if nothing tells. Decoding may
            still give fewer.
        duration: seconds as the container tells; None if it does not.
        rotation: degrees counter-clockwise that were undone.
        sar: sample aspect ratio, 1 if unknown.
        interlaced: whether the stream says that its frames are interlaced.
        field_order: the order that the stream states: ``progressive``, ``tff`` or ``bff`` (top or
            bottom field shown first), ``unknown`` where it states none.
        still: whether the input is a still image.
        mirrored: whether a mirror, left to right, was undone as well.
        colour: how code values mean light.
    """

    name: str
    codec: str
    width: int
    height: int
    pix_fmt: str
    depth: int
    chroma: Chroma
    rate: Fraction | None
    colour: ColourInfo
    expected_frames: int | None = None
    duration: Fraction | None = None
    rotation: int = 0
    sar: Fraction = Fraction(1)
    interlaced: bool = False
    still: bool = False
    mirrored: bool = False
    field_order: str = "unknown"

    @property
    def picture_bytes(self) -> int:
        """About how many bytes a decoded picture takes, at most."""
        samples = self.width * self.height * (3 if self.chroma in ("444", "rgb") else 2)
        return samples * (1 if self.depth == 8 else 2)


class PixelSource(Protocol):
    """Where a frame's pixels come from: the decoder's picture, or arrays."""

    def planes(self) -> tuple[Plane, ...]:
        """Read-only planes: Y (, U, V), or R, G, B for ``chroma == "rgb"``; (H, W) each."""

    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, full range."""


@runtime_checkable
class PatchSource(Protocol):
    """A `PixelSource` that can make RGB of some patches without making all of it."""

    def rgb_patches(
        self, rows: Sequence[int], columns: Sequence[int], side: int
    ) -> NDArray[np.uint8] | None:
        """See `Frame.rgb_patches`; None where they have to be cut from `PixelSource.rgb`."""


@dataclass(slots=True)
class Frame:
    """One decoded frame; immutable but for its cache, safe to read from several threads.

    Attributes:
        index: position in the decoded stream, from 0, in display order.
        time: presentation time in seconds, exact, first frame at 0; None if unknown.
        width: width in pixels.
        height: height in pixels.
        depth: bits per sample; samples above 8 bits are uint16, in the low bits.
        chroma: subsampling, ``gray`` or ``rgb``.
        colour: how code values mean light.
        corrupt: whether the decoder flagged damage.
        source: the pixels; None after `release`.
    """

    index: int
    time: Fraction | None
    width: int
    height: int
    depth: int
    chroma: Chroma
    colour: ColourInfo
    source: PixelSource | None
    corrupt: bool = False
    _cache: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def planes(self) -> tuple[Plane, ...]:
        """Native planes, read-only, zero copy: Y (, U, V), or R, G, B; uint16 above 8 bits."""
        return self.cached("planes", lambda frame: frame._pixels().planes())

    @property
    def luma(self) -> Plane:
        """(H, W) the Y plane as coded: native depth and range. RGB sources have none.

        Raises:
            ValueError: the frame is RGB; derive a luma from `rgb` with the metric's own weights.
        """
        if self.chroma == "rgb":
            raise ValueError("an RGB frame has no luma plane")
        return self.planes[0]

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, full range, read-only; range and matrix as in ``colour``."""
        return self.cached("rgb", lambda frame: frame._pixels().rgb())

    @property
    def rgb_depth(self) -> int:
        """Bits per sample of the RGB that was decoded; 0 where the picture was not RGB.

        Two RGB pictures are given to metrics as YCbCr planes; where this is 8 and nothing was
        scaled, `rgb` is what was decoded.
        """
        if self.chroma == "rgb":
            return self.depth
        return int(getattr(self._pixels(), "rgb_depth", 0))

    def rgb_patches(
        self, rows: Sequence[int], columns: Sequence[int], side: int
    ) -> NDArray[np.uint8]:
        """Square patches of `rgb`, the same to the last bit, without making all of it if possible.

        Args:
            rows: the first row of the patches of each row of patches.
            columns: the first column of the patches of each column of patches.
            side: rows and columns of a patch; all lie inside the frame.

        Returns:
            (rows * side, columns * side, 3) uint8, the patches side by side.
        """
        with self._lock:
            source = self._pixels()
            if "rgb" not in self._cache and isinstance(source, PatchSource):
                patches = source.rgb_patches(rows, columns, side)
                if patches is not None:
                    return patches
        return self.rgb[spans(rows, side)][:, spans(columns, side)]

    def cached(self, key: Hashable, make: Callable[[Frame], T]) -> T:
        """The value of ``make(self)``, computed once per frame, whoever asks first.

        The lock is held while it is computed, so that others wait instead of computing it again. It
        may be taken twice by one thread, because ``make`` usually asks for other cached values.

        The key is the caller's name for it, such as ``"nss.mscn"``; never write to the value.
        """
        with self._lock:
            if key not in self._cache:
                self._cache[key] = make(self)
            return cast(T, self._cache[key])

    def showing(self, source: PixelSource | None, **changes: Any) -> Frame:
        """A frame of the same moment with other pixels, and a cache of its own.

        Args:
            source: the pixels.
            changes: attributes that differ.
        """
        kept = ("index", "time", "width", "height", "depth", "chroma", "colour", "corrupt")
        facts = {name: getattr(self, name) for name in kept}
        return Frame(source=source, **(facts | changes))

    def trim(self) -> None:
        """Drop what was computed of the pixels if they are many; asking computes it again."""
        if self.width * self.height > LARGE:
            with self._lock:
                self._cache.clear()

    def release(self) -> None:
        """Drop pixels and cache; the driver calls it when every metric is done with the frame."""
        with self._lock:
            self._cache.clear()
            self.source = None

    def _pixels(self) -> PixelSource:
        if self.source is None:
            raise ValueError(f"frame {self.index} was released; copy what must outlive measure()")
        return self.source


def spans(starts: Sequence[int], length: int) -> NDArray[np.intp]:
    """The numbers from each start on, ``length`` of each, one after another."""
    return (np.asarray(starts, np.intp)[:, None] + np.arange(length)).reshape(-1)


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames sampled from one window.

    Attributes:
        start: first frame of the window (index in the decoded stream).
        stop: one past the last frame of the window.
        indices: the sampled frames, ascending; repeated where the window is shorter than the clip.
        data: what `ClipMetric.prepare` made of each sampled frame, in the order of ``indices``.
    """

    start: int
    stop: int
    indices: tuple[int, ...]
    data: tuple[Any, ...]
