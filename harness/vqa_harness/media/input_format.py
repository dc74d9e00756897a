"""What a user states of an input that does not say it itself: raw video, numbered images."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from vqa_harness.errors import UsageError

MAX_SIDE = 16384
"""Most pixels of a frame's side."""
MAX_PIXELS = 2**27
"""Pixels of the largest picture that is decoded, 16384 x 8192: a header can promise any size."""
DEFAULT_PIX_FMT = "yuv420p"
DEFAULT_RATE = Fraction(25)
_SIZE = re.compile(r"([1-9][0-9]{0,4})[xX]([1-9][0-9]{0,4})")
_RATE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?(/[0-9]{1,6})?")
_MAX_RATE = 1000
_KEYS = ("size", "pix_fmt", "rate")


def _option(key: str) -> str:
    """What the option of a key is called on the command line."""
    return f"--{key.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class InputFormat:
    """What a user states; None for what was not said.

    Attributes:
        size: width and height in pixels; makes a file with the ending of raw video readable.
        pix_fmt: FFmpeg's name of the pixel format of raw video.
        rate: frames per second of raw video or of numbered images.
    """

    size: tuple[int, int] | None = None
    pix_fmt: str | None = None
    rate: Fraction | None = None

    @classmethod
    def of(
        cls,
        size: str | tuple[int, int] | None = None,
        pix_fmt: str | None = None,
        rate: str | float | Fraction | None = None,
        *,
        names: Sequence[str] = _KEYS,
    ) -> InputFormat:
        """Read what a user typed.

        Args:
            size: ``WIDTHxHEIGHT``, or both numbers.
            pix_fmt: FFmpeg's name of a pixel format, such as ``yuv420p`` or ``yuv422p10le``.
            rate: frames per second: ``25``, ``30000/1001``, or ``29.97``, which is taken for the
                fraction over 1001 that it stands for.
            names: what the three are called in messages.

        Raises:
            UsageError: one of them is impossible.
        """
        return cls(
            None if size is None else _size(size, names[0]),
            None if pix_fmt is None else _pix_fmt(pix_fmt, names[1]),
            None if rate is None else _rate(rate, names[2]),
        )

    def over(self, other: InputFormat) -> InputFormat:
        """What is stated here, and for what is not, what is stated there."""
        return InputFormat(
            self.size or other.size, self.pix_fmt or other.pix_fmt, self.rate or other.rate
        )

    def options(self) -> dict[str, str]:
        """Options for FFmpeg's demuxer ``rawvideo``; `size` is known."""
        assert self.size is not None
        rate = self.rate or DEFAULT_RATE
        return {
            "video_size": "{}x{}".format(*self.size),
            "pixel_format": self.pix_fmt or DEFAULT_PIX_FMT,
            "framerate": f"{rate.numerator}/{rate.denominator}",
        }

    def assumed(self) -> str:
        """What raw video is read as though nobody stated it, for a message; empty for nothing."""
        missing = []
        if self.pix_fmt is None:
            missing.append(f"pixel format {DEFAULT_PIX_FMT} (--pix-fmt)")
        if self.rate is None:
            missing.append(f"{DEFAULT_RATE} frames per second (--rate)")
        return " and ".join(missing)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible: what was stated, under the names of the options."""
        size = None if self.size is None else "{}x{}".format(*self.size)
        rate = None if self.rate is None else str(self.rate)
        stated = {"size": size, "pix_fmt": self.pix_fmt, "rate": rate}
        return {name: value for name, value in stated.items() if value is not None}

    def __str__(self) -> str:
        width, height = self.size or (0, 0)
        return f"{width}x{height} {self.pix_fmt or DEFAULT_PIX_FMT}"


@dataclass(frozen=True, slots=True)
class PairFormat:
    """What a user states of the distorted side and of the reference.

    Attributes:
        distorted: of the video that is scored.
        reference: of what it is compared with.
    """

    distorted: InputFormat = InputFormat()
    reference: InputFormat = InputFormat()

    @classmethod
    def of(cls, values: Mapping[str, Any], *, name: Callable[[str], str] = _option) -> PairFormat:
        """Read options by name: ``size``, ``pix_fmt``, ``rate``, each also as ``reference_size``.

        What is stated for the reference holds for it alone, and the rest for both sides.

        Args:
            values: the options.
            name: what an option is called in messages.

        Raises:
            UsageError: as `InputFormat.of`.
        """
        both, reference = (
            InputFormat.of(*(values.get(key) for key in keys), names=[name(key) for key in keys])
            for keys in (_KEYS, [f"reference_{key}" for key in _KEYS])
        )
        return cls(both, reference.over(both))

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible, per side; empty where nothing was stated."""
        sides = {"distorted": self.distorted.to_json(), "reference": self.reference.to_json()}
        return {side: stated for side, stated in sides.items() if stated}


NOTHING_STATED = PairFormat()
"""That inputs say everything themselves."""


def _size(value: str | tuple[int, int], name: str) -> tuple[int, int]:
    text = value if isinstance(value, str) else "x".join(map(str, value))
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UsageError(f"{name} {text}: write WIDTHxHEIGHT in pixels, such as 1920x1080")
    width, height = int(match[1]), int(match[2])
    if width * height > MAX_PIXELS:
        raise UsageError(f"{name} {text}: larger than {MAX_PIXELS} pixels, the most that are read")
    return width, height


def _pix_fmt(name: str, option: str) -> str:
    import av  # slow to load, and few command lines state a format

    advice = "give FFmpeg's name of one, such as yuv420p or yuv420p10le (ffmpeg -pix_fmts)"
    try:
        components = av.VideoFormat(name, 16, 16).components
    except ValueError:
        components = ()
    if not components:
        raise UsageError(f"{option} {name}: no pixel format of frames in a file; {advice}")
    return name


def _rate(value: str | float | Fraction, name: str) -> Fraction:
    text = str(value)
    if _RATE.fullmatch(text) is None or text.endswith("/0"):
        raise UsageError(f"{name} {text}: write frames per second, such as 25 or 30000/1001")
    number, _, below = text.partition("/")
    rate = Fraction(number) / int(below or 1)
    if not 0 < rate < _MAX_RATE:
        raise UsageError(f"{name} {text}: needs more than 0 and less than {_MAX_RATE}")
    return _over_1001(rate) if "." in text else rate


def _over_1001(rate: Fraction) -> Fraction:
    """The rate of television that a decimal number stands for: 30000/1001 for 29.97."""
    exact = Fraction(1000 * round(rate * 1001 / 1000), 1001)
    return exact if rate.denominator > 1 and abs(exact - rate) < Fraction(1, 200) else rate
