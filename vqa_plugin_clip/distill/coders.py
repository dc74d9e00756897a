"""The encoder settings that clips are damaged with, and whether this build of FFmpeg has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqa_harness.errors import MissingBackend, one_line
from vqa_plugin_clip.distill.planes import Planes

Recode = Callable[[Sequence[Planes], str, Mapping[str, str]], list[Planes]]
"""A function that encodes a clip in memory and decodes it again.

Its arguments are the frames, FFmpeg's name of the encoder, and the encoder's options. It must
return as many frames.
"""


@dataclass(frozen=True, slots=True)
class Coder:
    """An encoder setting and the range of its rate control.

    Attributes:
        encoder: FFmpeg's name of the encoder.
        options: Fixed options; those of the rate control are added.
        crf: Smallest and largest constant rate factor (or quantiser) that may be drawn.
        quantiser: Whether the encoder has no constant rate factor, so that its quantiser is fixed.
    """

    encoder: str
    options: Mapping[str, str]
    crf: tuple[int, int]
    quantiser: bool = False

    def settings(self, crf: int) -> dict[str, str]:
        """Return all options for this constant rate factor or quantiser."""
        if self.quantiser:
            return {**self.options, "qmin": str(crf), "qmax": str(crf), "b": "4M"}
        return {**self.options, "crf": str(crf)}


_X265 = "log-level=none:pools=none:frame-threads=1"
CODERS: Mapping[str, Coder] = {
    "x264-fast": Coder("libx264", {"preset": "fast"}, (16, 50)),
    "x264-ultrafast": Coder("libx264", {"preset": "ultrafast"}, (16, 50)),
    "x265-ultrafast": Coder("libx265", {"preset": "ultrafast", "x265-params": _X265}, (16, 48)),
    "vp9-realtime": Coder("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, (20, 63)),
    "x264-lowdelay": Coder("libx264", {"preset": "veryfast", "tune": "zerolatency"}, (16, 50)),
    "x265-fast": Coder("libx265", {"preset": "fast", "x265-params": _X265}, (16, 48)),
    "vp9-good": Coder("libvpx-vp9", {"deadline": "good", "cpu-used": "4"}, (20, 63)),
    "av1-svt": Coder("libsvtav1", {"preset": "10", "svtav1-params": "lp=1"}, (22, 63)),
}
"""Settings of every set; evaluation sets have no others."""

MORE_CODERS: Mapping[str, Coder] = {
    "x264-slow": Coder("libx264", {"preset": "slow"}, (14, 50)),
    "x264-film": Coder("libx264", {"preset": "medium", "tune": "film"}, (14, 50)),
    "x264-smooth": Coder("libx264", {"preset": "fast", "deblock": "4:4"}, (26, 50)),
    "x265-medium": Coder("libx265", {"preset": "medium", "x265-params": _X265}, (14, 48)),
    "x265-smooth": Coder(
        "libx265", {"preset": "fast", "x265-params": f"{_X265}:deblock=4,4"}, (26, 48)
    ),
    "vp9-realtime-6": Coder("libvpx-vp9", {"deadline": "realtime", "cpu-used": "6"}, (16, 63)),
    "vp9-realtime-low": Coder("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, (46, 63)),
    "av1-svt-7": Coder("libsvtav1", {"preset": "7", "svtav1-params": "lp=1"}, (20, 63)),
    "av1-svt-12": Coder("libsvtav1", {"preset": "12", "svtav1-params": "lp=1"}, (20, 63)),
    "av1-svt-low": Coder("libsvtav1", {"preset": "12", "svtav1-params": "lp=1"}, (46, 63)),
    "mpeg4": Coder("mpeg4", {}, (2, 31), quantiser=True),
    "mpeg2": Coder("mpeg2video", {}, (2, 31), quantiser=True),
    # Limited range is not in the standard of JPEG, and that of the clips.
    "mjpeg": Coder("mjpeg", {"strict": "unofficial"}, (2, 31), quantiser=True),
}
"""Further settings that varied sets draw: other presets, old coders, low rates that smooth."""

UNSEEN_CODERS: Mapping[str, Coder] = {
    "vp8": Coder("libvpx", {"deadline": "realtime", "cpu-used": "4", "b": "40M"}, (4, 63)),
}
"""Never drawn for training, so that there is a coder to measure on when `CODERS` are all seen."""

ALL_CODERS: Mapping[str, Coder] = {**CODERS, **MORE_CODERS, **UNSEEN_CODERS}


def more_beside(coders: Iterable[str]) -> tuple[str, ...]:
    """Name those of `MORE_CODERS` that share no encoder with a held-out one of `CODERS`.

    Args:
        coders: Those of `CODERS` that may be drawn.
    """
    drawn = {CODERS[name].encoder for name in coders if name in CODERS}
    held_out = {coder.encoder for coder in CODERS.values()} - drawn
    return tuple(name for name, coder in MORE_CODERS.items() if coder.encoder not in held_out)


def check_coders(names: Iterable[str], recode: Recode) -> None:
    """Encode two small grey frames with every setting, before hours of work depend on it.

    Args:
        names: Keys of `ALL_CODERS`.
        recode: Encodes and decodes.

    Raises:
        MissingBackend: This build of FFmpeg lacks an encoder, or it refuses the options.
    """
    grey = Planes(*(np.full((side, side), 128, np.uint8) for side in (64, 32, 32)))
    for name in names:
        coder = ALL_CODERS[name]
        try:
            recode([grey, grey], coder.encoder, coder.settings(coder.crf[1]))
        except (ValueError, OSError) as error:
            raise MissingBackend(
                f"coder {name}: this build of FFmpeg cannot encode with {coder.encoder}"
                f" ({one_line(error)}); leave it out with --hold-out, or install another PyAV"
            ) from None
