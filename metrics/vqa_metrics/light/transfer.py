"""Transfer curves: how much light a display makes of a signal.

A display-referred figure needs the light that is seen, so BT.709 means the curve of displays for it
(ITU-R BT.1886 with a black of no light, a power of 2.4), not the inverse of a camera's curve. PQ is
SMPTE ST 2084; HLG is ITU-R BT.2100 as shown by a display of 1000 cd/m2. Light is relative to the
white of standard dynamic range, which libjxl takes as 255 cd/m2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import ColourInfo

WHITE = 255.0
"""Luminance of 1.0 in cd/m2: libjxl's convention for pictures of standard dynamic range."""
PQ_PEAK = 10000.0
"""Luminance of the largest PQ signal in cd/m2."""
HLG_PEAK = 1000.0
"""Luminance of the largest HLG signal in cd/m2, on the display assumed."""
HLG_GAMMA = 1.2
"""Exponent by which that display makes light of the scene's."""
STEPS = 4096
"""Steps of a tabulated curve; straight lines between them err by less than 1e-6 of white."""

Floats = NDArray[np.float64]


def srgb(signal: Floats) -> Floats:
    """Light of an sRGB signal (IEC 61966-2-1), 0 to 1."""
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def bt1886(signal: Floats) -> Floats:
    """Light of a BT.709, BT.601 or BT.2020 signal of standard dynamic range, 0 to 1."""
    return signal**2.4


def linear(signal: Floats) -> Floats:
    """Light of a linear signal."""
    return signal


def pq(signal: Floats) -> Floats:
    """Light of a PQ signal, 0 to `PQ_PEAK` / `WHITE`."""
    m1, m2 = 1305 / 8192, 2523 / 32
    c1, c2, c3 = 107 / 128, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    light = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return light * (PQ_PEAK / WHITE)


def hlg_scene(signal: Floats) -> Floats:
    """Light of the scene that an HLG signal stands for, 0 to 1; see `HLG_GAMMA` for the display."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


CURVES: dict[str, Callable[[Floats], Floats]] = {
    "bt1886": bt1886,
    "srgb": srgb,
    "linear": linear,
    "pq": pq,
    "hlg": hlg_scene,
}


def curve_of(colour: ColourInfo, chosen: str = "auto", *, graphics: bool = False) -> str:
    """Name the curve of a picture, one of `CURVES`.

    Args:
        colour: what is known of it. An untagged video, and a curve that is not known here, are
            taken as BT.709's; untagged RGB as sRGB.
        chosen: a curve to take instead of one of standard dynamic range; ``auto`` for none.
        graphics: whether an untagged picture is taken as sRGB whatever it is, as still images are.
    """
    if colour.transfer in ("pq", "hlg", "linear"):
        return colour.transfer
    if chosen != "auto":
        return chosen
    untagged = colour.transfer == "unknown" and (graphics or colour.matrix == "rgb")
    return "srgb" if untagged or colour.transfer == "srgb" else "bt1886"


@lru_cache(maxsize=8)
def table(curve: str) -> NDArray[np.float32]:
    """Return light at `STEPS` + 1 signals from 0 to 1, and the last once more; read-only."""
    light = CURVES[curve](np.linspace(0, 1, STEPS + 1))
    made = np.append(light, light[-1]).astype(np.float32)
    made.flags.writeable = False
    return made
