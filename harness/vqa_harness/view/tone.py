"""How HDR pictures are shown on a screen that is not: one mapping, stated wherever it is used."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import ColourInfo

WHITE = 203.0
"""cd/m2 of HDR's reference white (ITU-R BT.2408), shown as the screen's white without mapping."""
PEAK = 1000.0
"""cd/m2 that is shown as the screen's white."""
STATED = (
    "HDR shown on an ordinary screen: light of {transfer}, {white:g} cd/m² taken as 1, compressed "
    "so that {peak:g} cd/m² is white (extended Reinhard on the largest of R, G, B), colours "
    "brought to BT.709 and cut off there, sRGB"
)
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
"""Linear BT.2020 RGB to BT.709 (ITU-R BT.2087)."""


def stated(colour: ColourInfo) -> str:
    """The mapping in words; empty where there is none."""
    if not colour.hdr:
        return ""
    return STATED.format(transfer=colour.transfer.upper(), white=WHITE, peak=PEAK)


def toned(rgb: NDArray[np.uint16], colour: ColourInfo) -> NDArray[np.uint8]:
    """An HDR picture for an ordinary screen.

    Args:
        rgb: (H, W, 3) uint16 with full range of 16 bits, coded as PQ or HLG.
        colour: its transfer and primaries.

    Returns:
        (H, W, 3) uint8, sRGB.
    """
    light = _light(colour.transfer)[rgb]
    if colour.transfer == "hlg":
        luma = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        light *= (np.maximum(luma, 1e-6) ** 0.2)[..., None] * (PEAK / WHITE)
    largest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    peak = np.float32(PEAK / WHITE)
    light *= np.minimum((1 + largest / peak**2) / (1 + largest), 1 / largest)
    if colour.primaries == "bt2020":
        light = light @ _TO_709.T
    steps = (np.clip(light, 0, 1) * 4095 + 0.5).astype(np.uint16)
    made: NDArray[np.uint8] = _srgb()[steps]
    return made


@lru_cache(maxsize=2)
def _light(transfer: str) -> NDArray[np.float32]:
    """Light of each 16-bit value: of PQ in units of `WHITE`, of HLG the scene's, up to 1."""
    code = np.arange(65536) / 65535
    if transfer == "pq":  # SMPTE ST 2084
        root = code ** (32 / 2523)
        above = np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)
        light = above ** (16384 / 2610) * 10000 / WHITE
    else:  # ARIB STD-B67
        low, high = code**2 / 3, (np.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12
        light = np.where(code <= 0.5, low, high)
    return light.astype(np.float32)


@lru_cache(maxsize=1)
def _srgb() -> NDArray[np.uint8]:
    light = np.arange(4096) / 4095
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    made: NDArray[np.uint8] = np.rint(code * 255).astype(np.uint8)
    return made
